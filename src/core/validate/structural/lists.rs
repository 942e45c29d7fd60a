//! Checks lists: their items, how many there are, and whether they differ.
//! Must not know scalars.

use std::collections::BTreeMap;

use super::super::finder::{Finder, Trail};
use super::super::schema::{ListType, Node};
use super::counts;
use crate::finding::{Finding, Rule};
use crate::value::Value;

pub(super) fn check(node: &Node, items: &[Value], trail: &Trail<'_>, finder: &mut Finder) {
    if let Some(child) = &node.items {
        for (index, item) in items.iter().enumerate() {
            super::check(child, item, &trail.index(index), finder);
        }
    }
    counts::check(node.item_count, items.len(), counts::ITEMS, trail, finder);
    if node.unique_items && repeated(items.iter().map(canonical)).next().is_some() {
        finder.add(Finding::error(Rule::UniqueItems, "must have no item twice"), trail);
    }
    match &node.list_type {
        ListType::Atomic => {}
        ListType::Set => {
            for index in repeated(items.iter().map(canonical)) {
                let finding = Finding::error(Rule::UniqueItems, "is an item that is there already");
                finder.add(finding.hint("remove one of the two"), &trail.index(index));
            }
        }
        ListType::Map(keys) => check_map(keys, items, trail, finder),
    }
}

fn check_map(keys: &[String], items: &[Value], trail: &Trail<'_>, finder: &mut Finder) {
    let identity = |item: &Value| {
        let parts: Vec<String> = keys.iter().map(|key| item.get(key).map_or_else(String::new, canonical)).collect();
        parts.join("\u{0}")
    };
    for index in repeated(items.iter().map(identity)) {
        let finding =
            Finding::error(Rule::UniqueItems, format!("has the same {} as an item before it", keys.join(", ")));
        finder.add(finding.hint("give each item its own, or remove one of the two"), &trail.index(index));
    }
}

/// The places of items that were there before; each repeated item once, as the API server reports them.
fn repeated(items: impl Iterator<Item = String>) -> impl Iterator<Item = usize> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut places = Vec::new();
    for (index, item) in items.enumerate() {
        let times = seen.entry(item).or_default();
        *times += 1;
        if *times == 2 {
            places.push(index);
        }
    }
    places.into_iter()
}

/// A text that two values share exactly when they are equal; `1` and `1.0` are not.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, String> = fields.iter().map(|(key, value)| (key, canonical(value))).collect();
            format!("{sorted:?}")
        }
        Value::Array(items) => format!("{:?}", items.iter().map(canonical).collect::<Vec<_>>()),
        scalar => scalar.to_string(),
    }
}
