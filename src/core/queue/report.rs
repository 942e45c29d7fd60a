//! What a queue says: what became of a push, what is taken, and what was counted.
//! Must not know how the queue keeps its order.

use crate::priority::Priority;
use crate::time::Timestamp;

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed<T> {
    /// It waits.
    Queued,
    /// It waits in the place of this older change of its path.
    Replaced(T),
    /// A re-read that waits already will find it.
    Covered,
    /// The queue was full: everything that waited collapsed into this re-read. To be reported.
    Overflowed(Reread),
}

/// Why everything is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// More paths changed than the queue holds.
    Overflow,
    /// Somebody asked for it.
    Asked,
}

/// Everything is to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reread {
    /// Why.
    pub cause: Cause,
    /// Since when the oldest change waited that it covers.
    pub since: Timestamp,
    /// The most urgent priority that it covers; the lowest if it covers nothing.
    pub priority: Priority,
    /// So many changes it covers.
    pub covers: u64,
}

impl Reread {
    pub(super) fn cover(&mut self, priority: Priority) -> Self {
        self.priority = self.priority.min(priority);
        self.covers += 1;
        *self
    }
}

/// What is worked on together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch<K, T> {
    /// These changes, in their order; at least one, each of another path.
    Changes(Vec<Change<K, T>>),
    /// Everything.
    Reread(Reread),
}

/// A change that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<K, T> {
    /// What changed.
    pub path: K,
    /// How urgent it was; what it rose by waiting is not counted in.
    pub priority: Priority,
    /// Since when the path waited.
    pub since: Timestamp,
    /// So many older changes of the path it replaced while it waited.
    pub replaced: u64,
    /// What it brings: the newest.
    pub item: T,
}

/// What became of everything since the queue was made.
///
/// `pushed` is always the sum of `taken`, `replaced`, `collapsed` and the entries that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Changes that were pushed.
    pub pushed: u64,
    /// Changes that were taken.
    pub taken: u64,
    /// Changes that a newer one of their path replaced.
    pub replaced: u64,
    /// Changes that a re-read covers.
    pub collapsed: u64,
    /// Re-reads, for whatever cause, whether taken or waiting.
    pub rereads: u64,
}
