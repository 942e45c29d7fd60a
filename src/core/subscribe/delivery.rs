//! How a subscriber is told: what becomes of a change when its queue is full, when what it gathers is due, and whether
//! it is asked again after a failure. Time and chance are arguments.
//! Must not know subscribers, nor what a change holds.

use std::time::Duration;

use crate::retry::Backoff;
use crate::time::Timestamp;

/// What becomes of a change when a subscriber's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overfull {
    /// It is merged with the newest that waits: the subscriber is told of both as of one change. The default.
    #[default]
    LatestWins,
    /// The publisher waits for room, and all later changes with it, for this long at most; then as `LatestWins`.
    Block(Duration),
    /// It is dropped; the subscriber learns how many it missed, and so does whoever watches the reports.
    Drop,
}

/// Where a change goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind what waits.
    Queue,
    /// Into the newest that waits.
    Merge,
    /// Nowhere yet: wait for room, for this long at most.
    Wait(Duration),
    /// Nowhere.
    Drop,
}

impl Overfull {
    /// Where a change goes when so many wait already. A capacity of zero counts as one.
    #[must_use]
    pub fn place(self, waiting: usize, capacity: usize) -> Place {
        if waiting < capacity.max(1) {
            return Place::Queue;
        }
        match self {
            Self::LatestWins => Place::Merge,
            Self::Block(at_most) if at_most > Duration::ZERO => Place::Wait(at_most),
            Self::Block(_) => Place::Merge,
            Self::Drop => Place::Drop,
        }
    }
}

/// Changes are gathered and told together, by time and by size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathering {
    /// The first of them waits this long at most.
    pub within: Duration,
    /// So many are enough; zero and one tell each at once.
    pub most: usize,
}

/// Whether what was gathered is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing was gathered.
    Never,
    /// Now.
    Now,
    /// At this time, unless more comes before.
    At(Timestamp),
}

impl Gathering {
    /// Each change by itself and at once.
    pub const NONE: Self = Self { within: Duration::ZERO, most: 1 };

    /// Whether `gathered` changes, the first of which came at `since`, are to be told. A flush makes them due, as a
    /// shutdown does.
    #[must_use]
    pub fn due(&self, gathered: usize, since: Timestamp, now: Timestamp, flush: bool) -> Due {
        let at = since.after(self.within);
        match gathered {
            0 => Due::Never,
            gathered if flush || gathered >= self.most || at <= now => Due::Now,
            _ => Due::At(at),
        }
    }
}

/// How often a subscriber that failed is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persistence {
    /// So many times it is asked in all, at least once.
    pub attempts: u32,
    /// How long to wait between.
    pub backoff: Backoff,
}

impl Persistence {
    /// Asked once.
    pub const ONCE: Self =
        Self { attempts: 1, backoff: Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(10) } };

    /// How long to wait after this many failures in a row; none when it is not asked again.
    #[must_use]
    pub fn pause(&self, failures: u32, seed: u64) -> Option<Duration> {
        (failures < self.attempts).then(|| self.backoff.pause(failures, seed))
    }
}
