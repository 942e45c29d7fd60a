//! Checks texts and numbers, and values against a list of allowed ones.
//! Must not know maps and lists.

use serde_json::Number;

use super::super::finder::{Finder, Trail};
use super::super::formats::Format;
use super::super::schema::{Bound, Node, Type};
use super::counts;
use crate::finding::{Finding, Rule};
use crate::value::Value;

/// The largest whole number up to which every one is a float: 2^53 - 1.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
/// How many allowed values a finding names.
const MAX_NAMED: usize = 10;

/// A number as the API server holds it: whole numbers beyond 64 bits are floats.
#[derive(Clone, Copy)]
enum Num {
    Int(i64),
    Float(f64),
}

impl Num {
    fn of(number: &Number) -> Self {
        match number.as_i64() {
            Some(whole) => Self::Int(whole),
            None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
        }
    }

    /// A number of the schema: the server stores `1.0` as `1`.
    fn stored(number: &Number) -> Self {
        match Self::of(number) {
            Self::Float(float) if float.fract() == 0.0 && float.abs() <= MAX_SAFE => Self::Int(cut(float)),
            number => number,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the server compares so, too")]
    fn as_f64(self) -> f64 {
        match self {
            Self::Int(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }
}

/// Whether a value is a whole number; `1.0` is, `1e300` and `1.5` are not.
pub(super) fn is_integer(value: &Value) -> bool {
    match value {
        Value::Number(number) => match Num::of(number) {
            Num::Int(_) => true,
            Num::Float(float) => float.abs() <= MAX_SAFE && float.fract() == 0.0,
        },
        _ => false,
    }
}

/// A float cut to a whole number as the server's processor does it: beyond 64 bits all become the smallest one.
#[expect(clippy::cast_possible_truncation, reason = "cutting is what is asked for")]
fn cut(float: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&float) { float as i64 } else { i64::MIN }
}

pub(super) fn check_number(node: &Node, number: &Number, trail: &Trail<'_>, finder: &mut Finder) {
    let number = Num::of(number);
    let literal = finder.is_literal();
    if let Some(bound) = node.numbers.minimum {
        let server = if bound.exclusive { beyond(number, bound).is_gt() } else { beyond(number, bound).is_ge() };
        let plain = number.as_f64() > bound.value || (!bound.exclusive && number.as_f64() >= bound.value);
        if !(server && (plain || literal)) {
            let than = if bound.exclusive { "greater than" } else { "at least" };
            finder.add(Finding::error(Rule::Minimum, format!("must be {than} {}", bound.value)), trail);
        }
    }
    if let Some(bound) = node.numbers.maximum {
        let server = if bound.exclusive { beyond(number, bound).is_lt() } else { beyond(number, bound).is_le() };
        let plain = number.as_f64() < bound.value || (!bound.exclusive && number.as_f64() <= bound.value);
        if !(server && (plain || literal)) {
            let than = if bound.exclusive { "less than" } else { "at most" };
            finder.add(Finding::error(Rule::Maximum, format!("must be {than} {}", bound.value)), trail);
        }
    }
    if let Some(step) = node.numbers.multiple_of.filter(|step| !is_multiple(number, *step)) {
        finder.add(Finding::error(Rule::MultipleOf, format!("must be a multiple of {step}")), trail);
    }
    check_range(node.format, number, trail, finder);
}

/// How a number stands to a bound by the server's reading: for whole numbers the bound is cut to one.
fn beyond(number: Num, bound: Bound) -> std::cmp::Ordering {
    match number {
        Num::Int(whole) => whole.cmp(&cut(bound.value)),
        Num::Float(float) => float.partial_cmp(&bound.value).unwrap_or(std::cmp::Ordering::Equal),
    }
}

fn is_multiple(number: Num, step: f64) -> bool {
    match number {
        // A step below 1 is cut to 0, and 0 has no multiples.
        Num::Int(whole) => cut(step) > 0 && whole % cut(step) == 0,
        Num::Float(float) => {
            let quotient = if step < 1.0 { 1.0 / step * float } else { float / step };
            let rounded = quotient.round();
            let near = quotient == rounded || (rounded != 0.0 && (quotient - rounded).abs() < 1e-9 * rounded.abs());
            quotient.abs() <= MAX_SAFE && near
        }
    }
}

fn check_range(format: Option<Format>, number: Num, trail: &Trail<'_>, finder: &mut Finder) {
    let holds = match format {
        Some(Format::Int32) => number.as_f64() >= f64::from(i32::MIN) && number.as_f64() <= f64::from(i32::MAX),
        Some(Format::Float) => number.as_f64().abs() <= f64::from(f32::MAX),
        _ => true,
    };
    if let (false, Some(format)) = (holds, format) {
        finder.add(Finding::error(Rule::Format, format!("must be within the range of {}", format.name())), trail);
    }
}

pub(super) fn check_text(node: &Node, text: &str, trail: &Trail<'_>, finder: &mut Finder) {
    let length = text.chars().count();
    let before = finder.findings().len();
    counts::check(node.length, length, counts::CHARACTERS, trail, finder);
    if let Some(pattern) = &node.pattern {
        // Of a text's constraints the server reports the first that fails.
        if finder.findings().len() == before
            && finder.step(pattern.cost(text), trail)
            && !pattern.regex().is_match(text)
        {
            finder.add(Finding::error(Rule::Pattern, format!("must match the pattern {}", pattern.source())), trail);
        }
    }
    let numeric = matches!(node.kind, Some(Type::Integer | Type::Number));
    if let Some(format) = node.format.and_then(Format::text).filter(|format| !numeric && !format.holds(text)) {
        finder.add(Finding::error(Rule::Format, format!("must be of the format {}", format.name())), trail);
    }
}

pub(super) fn check_enum(node: &Node, value: &Value, trail: &Trail<'_>, finder: &mut Finder) {
    let Some(allowed) = &node.allowed else { return };
    let literal = finder.is_literal();
    if !finder.step(allowed.len() as u64, trail) || allowed.iter().any(|one| is_allowed(value, one, literal)) {
        return;
    }
    let finding = Finding::error(Rule::Enum, "is none of the allowed values");
    let named: Vec<String> = allowed.iter().take(MAX_NAMED).map(Value::to_string).collect();
    let more = allowed.len().saturating_sub(MAX_NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    finder.add(finding.hint(format!("use one of {}{rest}", named.join(", "))), trail);
}

/// Equal; or, by the server's reading, equal once converted to the allowed value's type. Null never is.
fn is_allowed(value: &Value, allowed: &Value, literal: bool) -> bool {
    match (value, allowed) {
        (Value::Null, _) => false,
        (Value::Number(value), Value::Number(allowed)) => match (Num::of(value), Num::stored(allowed)) {
            (Num::Int(value), Num::Int(allowed)) => value == allowed,
            (Num::Float(value), Num::Int(allowed)) => cut(value) == allowed && (literal || value.fract() == 0.0),
            (value, Num::Float(allowed)) => value.as_f64() == allowed,
        },
        // Go converts a whole number to the text of that one character.
        (Value::Number(value), Value::String(allowed)) if literal => match Num::of(value) {
            Num::Int(code) => {
                let c = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                allowed.chars().eq([c])
            }
            Num::Float(_) => false,
        },
        (value, allowed) => value == allowed,
    }
}
