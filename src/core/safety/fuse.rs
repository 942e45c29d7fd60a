//! The circuit breaker of one process: opens after failures in a row, for longer each time, and tries one reload first.
//! Must not know what a reload is; its states are those of the operator's breaker.

use std::time::Duration;

use super::Ended;
use super::hold::{Hold, Why};
use crate::breaker::Breaker;
use crate::retry::Backoff;
use crate::time::Timestamp;

/// When the breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuseRules {
    /// So many failures in a row open it; at least 1, 3 by default.
    pub consecutive_failures: u32,
    /// How long it stays open: `first` after the first trip, twice as long after each further one that no success
    /// lies before, at most `cap`. 30 s and 15 min by default.
    pub open_for: Backoff,
}

impl Default for FuseRules {
    fn default() -> Self {
        let open_for = Backoff { first: Duration::from_secs(30), cap: Duration::from_secs(900) };
        Self { consecutive_failures: 3, open_for }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Fuse {
    state: Breaker,
    failures: u32,
    trips: u32,
    /// Whether a reload tries out a half-open breaker.
    trying: bool,
}

impl Fuse {
    pub(super) fn hold(&self, now: Timestamp) -> Option<Hold> {
        match self.state.at(now) {
            Breaker::Open { until, reason } => Some(Hold { why: Why::Breaker { reason }, until: Some(until) }),
            Breaker::HalfOpen if self.trying => Some(Hold { why: Why::Trial, until: None }),
            Breaker::HalfOpen | Breaker::Closed => None,
        }
    }

    /// True if the reload that begins is the one that tries a half-open breaker.
    pub(super) fn begin(&mut self, now: Timestamp) -> bool {
        let trial = self.state.at(now) == Breaker::HalfOpen;
        self.trying |= trial;
        trial
    }

    pub(super) fn end(&mut self, rules: FuseRules, trial: bool, ended: Ended, now: Timestamp) {
        if trial {
            self.trying = false;
        }
        match ended {
            Ended::Nothing => {}
            Ended::Applied => *self = Self { trying: self.trying, ..Self::default() },
            Ended::Failed(reason) => {
                self.failures = self.failures.saturating_add(1);
                if trial || self.failures >= rules.consecutive_failures.max(1) {
                    self.trips = self.trips.saturating_add(1);
                    let until = now.after(rules.open_for.ceiling(self.trips));
                    self.state = Breaker::Open { until, reason };
                    self.failures = 0;
                }
            }
        }
    }
}
