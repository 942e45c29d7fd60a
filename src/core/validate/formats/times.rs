//! Formats of time: dates, times of day, durations.
//! Must not know schemas, nor what time it is.

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Words for units that a looser syntax takes: whole names by their beginning, short ones as they are.
const WORDS: [(&[&str], &str, i64); 8] = [
    (&["ns"], "nano", 1),
    (&["us", "µs"], "micro", 1_000),
    (&["ms"], "milli", 1_000_000),
    (&["s"], "sec", 1_000_000_000),
    (&["m"], "min", 60_000_000_000),
    (&["h", "hr"], "hour", 3_600_000_000_000),
    (&["d"], "day", 86_400_000_000_000),
    (&["w", "wk"], "week", 604_800_000_000_000),
];

/// Days since 1970-01-01 of a date such as `2006-01-02`.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let dashes = bytes.len() == 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-');
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (dashes && (1..=last).contains(&day)).then(|| days(year, month, day))
}

/// Counts from the first of March, so that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// `date-time` as schemas have it: looser than RFC 3339, in either case, with anything before the fraction.
pub(super) fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    parse_date(date).is_some() && is_time(time)
}

fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let clock_holds = clock.char_indices().all(|(index, c)| match index {
        2 | 5 => c == ':',
        _ => c.is_ascii_digit(),
    });
    let below = |from: usize, limit: &str| clock.get(from..from + 2).is_some_and(|part| part <= limit);
    if !(clock_holds && below(0, "23") && below(3, "59") && below(6, "59")) {
        return false;
    }
    let mut chars = rest.chars();
    let fraction = chars.next().is_some_and(|c| c != '\n') && chars.as_str().starts_with(|c: char| c.is_ascii_digit());
    is_zone(rest) || (fraction && is_zone(chars.as_str().trim_start_matches(|c: char| c.is_ascii_digit())))
}

fn is_zone(text: &str) -> bool {
    let offset = text.len() == 6
        && text.char_indices().all(|(index, c)| match index {
            0 => matches!(c, '+' | '-'),
            3 => c == ':',
            _ => c.is_ascii_digit(),
        });
    text == "z" || offset
}

/// Nanoseconds since 1970 of an RFC 3339 time, in capitals; none for what is not one.
pub(crate) fn parse_date_time(text: &str) -> Option<i128> {
    let (date, time) = text.split_once('T')?;
    let days = parse_date(date)?;
    let (clock, rest) = time.split_at_checked(8)?;
    if !is_time(&time.to_lowercase()) || time.contains('z') {
        return None;
    }
    let part = |from: usize| clock.get(from..from + 2).and_then(|part| part.parse::<i64>().ok());
    let seconds = part(0)? * 3600 + part(3)? * 60 + part(6)?;
    let digits = rest.strip_prefix('.').unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, zone) = if length == 0 { ("", rest) } else { digits.split_at_checked(length)? };
    let nanos: i128 = format!("{:0<9}", fraction.get(..9).unwrap_or(fraction)).parse().ok()?;
    let offset = match zone {
        "Z" => 0,
        _ if is_zone(zone) => {
            let (hours, minutes) = (zone.get(1..3)?.parse::<i64>().ok()?, zone.get(4..6)?.parse::<i64>().ok()?);
            let offset = hours * 3600 + minutes * 60;
            if hours > 23 || minutes > 59 {
                return None;
            }
            if zone.starts_with('-') { -offset } else { offset }
        }
        _ => return None,
    };
    Some(i128::from(days * 86_400 + seconds - offset) * 1_000_000_000 + nanos)
}

/// Nanoseconds of a duration: Go's syntax (`1h30m`), or else anything that holds numbers with words (`2 days`).
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    parse_go_duration(text).or_else(|| parse_loose_duration(text))
}

/// Go's syntax alone, as CEL's `duration()` has it.
pub(crate) fn parse_go_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (amount, after) = one_amount(rest)?;
        total = total.checked_add(amount).filter(|total| *total <= 1 << 63)?;
        rest = after;
    }
    if negative {
        return i64::try_from(-i128::from(total)).ok();
    }
    i64::try_from(total).ok()
}

fn one_amount(text: &str) -> Option<(u64, &str)> {
    let digit = |c: char| c.is_ascii_digit();
    let whole_end = text.find(|c| !digit(c)).unwrap_or(text.len());
    let (whole, rest) = text.split_at_checked(whole_end)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.find(|c| !digit(c)).unwrap_or(rest.len()))?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c| c == '.' || digit(c)).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(unit_end)?;
    let (_, nanos) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let whole = whole.checked_mul(*nanos).filter(|whole| *whole <= 1 << 63)?;
    // Eighteen digits are more than a fraction of an hour can need.
    let fraction = fraction.get(..18).unwrap_or(fraction);
    let scale = 10f64.powi(i32::try_from(fraction.len()).unwrap_or(18));
    let part: f64 = if fraction.is_empty() { 0.0 } else { fraction.parse().ok()? };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "at most an hour of nanoseconds"
    )]
    let part = (part * (*nanos as f64 / scale)) as u64;
    Some((whole.checked_add(part)?, rest))
}

fn parse_loose_duration(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut found = false;
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let from = rest.get(start..)?;
        let (number, after) = from.split_at_checked(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()))?;
        let after = after.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let word_end = after.find(|c: char| !(c.is_ascii_alphabetic() || c == 'µ')).unwrap_or(after.len());
        let (word, after) = after.split_at_checked(word_end)?;
        rest = after;
        if word.is_empty() {
            continue;
        }
        let factor: i64 = number.parse().ok()?;
        let word = word.to_lowercase();
        for (short, long, nanos) in WORDS {
            if short.contains(&word.as_str()) || word.starts_with(long) {
                found = true;
                total = total.wrapping_add(factor.wrapping_mul(nanos));
            }
        }
    }
    found.then_some(total)
}
