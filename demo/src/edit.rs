//! What the files of the demo hold: the digest of a configuration, and the lines in which two differ.
//! Must not ask the cluster: what should arrive is known before it is sent.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use bytes::Bytes;
use kube::api::DynamicObject;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_testplane::parse_documents;
use serde_json::Value;

/// The root of the repository: commands are run there, and files are named from there.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The digest of the ConfigMap in a file.
pub fn digest_of(file: &str) -> Result<Digest> {
    digest_of_object(&config_map(file)?)
}

/// The digest of a ConfigMap's content.
pub fn digest_of_object(config_map: &DynamicObject) -> Result<Digest> {
    let mut documents = BTreeMap::new();
    for (name, text) in data(config_map) {
        documents.insert(DocumentName::parse(name)?, Bytes::from(text.to_owned()));
    }
    Ok(Digest::of(&Documents::join([documents])))
}

/// The lines that one file's configuration has otherwise than another's, as a diff shows them.
pub fn changed_lines(before: &str, after: &str) -> Result<String> {
    let (before, after) = (config_map(before)?, config_map(after)?);
    let lines = |config_map| data(config_map).flat_map(|(_, text)| text.lines()).collect::<Vec<_>>();
    let (before, after) = (lines(&before), lines(&after));
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    Ok(gone.chain(new).collect::<Vec<_>>().join("\n"))
}

fn config_map(file: &str) -> Result<DynamicObject> {
    let text = std::fs::read_to_string(root().join(file)).with_context(|| format!("read {file}"))?;
    let objects = parse_documents(&text).with_context(|| format!("read {file}"))?;
    let is_config_map = |object: &DynamicObject| object.types.as_ref().is_some_and(|types| types.kind == "ConfigMap");
    objects.into_iter().find(is_config_map).with_context(|| format!("{file} holds no ConfigMap"))
}

fn data(config_map: &DynamicObject) -> impl Iterator<Item = (&str, &str)> {
    let entries = config_map.data.get("data").and_then(Value::as_object);
    entries.into_iter().flatten().filter_map(|(name, text)| Some((name.as_str(), text.as_str()?)))
}
