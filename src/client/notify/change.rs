//! What a subscriber is told: from which snapshot to which, and where they differ.
//! Must not know how it is told.

use std::fmt;
use std::sync::Arc;

use rekindle_core::subscribe::{Patterns, touched};
use rekindle_core::tree::Tree;
use rekindle_core::value::{Path, Value};

use crate::store::Snapshot;

/// A configuration at one moment, complete and never changed, that can be compared with a newer one.
pub trait Compare: Send + Sync + 'static {
    /// The paths that differ between this and a newer one, sorted; as [`rekindle_core::subscribe`] defines it.
    fn touched(&self, newer: &Self) -> Vec<Path>;
}

impl Compare for Snapshot {
    fn touched(&self, newer: &Self) -> Vec<Path> {
        touched(self.tree(), newer.tree())
    }
}

impl Compare for Tree {
    fn touched(&self, newer: &Self) -> Vec<Path> {
        touched(self, newer)
    }
}

impl Compare for Value {
    fn touched(&self, newer: &Self) -> Vec<Path> {
        touched(self, newer)
    }
}

/// One change as it was published.
pub(super) struct Step<T> {
    pub(super) old: Arc<T>,
    pub(super) new: Arc<T>,
    pub(super) touched: Vec<Path>,
}

impl<T: Compare> Step<T> {
    pub(super) fn between(old: Arc<T>, new: Arc<T>) -> Self {
        let touched = old.touched(&new);
        Self { old, new, touched }
    }
}

/// A change that a subscriber is told of.
///
/// It holds both snapshots whole. What was published while the subscriber was busy may have been merged into it; then
/// it leads from the oldest to the newest, and what was undone in between is not in it.
pub struct Change<T> {
    pub(super) step: Arc<Step<T>>,
    pub(super) patterns: Arc<Patterns>,
    pub(super) merged: u64,
    pub(super) missed: u64,
}

impl<T> Change<T> {
    /// The configuration before.
    #[must_use]
    pub fn before(&self) -> &Arc<T> {
        &self.step.old
    }

    /// The configuration now.
    #[must_use]
    pub fn after(&self) -> &Arc<T> {
        &self.step.new
    }

    /// The paths that differ and that the subscriber asked for, sorted; at least one.
    pub fn touched(&self) -> impl Iterator<Item = &Path> {
        self.step.touched.iter().filter(|path| self.patterns.matches(path))
    }

    /// All paths that differ, sorted.
    #[must_use]
    pub fn all_touched(&self) -> &[Path] {
        &self.step.touched
    }

    /// So many published changes this stands for; at least 1.
    #[must_use]
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// So many changes were dropped before this one, because the queue was full. Only with `Overfull::Drop`.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl<T> Clone for Change<T> {
    fn clone(&self) -> Self {
        let Self { step, patterns, merged, missed } = self;
        Self { step: Arc::clone(step), patterns: Arc::clone(patterns), merged: *merged, missed: *missed }
    }
}

/// Shows paths, never a value.
impl<T> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.touched().map(ToString::to_string).collect();
        f.debug_struct("Change").field("touched", &paths).field("merged", &self.merged).finish_non_exhaustive()
    }
}
