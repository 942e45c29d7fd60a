//! Checks a value against a schema node, as the API server checks custom resources.
//! Must not know how schemas are written, nor rules in CEL. What it says never holds the value.
//!
//! Where the server has quirks (bounds cut to whole numbers, conversions inside `enum`), a value passes only if it
//! passes both the server's reading and the plain one. Below `oneOf` and `not`, where being stricter would let more
//! through, the server's reading alone counts.

use super::finder::{Finder, Trail};
use super::schema::{Additional, Node, Type};
use super::unknown::known_keys;
use crate::finding::{Finding, Rule};
use crate::value::{Value, type_name};

mod counts;
mod lists;
mod scalars;

/// Checks a value and everything in it.
pub(crate) fn check(node: &Node, value: &Value, trail: &Trail<'_>, finder: &mut Finder) {
    if !finder.step(1, trail) {
        return;
    }
    if value.is_null() {
        // Nothing else is asked of null.
        if !check_null(node, trail, finder) {
            return;
        }
        return scalars::check_enum(node, value, trail, finder);
    }
    if !check_type(node, value, trail, finder) {
        return;
    }
    scalars::check_enum(node, value, trail, finder);
    match value {
        Value::String(text) => scalars::check_text(node, text, trail, finder),
        Value::Number(number) => scalars::check_number(node, number, trail, finder),
        Value::Array(items) => lists::check(node, items, trail, finder),
        Value::Object(fields) => check_object(node, fields, trail, finder),
        Value::Null | Value::Bool(_) => {}
    }
    check_junctors(node, value, trail, finder);
}

fn check_null(node: &Node, trail: &Trail<'_>, finder: &mut Finder) -> bool {
    let typed = node.kind.is_some() || node.int_or_string;
    if typed && !node.nullable {
        let finding = Finding::error(Rule::Null, format!("must be {}, not null", with_article(node.type_words())));
        let hint = if trail.is_root() { "there is nothing in it" } else { "give it a value or remove the key" };
        finder.add(finding.hint(hint), trail);
        return false;
    }
    true
}

fn check_type(node: &Node, value: &Value, trail: &Trail<'_>, finder: &mut Finder) -> bool {
    let holds = match (node.kind, value) {
        (None, _) if node.int_or_string => scalars::is_integer(value) || value.is_string(),
        (None, _) => true,
        (Some(Type::Object), Value::Object(_))
        | (Some(Type::Array), Value::Array(_))
        | (Some(Type::String), Value::String(_))
        | (Some(Type::Boolean), Value::Bool(_))
        | (Some(Type::Number), Value::Number(_)) => true,
        (Some(Type::Integer), _) => scalars::is_integer(value),
        _ => false,
    };
    if !holds {
        let message = format!("must be {}, not {}", with_article(node.type_words()), with_article(type_name(value)));
        let finding = Finding::error(Rule::Type, message);
        let quoted = matches!(node.kind, Some(Type::String)) && !value.is_object() && !value.is_array();
        finder.add(if quoted { finding.hint("put it in quotes to make it a string") } else { finding }, trail);
    }
    holds
}

fn with_article(word: &str) -> String {
    match word {
        "null" | "any" => word.to_owned(),
        _ if word.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {word}"),
        _ => format!("a {word}"),
    }
}

type Fields = serde_json::Map<String, Value>;

fn check_object(node: &Node, fields: &Fields, trail: &Trail<'_>, finder: &mut Finder) {
    counts::check(node.key_count, fields.len(), counts::KEYS, trail, finder);
    for (key, value) in fields {
        match (node.properties.get(key), &node.additional) {
            (Some(child), _) => check(child, value, &trail.key(key), finder),
            (None, Additional::Schema(child)) => check(child, value, &trail.key(key), finder),
            (None, Additional::None) => {
                let finding = Finding::error(Rule::UnknownField, "this key is not allowed");
                finder.add(known_keys(node, key, finding), &trail.key(key));
            }
            (None, Additional::Unset | Additional::Any) => {}
        }
    }
    for key in &node.required {
        if !fields.contains_key(key) {
            let finding = Finding::error(Rule::Required, "is required and missing");
            finder.add(finding.hint(format!("add the key {key:?}")), &trail.key(key));
        }
    }
}

fn check_junctors(node: &Node, value: &Value, trail: &Trail<'_>, finder: &mut Finder) {
    if !node.any_of.is_empty() {
        let failures: Vec<Vec<Finding>> = alternatives(&node.any_of, value, trail, finder);
        if failures.iter().all(|findings| !findings.is_empty()) {
            let finding = Finding::error(Rule::AnyOf, "must satisfy at least one of the alternatives");
            finder.add(with_nearest(finding, &failures), trail);
        }
    }
    if !node.one_of.is_empty() {
        let mut strict = finder.literally();
        let failures: Vec<Vec<Finding>> = alternatives(&node.one_of, value, trail, &mut strict);
        finder.resume(&strict);
        let valid = failures.iter().filter(|findings| findings.is_empty()).count();
        if valid == 0 {
            let finding =
                Finding::error(Rule::OneOf, "must satisfy exactly one of the alternatives and satisfies none");
            finder.add(with_nearest(finding, &failures), trail);
        } else if valid > 1 {
            let message = format!("must satisfy exactly one of the alternatives and satisfies {valid}");
            finder.add(Finding::error(Rule::OneOf, message), trail);
        }
    }
    for child in &node.all_of {
        check(child, value, trail, finder);
    }
    if let Some(child) = &node.not {
        let mut inner = finder.literally();
        check(child, value, trail, &mut inner);
        finder.resume(&inner);
        if inner.findings().is_empty() {
            finder.add(Finding::error(Rule::Not, "satisfies what the schema excludes"), trail);
        }
    }
}

fn alternatives(nodes: &[Node], value: &Value, trail: &Trail<'_>, finder: &mut Finder) -> Vec<Vec<Finding>> {
    nodes
        .iter()
        .map(|node| {
            let mut inner = finder.fork();
            check(node, value, trail, &mut inner);
            finder.resume(&inner);
            inner.into_findings()
        })
        .collect()
}

/// Says what the alternative that came nearest lacks.
fn with_nearest(finding: Finding, failures: &[Vec<Finding>]) -> Finding {
    let nearest = failures.iter().min_by_key(|findings| findings.len()).and_then(|findings| findings.first());
    match nearest {
        Some(nearest) if nearest.path.is_root() => {
            finding.hint(format!("for the nearest alternative, it {}", nearest.message))
        }
        Some(nearest) => finding.hint(format!("for the nearest alternative, {} {}", nearest.path, nearest.message)),
        None => finding,
    }
}

#[cfg(test)]
mod tests;
