//! Values and keys as words on one line, safe for a terminal, a log and a pull request.
//! Must not decide what is secret: it is given values that may be shown.

use std::fmt::Write as _;

use crate::redact::REDACTED;
use crate::value::Value;

/// The longest value that is shown on one line, in characters; longer ones are cut and end with `…`.
pub(super) const MAX_WORD: usize = 120;

/// A value as JSON on one line, in which nothing can steer a terminal or turn the direction of the text.
pub(super) fn word(value: &Value) -> String {
    let text = match value {
        // Sorted here, because whether the map sorts its keys depends on a feature that any crate can switch on.
        Value::Object(_) | Value::Array(_) => sorted(value),
        scalar => scalar.to_string(),
    };
    tamed(&text)
}

/// As [`word`], cut to [`MAX_WORD`] characters; what stands for a secret has no quotes, which would say it is a text.
pub(super) fn short(value: &Value) -> String {
    if value == REDACTED {
        return REDACTED.to_owned();
    }
    let word = word(value);
    match word.char_indices().nth(MAX_WORD) {
        None => word,
        Some(_) => word.chars().take(MAX_WORD - 1).chain(['…']).collect(),
    }
}

/// A key as YAML can read it back: plain when it is a simple word, else quoted.
pub(super) fn key(key: &str) -> String {
    let simple = key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
        && !matches!(
            key.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if simple { key.to_owned() } else { word(&Value::from(key)) }
}

/// Replaces what steers terminals (control characters) or hides what is written (changes of direction).
pub(super) fn tamed(text: &str) -> String {
    let mut tamed = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') {
            // Written as JSON writes it, so that a JSON text stays one of the same meaning.
            let _ = write!(tamed, "\\u{:04x}", u32::from(c));
        } else {
            tamed.push(c);
        }
    }
    tamed
}

fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: std::collections::BTreeMap<&String, &Value> = map.iter().collect();
            let members =
                members.into_iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), sorted(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(sorted).collect::<Vec<_>>().join(",")),
        scalar => scalar.to_string(),
    }
}
