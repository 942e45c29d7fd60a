//! When to try again after a transport failure: exponential backoff with full jitter, as a function.
//! Must not draw random numbers: chance is an argument, so that the same decision comes out twice.

use std::time::Duration;

/// A schedule of pauses: before attempt n + 1 lies a pause between zero and `first` doubled n - 1 times, at most `cap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest pause after the first failure.
    pub first: Duration,
    /// The longest pause after any failure.
    pub cap: Duration,
}

/// For pushes that ended in a transport failure.
///
/// A pod that comes up just too late gets its version within a fraction of a second; one that stays dead is asked
/// twice a minute on average.
pub const PUSH: Backoff = Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(60) };

/// For records that the API server did not take.
pub const RECORD: Backoff = Backoff { first: Duration::from_millis(500), cap: Duration::from_secs(30) };

impl Backoff {
    /// The longest pause after `failures` failures in a row (at least one).
    #[must_use]
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(32);
        self.first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(self.cap)
    }

    /// How long to wait after `failures` failures in a row (at least one), for this `seed`.
    ///
    /// Uniform over the whole span (full jitter), so that targets that failed together do not return together. The
    /// same arguments always give the same pause.
    #[must_use]
    pub fn pause(&self, failures: u32, seed: u64) -> Duration {
        let ceiling = u64::try_from(self.ceiling(failures).as_micros()).unwrap_or(u64::MAX);
        let drawn = scramble(seed ^ scramble(u64::from(failures)));
        let micros = (u128::from(drawn) * (u128::from(ceiling) + 1)) >> 64;
        Duration::from_micros(u64::try_from(micros).unwrap_or(ceiling))
    }
}

/// A seed from what identifies the thing to be retried; the same on every machine and in every run.
#[must_use]
pub fn seed_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut seed: u64 = 0;
    for part in parts {
        for byte in part {
            seed = scramble(seed ^ u64::from(*byte));
        }
        // The length keeps `ab`, `c` apart from `a`, `bc`.
        seed = scramble(seed ^ ((part.len() as u64) << 8));
    }
    seed
}

/// The finalizer of SplitMix64: each bit of the input changes half of the output's.
fn scramble(input: u64) -> u64 {
    let mut bits = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(30) };

    #[test]
    fn pauses_stay_below_the_doubled_and_capped_ceiling() {
        for (failures, ceiling) in [(0, 1), (1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (u32::MAX, 30)] {
            for seed in 0..500 {
                assert!(SECOND.pause(failures, seed) <= Duration::from_secs(ceiling), "{failures} {seed}");
            }
        }
    }

    #[test]
    fn pauses_spread_over_the_whole_span() {
        let mut counts = [0_u32; 10];
        for seed in 0..10_000 {
            let pause = SECOND.pause(3, seed).as_micros();
            counts[usize::try_from(pause * 10 / 4_000_001).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn the_same_failure_always_gets_the_same_pause_and_others_get_another() {
        assert_eq!(SECOND.pause(4, 7), SECOND.pause(4, 7));
        assert_ne!(SECOND.pause(4, 7), SECOND.pause(4, 8));
        assert_ne!(SECOND.pause(4, 7), SECOND.pause(5, 7));
    }

    #[test]
    fn seeds_tell_things_apart() {
        let seed = |parts: &[&str]| seed_of(parts.iter().map(|part| part.as_bytes()));
        assert_eq!(seed(&["pod", "1"]), seed(&["pod", "1"]));
        assert_ne!(seed(&["ab", "c"]), seed(&["a", "bc"]));
        assert_ne!(seed(&["", "a"]), seed(&["a", ""]));
        assert_ne!(seed(&[]), seed(&[""]));
    }
}
