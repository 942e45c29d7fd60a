//! The circuit breaker: when a version hurts, and how carefully the next one is tried.
//! Must not know what a trip leads to.

use std::time::Duration;

use serde::Serialize;

use crate::time::Timestamp;

/// When a version counts as hurting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// So many pods in a row that refuse or fail trip it; at least 1.
    pub consecutive_failures: u32,
    /// This share of the pods that answered, in percent from 1 to 100, trips it.
    pub failure_percent: u32,
    /// The share counts only from this many answers on, or from all targets' where there are fewer targets.
    pub minimum_pods: u32,
    /// How long new versions wait after a trip.
    pub open_for: Duration,
}

/// How the pods answered one version so far. Pods are counted, not attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Targets that count.
    pub targets: u32,
    /// Pods that run the version, or took the notice of it.
    pub good: u32,
    /// Pods that refused it or could not be reached in the attempts that they get.
    pub bad: u32,
    /// The most bad pods that answered one after the other, with no good one between.
    pub consecutive: u32,
}

impl BreakerRules {
    /// Why the version hurts, if it does.
    #[must_use]
    pub fn judge(&self, tally: Tally) -> Option<String> {
        let Tally { targets, good, bad, consecutive } = tally;
        if bad == 0 {
            return None;
        }
        if consecutive >= self.consecutive_failures {
            return Some(format!(
                "{consecutive} pods in a row refused or failed; {} are enough to trip",
                self.consecutive_failures
            ));
        }
        let answered = good.saturating_add(bad);
        let enough = answered >= self.minimum_pods.min(targets).max(1);
        let share = u64::from(bad) * 100 / u64::from(answered.max(1));
        (enough && share >= u64::from(self.failure_percent)).then(|| {
            format!(
                "{bad} of {answered} pods refused or failed ({share} %); {} % is enough to trip",
                self.failure_percent
            )
        })
    }
}

/// How carefully the next version is tried.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub enum Breaker {
    /// Versions go out normally.
    #[default]
    Closed,
    /// A version tripped: new ones wait until the time comes.
    Open {
        /// When the wait ends.
        until: Timestamp,
        /// Why it opened.
        reason: String,
    },
    /// The wait is over: the next version goes to one pod first, and an ack there closes the breaker.
    HalfOpen,
}

impl Breaker {
    /// The state at this time: an open breaker whose wait is over is half-open.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Self {
        match self {
            Self::Open { until, .. } if *until <= now => Self::HalfOpen,
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BreakerRules = BreakerRules {
        consecutive_failures: 3,
        failure_percent: 50,
        minimum_pods: 3,
        open_for: Duration::from_secs(60),
    };

    fn trips(targets: u32, good: u32, bad: u32, consecutive: u32) -> bool {
        RULES.judge(Tally { targets, good, bad, consecutive }).is_some()
    }

    #[test]
    fn bad_pods_in_a_row_trip_whatever_their_share() {
        assert!(!trips(1000, 900, 2, 2));
        assert!(trips(1000, 900, 3, 3));
    }

    #[test]
    fn a_share_trips_from_enough_answers_on() {
        assert!(!trips(10, 0, 2, 2), "two answers are too few");
        assert!(trips(10, 1, 2, 1));
        assert!(!trips(10, 2, 1, 1));
        assert!(trips(10, 2, 2, 1));
    }

    #[test]
    fn few_targets_need_no_more_answers_than_there_are_targets() {
        assert!(trips(1, 0, 1, 1));
        assert!(trips(2, 1, 1, 1));
        assert!(!trips(2, 0, 1, 1), "the second pod has not answered");
        assert!(!trips(0, 0, 0, 0));
    }

    #[test]
    fn an_open_breaker_becomes_half_open_by_time() {
        let open = Breaker::Open { until: Timestamp(10), reason: String::new() };
        assert_eq!(open.at(Timestamp(9)), open);
        assert_eq!(open.at(Timestamp(10)), Breaker::HalfOpen);
        assert_eq!(Breaker::Closed.at(Timestamp(10)), Breaker::Closed);
    }
}
