//! What became of all reloads so far, in numbers.
//! Must not know why they ended as they did.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Outcome, Refusal};
use crate::metrics::{Counter, Metrics, Timer};
use crate::notify::Stats as NotifierStats;

/// So many durations are remembered.
pub const REMEMBERED: usize = 1024;

/// What became of all reloads since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Contents that came to run, rollbacks and pushes among them.
    pub reloads: u64,
    /// Contents that were refused: they cannot be read, a check refuses them, or somebody vetoed them.
    pub failures: u64,
    /// How often contents that may run were held.
    pub held: u64,
    /// Contents that meant what ran already.
    pub unchanged: u64,
    /// Paths that differed, summed over all reloads.
    pub changes: u64,
    /// How long reloads took.
    pub durations: Durations,
    /// What became of notifications. Its `waiting` is how many changes are queued for subscribers now.
    pub notifications: NotifierStats,
    /// Bytes of memory that the versions to return to take together, packed as they are.
    #[cfg(feature = "versions")]
    pub versions_memory: usize,
}

/// How long the last reloads took that came to run, at most [`REMEMBERED`]: from when their contents were there until
/// everybody was told and they were kept, with the time that they waited for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durations {
    /// Of so many.
    pub count: usize,
    /// Half of them took at most so long; none when there are none.
    pub p50: Option<Duration>,
    /// 99 of 100 took at most so long; none when there are none.
    pub p99: Option<Duration>,
}

impl Durations {
    fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let count = durations.len();
        // The smallest that at least so many of a hundred do not exceed.
        let rank = |percent: usize| (count * percent).div_ceil(100).checked_sub(1);
        let at = |percent| durations.get(rank(percent)?).copied();
        Self { count, p50: at(50), p99: at(99) }
    }
}

/// Counts for one engine.
#[derive(Default)]
pub(super) struct Meter {
    changes: AtomicU64,
    latest: Mutex<VecDeque<Duration>>,
    metrics: Option<Box<dyn Metrics>>,
}

impl Meter {
    pub(super) fn new(metrics: Option<Box<dyn Metrics>>) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// Contents ended so.
    pub(super) fn ended(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Unchanged => Counter::Unchanged,
            Outcome::Applied(_) => Counter::Applied,
            Outcome::Refused(Refusal::Held(_)) => Counter::Held,
            Outcome::Refused(_) => Counter::Refused,
        };
        self.report(|metrics| metrics.count(counter, 1));
    }

    /// So many paths differed in what came to run, and it took so long.
    pub(super) fn applied(&self, touched: usize, took: Duration) {
        let touched = u64::try_from(touched).unwrap_or(u64::MAX);
        self.changes.fetch_add(touched, Ordering::Relaxed);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.len() == REMEMBERED {
            latest.pop_front();
        }
        latest.push_back(took);
        drop(latest);
        self.report(|metrics| {
            if touched > 0 {
                metrics.count(Counter::ChangedPaths, touched);
            }
            metrics.time(Timer::Reload, took);
        });
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    pub(super) fn durations(&self) -> Durations {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        Durations::of(latest.iter().copied().collect())
    }

    fn report(&self, report: impl FnOnce(&dyn Metrics)) {
        if let Some(metrics) = &self.metrics {
            let _a_panic_is_its_own = catch_unwind(AssertUnwindSafe(|| report(metrics.as_ref())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(durations: impl Iterator<Item = u64>) -> Vec<Duration> {
        durations.map(Duration::from_millis).collect()
    }

    #[test]
    fn percentiles_are_durations_that_were_seen() {
        let shown = |durations: Durations| {
            let whole = |duration: Option<Duration>| duration.map(|duration| duration.as_millis());
            (durations.count, whole(durations.p50), whole(durations.p99))
        };
        assert_eq!(shown(Durations::of(Vec::new())), (0, None, None));
        assert_eq!(shown(Durations::of(milliseconds([7].into_iter()))), (1, Some(7), Some(7)));
        assert_eq!(shown(Durations::of(milliseconds([9, 1].into_iter()))), (2, Some(1), Some(9)));
        assert_eq!(shown(Durations::of(milliseconds((1..=100).rev()))), (100, Some(50), Some(99)));
        assert_eq!(shown(Durations::of(milliseconds(1..=101))), (101, Some(51), Some(100)));
    }

    #[test]
    fn the_oldest_durations_are_forgotten() {
        let meter = Meter::default();
        for took in milliseconds(1..=u64::try_from(REMEMBERED).unwrap() + 100) {
            meter.applied(2, took);
        }
        let durations = meter.durations();
        assert_eq!((durations.count, meter.changes()), (REMEMBERED, 2 * 1124));
        assert_eq!(durations.p50, Some(Duration::from_millis(100 + 512)));
    }
}
