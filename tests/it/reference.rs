//! The reference of the custom resources against the code: no field, default or reason is missing in it, and its
//! manifests are accepted.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::support::namespace;

fn reference() -> Result<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/custom-resources.md");
    fs::read_to_string(path).context("read the reference")
}

/// The part of the reference about one kind.
fn section<'text>(text: &'text str, kind: &str) -> Result<&'text str> {
    let (_, rest) = text.split_once(&format!("\n## {kind}\n")).with_context(|| format!("no section for {kind}"))?;
    Ok(rest.split("\n## ").next().unwrap_or(rest))
}

/// Each field without fields of its own, by its path, with its default.
fn leaves(schema: &Value, path: &str, found: &mut Vec<(String, Option<Value>)>) {
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            leaves(property, &path, found);
        }
    } else if schema["items"]["properties"].is_object() {
        leaves(&schema["items"], &format!("{path}[]"), found);
    } else {
        found.push((path.to_owned(), schema.get("default").cloned()));
    }
}

#[test]
fn every_field_and_default_is_in_the_reference() -> Result<()> {
    let text = reference()?;
    let mut missing = Vec::new();
    for definition in rekindle_api::definitions() {
        let kind = &definition.spec.names.kind;
        let section = section(&text, kind)?;
        let schema = serde_json::to_value(&definition.spec.versions[0].schema)?;
        let mut fields = Vec::new();
        leaves(&schema["openAPIV3Schema"]["properties"]["spec"], "", &mut fields);
        assert!(!fields.is_empty(), "{kind}");
        for (path, default) in fields {
            // A finding and a rule are described once, wherever they occur.
            let Some(shown) = named_once(&path) else { continue };
            let row = section.lines().find(|line| line.starts_with('|') && line.contains(&format!("`{shown}`")));
            let Some(row) = row else {
                missing.push(format!("{kind}: {path}"));
                continue;
            };
            let default = default.filter(|_| kind != "ConfigVersion").map(|value| match value {
                Value::String(text) => format!("| `{text}` |"),
                other => format!("| `{other}` |"),
            });
            if default.as_ref().is_some_and(|default| !row.contains(default)) {
                missing.push(format!("{kind}: the default of {path}: {default:?}"));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
    Ok(())
}

fn named_once(path: &str) -> Option<String> {
    match path.split_once("rules[]") {
        Some((_, field)) => Some(format!("rules[]{field}")),
        None if path.starts_with("findings[].") => None,
        None => Some(path.to_owned()),
    }
}

#[test]
fn every_reason_is_in_the_reference_and_no_other() -> Result<()> {
    let text = reference()?;
    let listed: Vec<&str> = section(&text, "Reasons")?
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|rest| rest.split('`').next())
        .collect();
    let source = include_str!("../../src/core/reason.rs");
    let variant = |line: &'static str| line.strip_prefix("    ")?.strip_suffix(',').filter(|word| is_word(word));
    let words: Vec<&str> = source.lines().filter_map(variant).collect();
    assert!(words.len() > 30, "{words:?}");
    assert_eq!(listed, words);
    Ok(())
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(|c| c.is_ascii_alphabetic())
}

#[tokio::test]
async fn every_manifest_in_the_reference_is_accepted() -> Result<()> {
    let namespace = namespace("reference").await?;
    let text = reference()?;
    let blocks: Vec<&str> = text.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        namespace.apply(block).await.with_context(|| block.to_owned())?;
    }
    Ok(())
}
