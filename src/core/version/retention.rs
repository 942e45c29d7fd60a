//! Which versions are let go: those beyond a count, an age or a sum of bytes, oldest first.
//! Must not know where versions are kept. [`super::history::prune`] decides by count, here as for the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::history::{Keep, prune};
use crate::digest::Digest;
use crate::ids::VersionNumber;
use crate::time::Timestamp;

/// How many versions are kept when nothing else is said.
pub const DEFAULT_COUNT: usize = 10;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most versions. Default: [`DEFAULT_COUNT`]. The newest stays even with 0.
    pub count: usize,
    /// How long a version is kept after it was recorded. Default: for ever.
    pub age: Option<Duration>,
    /// How many bytes all versions may take together, as they are kept. Default: any number.
    pub bytes: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { count: DEFAULT_COUNT, age: None, bytes: None }
    }
}

/// A version as retention sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// What identifies its content.
    pub digest: Digest,
    /// When it was recorded.
    pub created: Timestamp,
    /// How many bytes it takes.
    pub bytes: u64,
}

/// Why a version is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// There are more than [`Limits::count`].
    Count,
    /// It is older than [`Limits::age`].
    Age,
    /// All together they take more than [`Limits::bytes`].
    Bytes,
}

/// The versions to let go, each with the first reason that applies.
///
/// What `keep` holds and the newest version always stay and count towards the limits, which they may exceed. The age
/// is taken from `now`; a version that bears a later time has no age, so a clock that was set back takes nothing.
#[must_use]
pub fn expendable(
    items: &BTreeMap<VersionNumber, Item>,
    limits: &Limits,
    keep: &Keep,
    now: Timestamp,
) -> BTreeMap<VersionNumber, Because> {
    let history = items.iter().map(|(number, item)| (*number, item.digest)).collect();
    let mut gone: BTreeMap<VersionNumber, Because> =
        prune(&history, limits.count, keep).into_iter().map(|number| (number, Because::Count)).collect();
    // With a limit of nothing, everything that may go at all.
    let may_go: BTreeSet<VersionNumber> = prune(&history, 0, keep).into_iter().collect();
    if let Some(age) = limits.age {
        for number in &may_go {
            if items.get(number).is_some_and(|item| now.since(item.created) > age) {
                gone.entry(*number).or_insert(Because::Age);
            }
        }
    }
    if let Some(most) = limits.bytes {
        let left = items.iter().filter(|(number, _)| !gone.contains_key(number));
        let mut bytes = left.fold(0_u64, |sum, (_, item)| sum.saturating_add(item.bytes));
        for number in &may_go {
            if bytes <= most {
                break;
            }
            if let (Some(item), false) = (items.get(number), gone.contains_key(number)) {
                bytes = bytes.saturating_sub(item.bytes);
                gone.insert(*number, Because::Bytes);
            }
        }
    }
    gone
}

#[cfg(test)]
mod tests;
