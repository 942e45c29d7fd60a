//! Points in time: milliseconds in the core, RFC 3339 in the custom resources.
//! Must not read a clock.

use jiff::Timestamp as Instant;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use rekindle_core::time::Timestamp;

/// The time as a custom resource holds it. Milliseconds are kept; what the calendar does not reach is its end.
#[must_use]
pub fn micro_time_of(time: Timestamp) -> MicroTime {
    MicroTime(instant(time))
}

/// The time of a transition, which has seconds only.
pub(super) fn time_of(time: Timestamp) -> Time {
    let whole = Timestamp(time.0.div_euclid(1000).saturating_mul(1000));
    Time(instant(whole))
}

fn instant(time: Timestamp) -> Instant {
    let end = if time.0 < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_millisecond(time.0).unwrap_or(end)
}

/// The time as the core counts it; parts of a millisecond are dropped.
#[must_use]
pub fn timestamp_of(time: &Instant) -> Timestamp {
    Timestamp(time.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_goes_there_and_back() -> Result<(), Box<dyn std::error::Error>> {
        let time = Timestamp(1_767_323_045_250);
        assert_eq!(serde_json::to_value(micro_time_of(time))?, "2026-01-02T03:04:05.250000Z");
        assert_eq!(timestamp_of(&micro_time_of(time).0), time);
        assert_eq!(serde_json::to_value(time_of(time))?, "2026-01-02T03:04:05Z");
        assert_eq!(timestamp_of(&time_of(time).0), Timestamp(1_767_323_045_000));
        assert_eq!(micro_time_of(Timestamp(i64::MAX)).0, Instant::MAX);
        Ok(())
    }
}
