//! What a plain scalar of YAML means in each dialect.
//! Must not know where the scalar stands.
//!
//! YAML 1.1 leaves room, and libraries differ. Where they do we follow the majority (PyYAML, SnakeYAML, Psych,
//! go-yaml): `y` and `n` are text, `1e3` is a number, `0o17` is text, dates are text.

use super::super::Dialect;
use crate::value::Value;

/// The meaning of a scalar's text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    Value(Value),
    /// Neither null nor boolean nor number.
    Text,
    /// An integer beyond 64 bits.
    TooWide,
    /// Infinite or not a number.
    NotFinite,
}

/// Reads a plain scalar.
pub(super) fn meaning(text: &str, dialect: Dialect) -> Meaning {
    match text.as_bytes().first() {
        None => Meaning::Value(Value::Null),
        Some(b'0'..=b'9' | b'+' | b'-' | b'.') => number(text, dialect),
        Some(_) => word(text, dialect),
    }
}

fn word(text: &str, dialect: Dialect) -> Meaning {
    let value = match text {
        "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" if dialect == Dialect::Yaml11 => Value::Bool(true),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" if dialect == Dialect::Yaml11 => Value::Bool(false),
        _ => return Meaning::Text,
    };
    Meaning::Value(value)
}

fn number(text: &str, dialect: Dialect) -> Meaning {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Meaning::NotFinite;
    }
    match dialect {
        Dialect::Yaml12 => number_of_1_2(negative, digits),
        Dialect::Yaml11 => number_of_1_1(negative, digits),
    }
}

fn number_of_1_2(negative: bool, digits: &str) -> Meaning {
    if let Some((radix, digits)) = prefixed(digits) {
        // Beyond 64 bits such text is an identifier rather than a number, and as text it loses nothing.
        return integer(negative, digits, radix, Meaning::Text);
    }
    if is_decimal(digits) {
        let padded = digits.len() > 1 && digits.starts_with('0');
        return if padded { Meaning::Text } else { integer(negative, digits, 10, Meaning::TooWide) };
    }
    if is_float(digits) { float(negative, digits) } else { Meaning::Text }
}

fn number_of_1_1(negative: bool, digits: &str) -> Meaning {
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Meaning::Text;
    }
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    match prefixed(&plain) {
        Some((8, _)) => return Meaning::Text,
        Some((radix, digits)) => return integer(negative, digits, radix, Meaning::TooWide),
        None => {}
    }
    if is_decimal(&plain) {
        return match plain.strip_prefix('0') {
            None | Some("") => integer(negative, &plain, 10, Meaning::TooWide),
            Some(octal) if octal.bytes().all(|digit| digit < b'8') => integer(negative, octal, 8, Meaning::TooWide),
            Some(_) => Meaning::Text,
        };
    }
    if plain.contains(':') {
        return sixties(negative, &plain);
    }
    if is_float(&plain) { float(negative, &plain) } else { Meaning::Text }
}

/// `0x`, `0o` and `0b`, and the digits behind them, if there are only digits.
fn prefixed(digits: &str) -> Option<(u32, &str)> {
    let (radix, digits) = match digits.get(..2)? {
        "0x" => (16, digits.get(2..)?),
        "0o" => (8, digits.get(2..)?),
        "0b" => (2, digits.get(2..)?),
        _ => return None,
    };
    (!digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))).then_some((radix, digits))
}

fn is_decimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Digits with a point or an exponent or both, and a digit before the exponent. The sign is already gone.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    whole.len() + fraction.len() > 0 && digits(whole) && digits(fraction) && exponent.is_none_or(is_decimal)
}

fn integer(negative: bool, digits: &str, radix: u32, otherwise: Meaning) -> Meaning {
    let value = match u64::from_str_radix(digits, radix) {
        Ok(size) if negative => 0_i64.checked_sub_unsigned(size).map(Value::from),
        Ok(size) => Some(Value::from(size)),
        Err(_) => None,
    };
    value.map_or(otherwise, Meaning::Value)
}

fn float(negative: bool, digits: &str) -> Meaning {
    let size: f64 = digits.parse().unwrap_or(f64::NAN);
    finite(if negative { -size } else { size })
}

fn finite(number: f64) -> Meaning {
    serde_json::Number::from_f64(number).map_or(Meaning::NotFinite, |number| Meaning::Value(Value::Number(number)))
}

/// `1:30` is 90 and `1:30.5` is 90.5, as YAML 1.1 has it.
fn sixties(negative: bool, text: &str) -> Meaning {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut sum: u64 = 0;
    for (index, part) in whole.split(':').enumerate() {
        let part = if is_decimal(part) { part.parse::<u64>().ok() } else { return Meaning::Text };
        if index > 0 && part.is_none_or(|part| part > 59) || index == 0 && fraction.is_none() && whole.starts_with('0')
        {
            return Meaning::Text;
        }
        let next = part.and_then(|part| sum.checked_mul(60)?.checked_add(part));
        let Some(next) = next else { return Meaning::TooWide };
        sum = next;
    }
    match fraction {
        None => integer(negative, &sum.to_string(), 10, Meaning::TooWide),
        Some(fraction) if fraction.bytes().all(|digit| digit.is_ascii_digit()) => {
            float(negative, &format!("{sum}.{fraction}"))
        }
        Some(_) => Meaning::Text,
    }
}
