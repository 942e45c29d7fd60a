//! What notification counts, and what it tells whoever watches it.
//! Must not know subscribers but by name.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::options::Failure;

/// Something that whoever runs the program should know. The name is that of the subscriber's options.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// A subscriber failed and is told again after a pause, or, without one, not again.
    Failed {
        /// Who.
        subscriber: Arc<str>,
        /// How.
        trouble: Trouble,
        /// After how long it is told again.
        again: Option<Duration>,
    },
    /// A subscriber's queue was full, and this change was dropped for it.
    Dropped {
        /// Who.
        subscriber: Arc<str>,
    },
    /// A subscriber's queue stayed full for as long as it may block, and the change was merged for it.
    Blocked {
        /// Who.
        subscriber: Arc<str>,
        /// How long the publisher waited.
        waited: Duration,
    },
    /// A change was vetoed: everything stays as it was.
    Vetoed {
        /// By whom.
        subscriber: Arc<str>,
        /// Why.
        trouble: Trouble,
    },
    /// One who had a say could not commit or abort in order. The change went its way without it.
    Astray {
        /// Who.
        subscriber: Arc<str>,
        /// Whether it was to commit.
        committing: bool,
        /// How.
        trouble: Trouble,
    },
}

/// How a subscriber failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It said so.
    #[error("{0}")]
    Refused(Failure),
    /// It panicked. What the panic said is not passed on: it may hold a value.
    #[error("it panicked")]
    Panicked,
    /// It took too long.
    #[error("it took longer than {0:?}")]
    Late(Duration),
}

/// What became of everything that was published so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Subscribers at this moment, those with a say counted in.
    pub subscribers: usize,
    /// Changes that wait for a subscriber at this moment.
    pub waiting: usize,
    /// Changes that were published.
    pub published: u64,
    /// Calls that ended well, and changes that a stream gave out.
    pub delivered: u64,
    /// Calls that failed, panicked or took too long.
    pub failures: u64,
    /// Changes that a subscriber was not told of any more after it had failed too often.
    pub given_up: u64,
    /// Changes that were merged into another that waited.
    pub merged: u64,
    /// Changes that were dropped because a queue was full.
    pub dropped: u64,
    /// Merged changes that came to nothing and were not told.
    pub undone: u64,
    /// Changes that were vetoed.
    pub vetoed: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) published: AtomicU64,
    pub(super) delivered: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) merged: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) undone: AtomicU64,
    pub(super) vetoed: AtomicU64,
}

pub(super) type Listener = Box<dyn Fn(&Report) + Send + Sync>;

/// Where everything is counted and told.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) counters: Counters,
    pub(super) listener: Option<Listener>,
}

impl Journal {
    pub(super) fn tell(&self, report: &Report) {
        if let Some(listener) = &self.listener {
            // Whoever listens must not be able to end a subscriber's task.
            let _panicked = catch_unwind(AssertUnwindSafe(|| listener(report)));
        }
    }

    pub(super) fn stats(&self) -> Stats {
        let Counters { published, delivered, failures, given_up, merged, dropped, undone, vetoed } = &self.counters;
        Stats {
            subscribers: 0,
            waiting: 0,
            published: published.load(Relaxed),
            delivered: delivered.load(Relaxed),
            failures: failures.load(Relaxed),
            given_up: given_up.load(Relaxed),
            merged: merged.load(Relaxed),
            dropped: dropped.load(Relaxed),
            undone: undone.load(Relaxed),
            vetoed: vetoed.load(Relaxed),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
