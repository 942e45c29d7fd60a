//! Finds keys that a schema does not know, exactly where the API server would drop them.
//! Must not know what values may be.

use super::finder::{Finder, Trail};
use super::schema::{Additional, Node};
use super::spec::UnknownFields;
use crate::finding::{Finding, Rule, Severity};
use crate::value::Value;

/// Finds the unknown keys in a value.
pub(crate) fn check(node: &Node, value: &Value, policy: UnknownFields, finder: &mut Finder) {
    let severity = match policy {
        UnknownFields::Allow => return,
        UnknownFields::Warn => Severity::Warning,
        UnknownFields::Deny => Severity::Error,
    };
    Walk { severity, finder }.visit(Some(node), value, node.preserve_unknown, &Trail::root());
}

struct Walk<'finder> {
    severity: Severity,
    finder: &'finder mut Finder,
}

impl Walk<'_> {
    fn visit(&mut self, node: Option<&Node>, value: &Value, keep: bool, trail: &Trail<'_>) {
        if !self.finder.step(1, trail) {
            return;
        }
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.visit_key(node, key, value, keep, &trail.key(key));
                }
            }
            Value::Array(items) => {
                let child = node.and_then(|node| node.items.as_deref());
                if child.is_none() && keep {
                    return;
                }
                for (index, item) in items.iter().enumerate() {
                    let keep = keep || child.is_some_and(|child| child.preserve_unknown);
                    self.visit(child, item, keep, &trail.index(index));
                }
            }
            _ => {}
        }
    }

    fn visit_key(&mut self, node: Option<&Node>, key: &str, value: &Value, keep: bool, trail: &Trail<'_>) {
        if node.is_some_and(|node| node.knows_key(key)) {
            let child = node.and_then(|node| node.child(key));
            return self.visit(child, value, child.is_some_and(|child| child.preserve_unknown), trail);
        }
        // `additionalProperties: false` refuses the key elsewhere, whatever the policy is.
        let refused = node.is_some_and(|node| matches!(node.additional, Additional::None));
        if !keep && !refused {
            let finding = Finding::error(Rule::UnknownField, "the schema does not know this key");
            let finding = match node {
                Some(node) => known_keys(node, key, finding),
                None => finding,
            };
            self.finder.add(Finding { severity: self.severity, ..finding }, trail);
        }
    }
}

/// Advises the nearest key, or names those that there are when they are few.
pub(super) fn known_keys(node: &Node, key: &str, finding: Finding) -> Finding {
    let names: Vec<&str> = node.properties.keys().map(String::as_str).collect();
    let near = names.iter().map(|name| (distance(name, key), *name)).min();
    match near {
        Some((steps, name)) if steps <= 2 && steps < name.chars().count() => {
            finding.hint(format!("did you mean {name:?}?"))
        }
        Some(_) if names.len() <= 12 => finding.hint(format!("known keys: {}", names.join(", "))),
        _ => finding,
    }
}

/// How many characters must be added, removed or replaced; at most for words of 64 characters.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().take(64).collect(), right.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.iter().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (to, above) in right.iter().zip(row.iter().skip(1)) {
            before = (diagonal + usize::from(from != to)).min(before + 1).min(above + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests;
