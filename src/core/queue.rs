//! The queue of changes that wait to be worked on: bounded, one entry per path, in a stated order.
//! Must not know what a change holds, nor who waits for it; time is an argument.
//!
//! # Order
//! 1. Each waiting path has one entry. A change of a path that waits already replaces what waits (the newest wins) and
//!    keeps its place, so paths stay in the order in which they first arrived; the more urgent of the two priorities
//!    counts.
//! 2. An entry rises by one priority for each [`Limits::patience`] that it has waited. The next to be taken is the one
//!    of the most urgent risen priority, and among equals the one that arrived first.
//! 3. So nothing starves: an entry that waited three times the patience is preceded only by what arrived before it.
//! 4. When one more path would exceed [`Limits::capacity`], all entries collapse into one re-read of everything, and
//!    until that is taken every further change is covered by it. A queue holds entries or one re-read, never both.
//!
//! # Assumptions
//! Re-reading finds what a collapsed change would have brought: the queue carries news of changes, and the sources
//! keep the content.
//!
//! # Guarantees
//! Nothing is lost: every push is taken, replaced by a newer one of its path, covered by a re-read, or still waits
//! ([`Counters`]). A clock that jumps back changes nothing: the latest time seen counts.
//!
//! ```
//! use rekindle_core::priority::Priority;
//! use rekindle_core::queue::{Batch, Limits, Queue};
//! use rekindle_core::time::Timestamp;
//!
//! let mut queue = Queue::new(Limits::default());
//! let now = Timestamp(0);
//! queue.push("app.yaml", Priority::Normal, 1, now);
//! queue.push("keys.yaml", Priority::Critical, 2, now);
//! queue.push("app.yaml", Priority::Normal, 3, now);
//! let Some(Batch::Changes(changes)) = queue.take(now) else { unreachable!() };
//! let taken: Vec<_> = changes.iter().map(|change| (change.path, change.item)).collect();
//! assert_eq!(taken, [("keys.yaml", 2), ("app.yaml", 3)]);
//! assert!(queue.take(now).is_none());
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use crate::priority::Priority;
use crate::time::Timestamp;

mod report;

#[cfg(test)]
mod tests;

pub use report::{Batch, Cause, Change, Counters, Pushed, Reread};

/// What a queue may hold and hand out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// So many paths may wait; at least 1, 1000 by default.
    pub capacity: usize,
    /// So many changes are taken together; at least 1, 10 by default.
    pub batch: usize,
    /// After each such span a waiting entry rises by one priority; 1 s by default. Zero means the order of arrival.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { capacity: 1000, batch: 10, patience: Duration::from_secs(1) }
    }
}

/// The queue; `K` is the path, `T` what a change brings. See the module for its order.
#[derive(Debug, Clone)]
pub struct Queue<K, T> {
    limits: Limits,
    entries: BTreeMap<K, Entry<T>>,
    /// The same entries by priority and arrival.
    order: BTreeMap<(Priority, u64), K>,
    reread: Option<Reread>,
    arrivals: u64,
    latest: Timestamp,
    counters: Counters,
}

#[derive(Debug, Clone)]
struct Entry<T> {
    priority: Priority,
    arrival: u64,
    since: Timestamp,
    replaced: u64,
    item: T,
}

impl<K: Ord + Clone, T> Queue<K, T> {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: BTreeMap::new(),
            order: BTreeMap::new(),
            reread: None,
            arrivals: 0,
            latest: Timestamp(i64::MIN),
            counters: Counters::default(),
        }
    }

    /// Adds a change and says what became of it. Costs the logarithm of what waits.
    pub fn push(&mut self, path: K, priority: Priority, item: T, now: Timestamp) -> Pushed<T> {
        let now = self.passed(now);
        self.counters.pushed += 1;
        if let Some(reread) = &mut self.reread {
            reread.cover(priority);
            self.counters.collapsed += 1;
            return Pushed::Covered;
        }
        if let Some(entry) = self.entries.get_mut(&path) {
            let urgent = entry.priority.min(priority);
            if urgent != entry.priority {
                self.order.remove(&(entry.priority, entry.arrival));
                self.order.insert((urgent, entry.arrival), path);
                entry.priority = urgent;
            }
            entry.replaced += 1;
            self.counters.replaced += 1;
            return Pushed::Replaced(std::mem::replace(&mut entry.item, item));
        }
        if self.entries.len() >= self.limits.capacity.max(1) {
            let reread = self.collapse(Cause::Overflow, now).cover(priority);
            self.counters.collapsed += 1;
            return Pushed::Overflowed(reread);
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.order.insert((priority, arrival), path.clone());
        self.entries.insert(path, Entry { priority, arrival, since: now, replaced: 0, item });
        Pushed::Queued
    }

    /// Asks for a re-read of everything, because changes may have happened that nobody told of: events were lost, or
    /// a re-read that was taken could not be finished. What waits is covered by it.
    pub fn ask_reread(&mut self, now: Timestamp) -> Reread {
        let now = self.passed(now);
        *self.collapse(Cause::Asked, now)
    }

    /// Takes what is next: at most [`Limits::batch`] changes, or a re-read; nothing when nothing waits.
    pub fn take(&mut self, now: Timestamp) -> Option<Batch<K, T>> {
        let now = self.passed(now);
        if let Some(reread) = self.reread.take() {
            return Some(Batch::Reread(reread));
        }
        let mut changes = Vec::new();
        while changes.len() < self.limits.batch.max(1) {
            let Some(change) = self.pop(now) else { break };
            changes.push(change);
        }
        self.counters.taken += changes.len() as u64;
        (!changes.is_empty()).then_some(Batch::Changes(changes))
    }

    /// So many paths wait; a waiting re-read counts as one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() + usize::from(self.reread.is_some())
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What became of everything so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn passed(&mut self, now: Timestamp) -> Timestamp {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn pop(&mut self, now: Timestamp) -> Option<Change<K, T>> {
        let heads = Priority::ALL.into_iter().filter_map(|priority| {
            let (key, path) = self.order.range((priority, 0)..=(priority, u64::MAX)).next()?;
            let entry = self.entries.get(path)?;
            Some((self.risen(entry, now), entry.arrival, *key))
        });
        let (_, _, key) = heads.min()?;
        let path = self.order.remove(&key)?;
        let Entry { priority, since, replaced, item, .. } = self.entries.remove(&path)?;
        Some(Change { path, priority, since, replaced, item })
    }

    fn risen(&self, entry: &Entry<T>, now: Timestamp) -> u32 {
        let waited = now.since(entry.since).as_millis();
        let levels = waited.checked_div(self.limits.patience.as_millis());
        entry
            .priority
            .rank()
            .saturating_sub(levels.map_or(u32::MAX, |levels| u32::try_from(levels).unwrap_or(u32::MAX)))
    }

    fn collapse(&mut self, cause: Cause, now: Timestamp) -> &mut Reread {
        let fresh = self.reread.is_none();
        let reread = self.reread.get_or_insert(Reread { cause, since: now, priority: Priority::Low, covers: 0 });
        if fresh {
            self.counters.rereads += 1;
        }
        for entry in std::mem::take(&mut self.entries).into_values() {
            reread.since = reread.since.min(entry.since);
            reread.cover(entry.priority);
            self.counters.collapsed += 1;
        }
        self.order.clear();
        reread
    }
}
