//! Fills in defaults where the API server would, into a copy that only the checks see.
//! Must not know what is valid.
//!
//! One difference: the server takes null for absent where a key is not nullable; here null stays, and is a finding,
//! because the application would see it.

use super::finder::Trail;
use super::schema::{Additional, Node};
use crate::value::{Path, Value};

/// A copy with all defaults, or none if nothing is missing.
pub(crate) fn fill(node: &Node, value: &Value) -> Option<Value> {
    if missing(node, value).is_empty() {
        return None;
    }
    let mut full = value.clone();
    fill_in(node, &mut full);
    Some(full)
}

fn fill_in(node: &Node, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, child) in &node.properties {
                if let (Some(default), false) = (&child.default, fields.contains_key(key)) {
                    fields.insert(key.clone(), default.clone());
                }
            }
            for (key, value) in fields.iter_mut() {
                if let Some(child) = node.child(key) {
                    fill_in(child, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                items.iter_mut().for_each(|item| fill_in(child, item));
            }
        }
        _ => {}
    }
}

/// The paths at which a default is missing; what is missing inside a default is not among them.
pub(crate) fn missing(node: &Node, value: &Value) -> Vec<Path> {
    let mut paths = Vec::new();
    if has_defaults(node) {
        find_missing(node, value, &Trail::root(), &mut paths);
    }
    paths
}

fn find_missing(node: &Node, value: &Value, trail: &Trail<'_>, paths: &mut Vec<Path>) {
    match value {
        Value::Object(fields) => {
            for (key, child) in &node.properties {
                if child.default.is_some() && !fields.contains_key(key) {
                    paths.push(trail.key(key).path());
                }
            }
            for (key, value) in fields {
                if let Some(child) = node.child(key) {
                    find_missing(child, value, &trail.key(key), paths);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = &node.items {
                for (index, item) in items.iter().enumerate() {
                    find_missing(child, item, &trail.index(index), paths);
                }
            }
        }
        _ => {}
    }
}

fn has_defaults(node: &Node) -> bool {
    let additional = match &node.additional {
        Additional::Schema(child) => has_defaults(child),
        _ => false,
    };
    node.default.is_some()
        || additional
        || node.properties.values().any(has_defaults)
        || node.items.as_deref().is_some_and(has_defaults)
}

#[cfg(test)]
mod tests;
