//! Spans of time as users write them in custom resources: `500ms`, `2s`, `1m30s`. The one place that reads them.
//! Must not know what a span is for; its bounds come from the caller.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Why a text is not a usable span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDuration {
    /// It does not follow the grammar.
    #[error("it is not a duration: use whole numbers with h, m, s or ms, such as `500ms`, `2s` or `1m30s`")]
    Syntax,
    /// It is outside the bounds.
    #[error("it is outside its bounds: from {} to {}", format_duration(*.min), format_duration(*.max))]
    Bounds {
        /// The shortest allowed.
        min: Duration,
        /// The longest allowed.
        max: Duration,
    },
}

/// Reads one or more whole numbers, each with a unit, and adds them up.
///
/// # Errors
/// [`InvalidDuration`] says what is allowed.
pub fn parse_duration(text: &str, bounds: RangeInclusive<Duration>) -> Result<Duration, InvalidDuration> {
    let span = sum(text).ok_or(InvalidDuration::Syntax)?;
    if bounds.contains(&span) {
        return Ok(span);
    }
    Err(InvalidDuration::Bounds { min: *bounds.start(), max: *bounds.end() })
}

fn sum(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut millis: u64 = 0;
    loop {
        let (number, tail) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let factor = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return None,
        };
        millis = number.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(millis)?;
        if tail.is_empty() {
            return Some(Duration::from_millis(millis));
        }
        rest = tail;
    }
}

/// The span as [`parse_duration`] reads it; parts of a millisecond are dropped.
#[must_use]
pub fn format_duration(span: Duration) -> String {
    let millis = span.as_millis();
    let parts =
        [(millis / 3_600_000, "h"), (millis / 60_000 % 60, "m"), (millis / 1_000 % 60, "s"), (millis % 1_000, "ms")];
    let text: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<u128, InvalidDuration> {
        parse_duration(text, Duration::from_millis(100)..=Duration::from_secs(24 * 3600)).map(|span| span.as_millis())
    }

    #[test]
    fn numbers_with_units_add_up() {
        for (text, millis) in
            [("500ms", 500), ("2s", 2_000), ("1m30s", 90_000), ("24h", 86_400_000), ("1h1m1s1ms", 3_661_001)]
        {
            assert_eq!(parse(text), Ok(millis), "{text}");
            assert_eq!(format_duration(Duration::from_millis(u64::try_from(millis).unwrap_or(0))), text);
        }
        assert_eq!(format_duration(Duration::ZERO), "0s");
    }

    #[test]
    fn what_is_no_duration_says_what_is_one() {
        for text in ["", "2", "s", "-2s", "1.5s", "2 s", "2d", "2µs", "99999999999999999999h", "s2"] {
            assert_eq!(parse(text), Err(InvalidDuration::Syntax), "{text}");
        }
    }

    #[test]
    fn a_duration_out_of_bounds_says_the_bounds() {
        for text in ["0s", "99ms", "24h1ms"] {
            let error = parse(text).map_err(|error| error.to_string());
            assert_eq!(error, Err("it is outside its bounds: from 100ms to 24h".to_owned()), "{text}");
        }
    }
}
