//! What differs between two values: a recursive comparison, position by position.
//! Must not show values: what reaches messages and records are paths and kinds of change.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Map;

use crate::value::{Path, Segment, Value, type_name};

mod comparison;
mod guide;
mod lists;
mod markdown;
mod outline;
mod patch;
#[cfg(feature = "formats")]
mod summary;
mod unified;
mod words;

pub use comparison::{Comparison, Difference, Kind, Statistics};
pub use guide::Guide;
pub use lists::MAX_IDENTIFIED;
pub use outline::Color;
pub use patch::Operation;
#[cfg(feature = "formats")]
pub use summary::{MAX_PATH_LENGTH, MAX_PATHS, Summary, effective_change};

/// How many differences an outline and a table show, at most.
pub const MAX_SHOWN: usize = 500;

/// What became of the value at a path.
#[derive(Clone, Copy, PartialEq)]
pub enum Change<'value> {
    /// Only the new side has it.
    Added(&'value Value),
    /// Only the old side has it.
    Removed(&'value Value),
    /// Both have a value of the same type, and it is not the same.
    Changed(&'value Value, &'value Value),
    /// Both have a value, old and new, of different types.
    TypeChanged(&'value Value, &'value Value),
}

impl Change<'_> {
    /// The same change seen from the other side.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Added(value) => Self::Removed(value),
            Self::Removed(value) => Self::Added(value),
            Self::Changed(old, new) => Self::Changed(new, old),
            Self::TypeChanged(old, new) => Self::TypeChanged(new, old),
        }
    }
}

/// Names the kind of change and the types, never a value.
impl fmt::Debug for Change<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added(value) => write!(f, "added {}", type_name(value)),
            Self::Removed(value) => write!(f, "removed {}", type_name(value)),
            Self::Changed(_, new) => write!(f, "changed {}", type_name(new)),
            Self::TypeChanged(old, new) => write!(f, "changed from {} to {}", type_name(old), type_name(new)),
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'value> {
    /// Where; no entry's path begins with that of another.
    pub path: Path,
    /// What.
    pub change: Change<'value>,
}

/// Compares two values; the entries come sorted by path.
///
/// Maps are compared by key and lists by index, so a value differs between the sides exactly if an entry's path leads
/// to it, or from it. What was added, removed or changed its type is one entry, however much lies below. Numbers are
/// equal when they are written the same way: `1` and `1.0` differ in their type.
///
/// # Assumptions
/// The values were read from text, which bounds how deep they are nested: the comparison recurses.
#[must_use]
pub fn values<'value>(old: &'value Value, new: &'value Value) -> Vec<Entry<'value>> {
    let mut entries = Vec::new();
    compare(old, new, &Trail::ROOT, &mut entries);
    entries
}

fn compare<'value>(old: &'value Value, new: &'value Value, trail: &Trail<'_>, entries: &mut Vec<Entry<'value>>) {
    let mut differs = |change| entries.push(Entry { path: trail.path(), change });
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => compare_maps(old, new, trail, entries),
        (Value::Array(old), Value::Array(new)) => compare_lists(old, new, trail, entries),
        (old, new) => {
            if let Some(change) = leaf_change(old, new) {
                differs(change);
            }
        }
    }
}

/// What became of a value that is compared as a whole.
fn leaf_change<'value>(old: &'value Value, new: &'value Value) -> Option<Change<'value>> {
    match (old, new) {
        (old, new) if old == new => None,
        (old, new) if type_name(old) == type_name(new) => Some(Change::Changed(old, new)),
        (old, new) => Some(Change::TypeChanged(old, new)),
    }
}

fn compare_maps<'value>(
    old: &'value Map<String, Value>,
    new: &'value Map<String, Value>,
    trail: &Trail<'_>,
    entries: &mut Vec<Entry<'value>>,
) {
    // Sorted here, because whether the map sorts its keys depends on a feature that any crate can switch on.
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    for key in keys {
        compare_at(old.get(key), new.get(key), &trail.step(Step::Key(key)), entries);
    }
}

fn compare_lists<'value>(
    old: &'value [Value],
    new: &'value [Value],
    trail: &Trail<'_>,
    entries: &mut Vec<Entry<'value>>,
) {
    for index in 0..old.len().max(new.len()) {
        compare_at(old.get(index), new.get(index), &trail.step(Step::Index(index)), entries);
    }
}

fn compare_at<'value>(
    old: Option<&'value Value>,
    new: Option<&'value Value>,
    trail: &Trail<'_>,
    entries: &mut Vec<Entry<'value>>,
) {
    match (old, new) {
        (Some(old), Some(new)) => compare(old, new, trail, entries),
        (None, Some(new)) => entries.push(Entry { path: trail.path(), change: Change::Added(new) }),
        (Some(old), None) => entries.push(Entry { path: trail.path(), change: Change::Removed(old) }),
        (None, None) => {}
    }
}

/// Calls `visit` with the path of each leaf of a value, sorted; a leaf is a scalar, an empty map or an empty list.
fn leaves(value: &Value, trail: &Trail<'_>, visit: &mut impl FnMut(&Trail<'_>)) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let sorted: BTreeSet<&str> = map.keys().map(String::as_str).collect();
            for (key, value) in sorted.into_iter().filter_map(|key| Some((key, map.get(key)?))) {
                leaves(value, &trail.step(Step::Key(key)), visit);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                leaves(value, &trail.step(Step::Index(index)), visit);
            }
        }
        _ => visit(trail),
    }
}

/// The way down to where a comparison stands. Only what differs pays for a [`Path`].
struct Trail<'up> {
    up: Option<&'up Trail<'up>>,
    step: Step<'up>,
}

#[derive(Clone, Copy)]
enum Step<'key> {
    Start(&'key [Segment]),
    Key(&'key str),
    Index(usize),
}

impl Trail<'static> {
    const ROOT: Self = Self { up: None, step: Step::Start(&[]) };
}

impl<'up> Trail<'up> {
    #[cfg(feature = "formats")]
    fn below(path: &'up Path) -> Self {
        Self { up: None, step: Step::Start(path.segments()) }
    }

    fn step<'down>(&'down self, step: Step<'down>) -> Trail<'down> {
        Trail { up: Some(self), step }
    }

    fn path(&self) -> Path {
        let mut steps = Vec::new();
        let mut at = Some(self);
        while let Some(trail) = at {
            steps.push(trail.step);
            at = trail.up;
        }
        let segments = steps.into_iter().rev().flat_map(|step| match step {
            Step::Start(segments) => segments.to_vec(),
            Step::Key(key) => vec![Segment::Key(key.to_owned())],
            Step::Index(index) => vec![Segment::Index(index)],
        });
        segments.collect()
    }
}

#[cfg(test)]
mod tests;
