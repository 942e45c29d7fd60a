//! Variables: texts with flat names, from `.env` files and from the process, laid over a typed tree.
//! Must not read any environment. A value of a variable reaches no message.
//!
//! `APP__DATABASE__POOL_SIZE` means `database.pool_size`, or `database.poolSize` or `database.pool-size` where there
//! is one: `__` separates keys, and keys are compared without case, `_` and `-`. A variable takes the type of the value
//! that it lies over; where there is none it is text.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;

use bytes::Bytes;
use serde_json::Map;

use super::Prefix;
use crate::document::DocumentName;
use crate::finding::{Finding, Rule};
use crate::format::{self, Dialect};
use crate::tree::{as_boolean, as_number};
use crate::value::{Path, Segment, Value, merge, type_name};

/// Variables by name, as a process has them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Variables {
    /// None for a value that is not UTF-8.
    values: BTreeMap<String, Option<String>>,
}

/// Names, never a value.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl FromIterator<(OsString, OsString)> for Variables {
    /// From what the system gives; a name that is not UTF-8 cannot be meant.
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self { values: named.map(|(name, value)| (name, value.into_string().ok())).collect() }
    }
}

impl<'text> FromIterator<(&'text str, &'text str)> for Variables {
    fn from_iter<I: IntoIterator<Item = (&'text str, &'text str)>>(variables: I) -> Self {
        let owned = variables.into_iter().map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
        Self { values: owned.collect() }
    }
}

impl Variables {
    /// The value of one; none when it is not set or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_deref()
    }
}

/// The variables of one origin.
pub(super) struct Layer<'content> {
    file: Option<(&'content DocumentName, &'content Bytes)>,
    values: BTreeMap<&'content str, Option<&'content str>>,
}

impl<'content> Layer<'content> {
    pub(super) fn file(name: &'content DocumentName, content: &'content Bytes, value: &'content Value) -> Self {
        let entries = value.as_object().into_iter().flatten();
        let values = entries.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self { file: Some((name, content)), values }
    }

    pub(super) fn process(variables: &'content Variables) -> Self {
        let values = variables.values.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        Self { file: None, values }
    }

    fn finding(&self, name: &str, rule: Rule, problem: &str) -> Finding {
        let Some((document, content)) = self.file else {
            return Finding::error(rule, format!("the environment variable {name} {problem}"));
        };
        let finding = Finding::error(rule, format!("the variable {name} {problem}")).in_document(document);
        match format::locate(document, content, &Path::root().key(name)) {
            Some(position) => finding.at_position(position.line, position.column),
            None => finding,
        }
    }
}

/// Lays the variables over the tree, in the order of their names; gives those of the process that took part.
pub(super) fn lay(
    tree: &mut Value,
    layers: &[Layer<'_>],
    prefix: &Prefix,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, String> {
    let mut winners: BTreeMap<&str, (&Layer<'_>, Option<&str>)> = BTreeMap::new();
    for layer in layers {
        let meant = layer.values.iter().filter(|(name, _)| after(name, prefix).is_some());
        winners.extend(meant.map(|(name, value)| (*name, (layer, *value))));
    }
    let mut set = BTreeSet::new();
    let mut of_process = BTreeMap::new();
    for (name, (layer, text)) in winners {
        match lay_one(tree, after(name, prefix).unwrap_or_default(), text, &mut set) {
            Err((rule, problem)) => findings.push(layer.finding(name, rule, &problem)),
            Ok(()) if layer.file.is_none() => {
                of_process.insert(name.to_owned(), text.unwrap_or_default().to_owned());
            }
            Ok(()) => {}
        }
    }
    of_process
}

/// What follows the prefix and its `__`.
fn after<'name>(name: &'name str, prefix: &Prefix) -> Option<&'name str> {
    name.strip_prefix(prefix.as_str())?.strip_prefix("__")
}

fn lay_one(tree: &mut Value, keys: &str, text: Option<&str>, set: &mut BTreeSet<Path>) -> Result<(), (Rule, String)> {
    let Some(text) = text else { return Err((Rule::NotUtf8, "is not UTF-8".to_owned())) };
    let path = resolve(tree, keys)?;
    if !set.insert(path.clone()) {
        return Err((Rule::DuplicateKey, format!("sets {path}, which another variable sets already")));
    }
    let value = typed(text, path.find(tree))?;
    put(tree, path.segments(), value);
    Ok(())
}

/// The path that the keys of a variable mean in this tree.
fn resolve(tree: &Value, keys: &str) -> Result<Path, (Rule, String)> {
    let mut path = Path::root();
    let mut part = Some(tree);
    for key in keys.split("__") {
        if key.is_empty() {
            return Err((Rule::Syntax, "has an empty key between its `__`".to_owned()));
        }
        let known = match part {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => known_key(map, key, &path)?,
            Some(Value::Array(_)) => {
                let problem = format!("leads into the list {path}; set the whole list, as JSON");
                return Err((Rule::Type, problem));
            }
            Some(other) => {
                let problem = format!("leads through {path}, which is of the type {}", type_name(other));
                return Err((Rule::Type, problem));
            }
        };
        path = path.key(known.cloned().unwrap_or_else(|| key.to_ascii_lowercase()));
        part = part.and_then(|part| part.get(known?));
    }
    Ok(path)
}

fn known_key<'map>(
    map: &'map Map<String, Value>,
    key: &str,
    at: &Path,
) -> Result<Option<&'map String>, (Rule, String)> {
    if let Some((known, _)) = map.get_key_value(key) {
        return Ok(Some(known));
    }
    let mut matching = map.keys().filter(|known| bare(known).eq(bare(key)));
    match (matching.next(), matching.next()) {
        (Some(first), Some(second)) => {
            let (first, second) = (at.key(first.clone()), at.key(second.clone()));
            Err((Rule::DuplicateKey, format!("may mean {first} and {second}")))
        }
        (found, _) => Ok(found),
    }
}

fn bare(key: &str) -> impl Iterator<Item = char> + '_ {
    key.chars().filter(|c| *c != '_' && *c != '-').flat_map(char::to_lowercase)
}

/// A text in the type of the value that it lies over.
fn typed(text: &str, over: Option<&Value>) -> Result<Value, (Rule, String)> {
    let read = match over {
        None | Some(Value::Null | Value::String(_)) => Some(Value::String(text.to_owned())),
        Some(Value::Bool(_)) => as_boolean(text).map(Value::Bool),
        Some(Value::Number(_)) => as_number(text).map(Value::Number),
        Some(Value::Array(_)) => json(text).filter(Value::is_array),
        Some(Value::Object(_)) => json(text).filter(Value::is_object),
    };
    read.ok_or_else(|| {
        let wanted = match over {
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::Number(_)) => "a number",
            Some(Value::Array(_)) => "a list, as JSON",
            _ => "a map, as JSON",
        };
        (Rule::Type, format!("must be {wanted}, as the value that it lies over"))
    })
}

/// Within the limits of every other JSON text.
fn json(text: &str) -> Option<Value> {
    let name = DocumentName::parse("variable.json").ok()?;
    format::parse(&name, text.as_bytes(), Dialect::default()).ok()?
}

fn put(tree: &mut Value, way: &[Segment], value: Value) {
    match (way, tree) {
        ([Segment::Key(key), rest @ ..], Value::Object(map)) => {
            put(map.entry(key.clone()).or_insert(Value::Null), rest, value);
        }
        ([_, ..], tree) => {
            *tree = Value::Object(Map::new());
            put(tree, way, value);
        }
        ([], tree) => merge(tree, value),
    }
}
