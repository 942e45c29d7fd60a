//! Keys that need other keys: when one is set, the others must be there.
//! Must not know schemas.

use super::spec::{KeyDependency, SchemaFault};
use crate::finding::{Finding, Rule, Severity};
use crate::value::{Path, Segment, Value};

/// A dependency, its paths read.
#[derive(Debug)]
pub(crate) struct Dependency {
    when: Path,
    requires: Vec<Path>,
    severity: Severity,
}

/// Reads the paths of dependencies.
pub(crate) fn compile(dependencies: &[KeyDependency], place: &str) -> Result<Vec<Dependency>, Vec<SchemaFault>> {
    let mut faults = Vec::new();
    let mut read = |text: &str, place: String| {
        let path = parse_path(text).filter(|path| !path.is_root());
        if path.is_none() {
            let fault = SchemaFault::new(place, format!("{text:?} is not a path"));
            faults.push(fault.hint("write it as `tls.cert`, `pools[0].size` or `[\"a.b\"].c`"));
        }
        path.unwrap_or_default()
    };
    let mut compiled = Vec::new();
    for (index, dependency) in dependencies.iter().enumerate() {
        let when = read(&dependency.when, format!("{place}[{index}].when"));
        let paths = dependency.requires.iter().enumerate();
        let requires = paths.map(|(number, text)| read(text, format!("{place}[{index}].requires[{number}]"))).collect();
        compiled.push(Dependency { when, requires, severity: dependency.severity });
    }
    if faults.is_empty() { Ok(compiled) } else { Err(faults) }
}

/// Finds the keys that are missing.
pub(crate) fn check(dependencies: &[Dependency], tree: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dependency in dependencies {
        let is_set = |value: &Value| !value.is_null() && *value != Value::Bool(false);
        if !dependency.when.find(tree).is_some_and(is_set) {
            continue;
        }
        for path in &dependency.requires {
            if path.find(tree).is_none_or(Value::is_null) {
                let finding = Finding::error(Rule::Dependency, format!("is missing, and {} needs it", dependency.when));
                let hint = format!("add it, or remove {}", dependency.when);
                findings.push(Finding { severity: dependency.severity, ..finding.at(path.clone()).hint(hint) });
            }
        }
    }
    findings
}

/// Reads a path as [`Path`] shows it.
pub(crate) fn parse_path(text: &str) -> Option<Path> {
    let mut segments = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (segment, after) = parse_brackets(inside)?;
            segments.push(segment);
            rest = after;
            continue;
        }
        let word = match rest.strip_prefix('.') {
            Some(word) => word,
            None if segments.is_empty() => rest,
            None => return None,
        };
        let (key, after) = word.split_at_checked(word.find(['.', '[']).unwrap_or(word.len()))?;
        if key.is_empty() {
            return None;
        }
        segments.push(Segment::Key(key.to_owned()));
        rest = after;
    }
    Some(segments.into_iter().collect())
}

/// `0]` or `"a.b"]` and what follows.
fn parse_brackets(text: &str) -> Option<(Segment, &str)> {
    if text.starts_with('"') {
        let mut texts = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = texts.next()?.ok()?;
        let after = text.get(texts.byte_offset()..)?.strip_prefix(']')?;
        return Some((Segment::Key(key), after));
    }
    let (index, after) = text.split_once(']')?;
    let plain = index.bytes().all(|byte| byte.is_ascii_digit());
    Some((Segment::Index(index.parse().ok().filter(|_| plain)?), after))
}

#[cfg(test)]
mod tests;
