//! How long a Lease holds, when its holder gives up and how often it tries: three spans that must fit each other.
//! Must not know who holds it.

use std::time::Duration;

/// The shortest Lease: the API counts whole seconds.
pub const SHORTEST_LEASE: Duration = Duration::from_secs(1);
/// The longest Lease: for so long nobody leads after a crash.
pub const LONGEST_LEASE: Duration = Duration::from_secs(60 * 60);
/// The shortest pause between two attempts.
pub const SHORTEST_RETRY: Duration = Duration::from_millis(50);

/// Why the three spans do not fit each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimingError {
    /// The Lease's duration cannot be written down.
    #[error("the lease duration must be whole seconds, from 1 s to 1 h")]
    Lease,
    /// A leader would give up too late.
    #[error("the renew deadline must be at most nine tenths of the lease duration, that is {most:?}")]
    Renew {
        /// The longest that fits the duration.
        most: Duration,
    },
    /// A leader would have too few attempts.
    #[error("the retry period must be from 50 ms to a third of the renew deadline, that is {most:?}")]
    Retry {
        /// The longest that fits the deadline.
        most: Duration,
    },
}

/// The times of an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    lease: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

impl Timing {
    /// Checks that the spans fit each other.
    ///
    /// # Errors
    /// [`TimingError`] says which does not, and what would.
    pub fn new(lease: Duration, renew_deadline: Duration, retry: Duration) -> Result<Self, TimingError> {
        if lease.subsec_nanos() != 0 || !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
            return Err(TimingError::Lease);
        }
        let most = lease.saturating_mul(9) / 10;
        if renew_deadline > most {
            return Err(TimingError::Renew { most });
        }
        let most = renew_deadline / 3;
        if !(SHORTEST_RETRY..=most).contains(&retry) {
            return Err(TimingError::Retry { most });
        }
        Ok(Self { lease, renew_deadline, retry })
    }

    /// After so long without a sign of its holder, others take the Lease.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// So long after it sent its last renewal that was acknowledged, a holder stops.
    #[must_use]
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// The pause between two attempts.
    #[must_use]
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// How long one request may take, so that a leader has three attempts.
    #[must_use]
    pub fn attempt(&self) -> Duration {
        self.renew_deadline / 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(lease: u64, renew: u64, retry: u64) -> Result<Timing, TimingError> {
        Timing::new(Duration::from_millis(lease), Duration::from_millis(renew), Duration::from_millis(retry))
    }

    #[test]
    fn the_spans_must_fit_each_other() {
        assert!(timing(15_000, 10_000, 2_000).is_ok());
        assert!(timing(1_000, 900, 300).is_ok());
        assert_eq!(timing(1_500, 900, 300), Err(TimingError::Lease));
        assert_eq!(timing(0, 0, 0), Err(TimingError::Lease));
        assert_eq!(timing(3_601_000, 10_000, 2_000), Err(TimingError::Lease));
        assert_eq!(timing(15_000, 13_501, 2_000), Err(TimingError::Renew { most: Duration::from_millis(13_500) }));
        assert_eq!(timing(15_000, 9_000, 3_001), Err(TimingError::Retry { most: Duration::from_secs(3) }));
        assert_eq!(timing(15_000, 9_000, 49), Err(TimingError::Retry { most: Duration::from_secs(3) }));
        assert_eq!(timing(15_000, 0, 0), Err(TimingError::Retry { most: Duration::ZERO }));
    }
}
