//! How the items of two lists belong together when a key identifies them: which stayed, moved, came and went.
//! Must not know what is done with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

/// Longer lists are compared by index: to replay moves takes time that grows with the square of the length.
pub const MAX_IDENTIFIED: usize = 4096;

/// Which item of the old list is which of the new one.
pub(super) struct Alignment {
    /// For each item of the new list its index in the old one.
    pub(super) origins: Vec<Option<usize>>,
    /// The old indexes of items that are no more, ascending.
    pub(super) removed: Vec<usize>,
    /// The old indexes of the items whose order among each other stayed: as many as can be.
    pub(super) stayed: BTreeSet<usize>,
}

/// One change of a list's order, as it is replayed item by item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The new item at the second index is put before what stands at the first.
    Insert(usize, usize),
    /// What stands at the first index goes to the second, which counts without it; the third is its new index.
    Move(usize, usize, usize),
}

impl Alignment {
    /// Pairs the items of two lists, if each item of each has its own identity.
    pub(super) fn by(keys: &[String], old: &[Value], new: &[Value]) -> Option<Self> {
        if keys.is_empty() || old.len().max(new.len()) > MAX_IDENTIFIED {
            return None;
        }
        let old_at = identities(keys, old)?;
        let new_at = identities(keys, new)?;
        let mut origins = vec![None; new.len()];
        for (identity, at) in &new_at {
            if let Some(slot) = origins.get_mut(*at) {
                *slot = old_at.get(identity).copied();
            }
        }
        let mut removed: Vec<usize> =
            old_at.iter().filter(|(identity, _)| !new_at.contains_key(*identity)).map(|(_, at)| *at).collect();
        removed.sort_unstable();
        let common: Vec<usize> = origins.iter().copied().flatten().collect();
        Some(Self { origins, removed, stayed: longest_rise(&common) })
    }

    /// The steps that bring the old list, less what is removed, into the order of the new one.
    pub(super) fn steps(&self, old_length: usize) -> Vec<Step> {
        let removed: BTreeSet<usize> = self.removed.iter().copied().collect();
        let new_index: BTreeMap<usize, usize> =
            self.origins.iter().enumerate().filter_map(|(new, old)| Some(((*old)?, new))).collect();
        // The list as it is replayed, each item named by its new index.
        let mut list: Vec<usize> = (0..old_length)
            .filter(|old| !removed.contains(old))
            .filter_map(|old| new_index.get(&old).copied())
            .collect();
        let mut steps = Vec::new();
        for (new, origin) in self.origins.iter().enumerate() {
            if origin.is_some_and(|old| self.stayed.contains(&old)) {
                continue;
            }
            let from = origin.and_then(|_| list.iter().position(|item| *item == new));
            if let Some(from) = from {
                list.remove(from);
            }
            // Behind the item before it, which is in its place already.
            let before = new.checked_sub(1).and_then(|before| list.iter().position(|item| *item == before));
            let to = before.map_or(0, |before| before + 1);
            list.insert(to, new);
            steps.push(match from {
                Some(from) => Step::Move(from, to, new),
                None => Step::Insert(to, new),
            });
        }
        steps
    }
}

/// The place of each item by what identifies it; none if an item lacks a key, or two are alike.
fn identities(keys: &[String], list: &[Value]) -> Option<BTreeMap<String, usize>> {
    let mut places = BTreeMap::new();
    for (at, item) in list.iter().enumerate() {
        let mut identity = String::new();
        for key in keys {
            let value = item.get(key).filter(|value| !value.is_object() && !value.is_array())?;
            identity.push_str(&value.to_string());
            identity.push('\n');
        }
        if places.insert(identity, at).is_some() {
            return None;
        }
    }
    Some(places)
}

/// The longest strictly rising part of a row of distinct numbers, found by patience.
fn longest_rise(row: &[usize]) -> BTreeSet<usize> {
    // For each length the index in the row of the smallest number that such a rise can end with.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(row.len());
    for (at, number) in row.iter().enumerate() {
        let length = ends.partition_point(|end| row.get(*end).is_some_and(|last| last < number));
        before.push(length.checked_sub(1).and_then(|shorter| ends.get(shorter).copied()));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut rise = BTreeSet::new();
    let mut at = ends.last().copied();
    while let Some(index) = at {
        rise.extend(row.get(index));
        at = before.get(index).copied().flatten();
    }
    rise
}
