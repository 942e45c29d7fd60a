//! The functions that rules can call: conversions, lists, sets, optionals, durations.
//! Must not know expressions; arguments come evaluated, of the types that the library names, or dyn.

use std::cmp::Ordering;
use std::rc::Rc;

use super::super::formats::{parse_date_time, parse_go_duration};
use super::super::schema::Type;
use super::compare;
use super::evaluator::Evaluator;
use super::value::{Evaluated, Failure, Val};

mod quantities;
mod texts;

/// Nanoseconds since 1970 of the first and the last moment that a timestamp can be: the years 1 to 9999.
const FIRST: i128 = -62_135_596_800_000_000_000;
const LAST: i128 = 253_402_300_799_999_999_999;

/// Calls a function.
pub(super) fn call<'data>(
    run: &mut Evaluator<'_>,
    name: &str,
    target: Option<Val<'data>>,
    args: Vec<Val<'data>>,
) -> Evaluated<'data> {
    if let Some(Val::Text(text)) = &target {
        return texts::call(run, name, text.as_str(), &args);
    }
    match (target, args.as_slice()) {
        (None, args) => global(run, name, args),
        (Some(target @ Val::Library(..)), args) => quantities::call(name, Some(&target), args),
        (Some(Val::Bytes(bytes)), []) if name == "size" => count(bytes.len()),
        (Some(Val::Optional(inner)), args) => optional(name, inner, args),
        (Some(Val::Duration(nanos)), []) => part(name, nanos),
        (Some(target), args) => list(run, name, &target, args),
    }
}

/// Whether two quantities are the same amount.
pub(super) fn equal_quantities(one: &Val<'_>, two: &Val<'_>) -> Result<bool, Failure> {
    let order = quantities::call("compareTo", Some(one), std::slice::from_ref(two))?;
    Ok(matches!(order, Val::Int(0)))
}

fn count<'data>(count: usize) -> Evaluated<'data> {
    i64::try_from(count).map(Val::Int).map_err(|_| Failure::overload())
}

fn global<'data>(run: &mut Evaluator<'_>, name: &str, args: &[Val<'data>]) -> Evaluated<'data> {
    match (name, args) {
        ("size", [Val::Text(text)]) => texts::call(run, "size", text.as_str(), &[]),
        ("size", [Val::Bytes(bytes)]) => count(bytes.len()),
        ("size", [value]) => count(value.len().ok_or(Failure::overload())?),
        ("dyn", [value]) => Ok(value.clone()),
        ("type", [value]) => Ok(Val::Kind(value.kind())),
        ("int", [value]) => to_int(value),
        ("uint", [value]) => to_uint(value),
        ("double", [value]) => to_double(value),
        ("string", [value]) => to_text(value),
        ("bytes", [Val::Text(text)]) => {
            run.spend(text.as_str().len() / 16)?;
            Ok(Val::Bytes(Rc::new(text.as_str().as_bytes().to_vec())))
        }
        ("bytes", [value @ Val::Bytes(_)]) => Ok(value.clone()),
        ("duration", [Val::Text(text)]) => {
            parse_go_duration(text.as_str()).map(Val::Duration).ok_or(Failure::new("a text is not a duration"))
        }
        ("timestamp", [Val::Text(text)]) => {
            timestamp(parse_date_time(text.as_str()).ok_or(Failure::new("a text is not a time"))?)
        }
        ("optional.of", [value]) => Ok(Val::Optional(Some(Rc::new(value.clone())))),
        ("optional.none", []) => Ok(Val::Optional(None)),
        ("quantity" | "isQuantity", args) => quantities::call(name, None, args),
        (_, [one, two]) => sets(run, name, one, two),
        _ => Err(Failure::overload()),
    }
}

/// A time within the years that can be.
pub(super) fn timestamp<'data>(nanos: i128) -> Evaluated<'data> {
    if (FIRST..=LAST).contains(&nanos) {
        Ok(Val::Timestamp(nanos))
    } else {
        Err(Failure::new("a time is out of range"))
    }
}

fn conversion() -> Failure {
    Failure::new("a value cannot be converted")
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn to_int<'data>(value: &Val<'data>) -> Evaluated<'data> {
    match value {
        Val::Int(number) => Ok(Val::Int(*number)),
        Val::UInt(number) => i64::try_from(*number).map(Val::Int).map_err(|_| conversion()),
        Val::Double(number) if number.abs() < 9_223_372_036_854_775_807.0 => Ok(Val::Int(*number as i64)),
        Val::Text(text) => text.as_str().parse().map(Val::Int).map_err(|_| conversion()),
        _ => Err(conversion()),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn to_uint<'data>(value: &Val<'data>) -> Evaluated<'data> {
    match value {
        Val::UInt(number) => Ok(Val::UInt(*number)),
        Val::Int(number) => u64::try_from(*number).map(Val::UInt).map_err(|_| conversion()),
        Val::Double(number) if *number >= 0.0 && *number < 18_446_744_073_709_551_615.0 => {
            Ok(Val::UInt(*number as u64))
        }
        // Go takes no sign here.
        Val::Text(text) if !text.as_str().starts_with('+') => {
            text.as_str().parse().map(Val::UInt).map_err(|_| conversion())
        }
        _ => Err(conversion()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "that is what the conversion does")]
fn to_double<'data>(value: &Val<'data>) -> Evaluated<'data> {
    match value {
        Val::Double(number) => Ok(Val::Double(*number)),
        Val::Int(number) => Ok(Val::Double(*number as f64)),
        Val::UInt(number) => Ok(Val::Double(*number as f64)),
        Val::Text(text) => {
            // Names of infinity and hexadecimal forms are left out.
            let plain = text.as_str().chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
            let number: f64 = text.as_str().parse().map_err(|_| conversion())?;
            if plain && number.is_finite() { Ok(Val::Double(number)) } else { Err(conversion()) }
        }
        _ => Err(conversion()),
    }
}

fn to_text<'data>(value: &Val<'data>) -> Evaluated<'data> {
    match value {
        Val::Text(_) => Ok(value.clone()),
        Val::Int(number) => Ok(Val::text(number.to_string())),
        Val::UInt(number) => Ok(Val::text(number.to_string())),
        // Beyond these Go writes an exponent.
        Val::Double(number) if *number == 0.0 || (1e-4..1e6).contains(&number.abs()) => {
            Ok(Val::text(number.to_string()))
        }
        Val::Bool(flag) => Ok(Val::text(flag.to_string())),
        _ => Err(conversion()),
    }
}

fn optional<'data>(name: &str, inner: Option<Rc<Val<'data>>>, args: &[Val<'data>]) -> Evaluated<'data> {
    match (name, inner, args) {
        ("hasValue", inner, []) => Ok(Val::Bool(inner.is_some())),
        ("value" | "orValue", Some(value), _) => Ok((*value).clone()),
        ("orValue", None, [other]) => Ok(other.clone()),
        ("value", None, []) => Err(Failure::new("an optional has no value")),
        _ => Err(Failure::overload()),
    }
}

fn part<'data>(name: &str, nanos: i64) -> Evaluated<'data> {
    let unit = match name {
        "getHours" => 3_600_000_000_000,
        "getMinutes" => 60_000_000_000,
        "getSeconds" => 1_000_000_000,
        "getMilliseconds" => 1_000_000,
        _ => return Err(Failure::overload()),
    };
    Ok(Val::Int(nanos / unit))
}

fn list<'data>(run: &mut Evaluator<'_>, name: &str, list: &Val<'data>, args: &[Val<'data>]) -> Evaluated<'data> {
    if name == "size" {
        return count(list.len().ok_or(Failure::overload())?);
    }
    if let ("sum", [], Some(0)) = (name, args, list.len()) {
        return nothing(list);
    }
    run.spend(list.len().unwrap_or(0))?;
    let items = list.items().ok_or(Failure::overload())?;
    let items: Vec<Val<'data>> = items.into_iter().collect::<Result<_, _>>()?;
    match (name, args) {
        ("isSorted", []) => {
            let mut sorted = true;
            for (one, two) in items.iter().zip(items.iter().skip(1)) {
                sorted = sorted && compare::compare(one, two)?.is_le();
            }
            Ok(Val::Bool(sorted))
        }
        ("min", []) => extreme(items, Ordering::Less),
        ("max", []) => extreme(items, Ordering::Greater),
        ("sum", []) => sum(items),
        ("indexOf", [wanted]) => position(run, items.iter().enumerate(), wanted),
        ("lastIndexOf", [wanted]) => position(run, items.iter().enumerate().rev(), wanted),
        ("join", args) => texts::join(run, &items, args),
        _ => Err(Failure::overload()),
    }
}

fn extreme<'data>(items: Vec<Val<'data>>, wanted: Ordering) -> Evaluated<'data> {
    let mut best: Option<Val<'data>> = None;
    for item in items {
        let better = match &best {
            None => true,
            Some(best) => compare::compare(&item, best)? == wanted,
        };
        if better {
            best = Some(item);
        }
    }
    best.ok_or(Failure::new("an empty list has no least or greatest item"))
}

fn sum<'data>(items: Vec<Val<'data>>) -> Evaluated<'data> {
    let mut total: Option<Val<'data>> = None;
    for item in items {
        total = Some(match (total, item) {
            (None, item @ (Val::Int(_) | Val::UInt(_) | Val::Double(_) | Val::Duration(_))) => item,
            (Some(Val::Int(total)), Val::Int(item)) => Val::Int(total.checked_add(item).ok_or(conversion())?),
            (Some(Val::UInt(total)), Val::UInt(item)) => Val::UInt(total.checked_add(item).ok_or(conversion())?),
            (Some(Val::Double(total)), Val::Double(item)) => Val::Double(total + item),
            (Some(Val::Duration(total)), Val::Duration(item)) => {
                Val::Duration(total.checked_add(item).ok_or(conversion())?)
            }
            _ => return Err(Failure::overload()),
        });
    }
    total.ok_or(Failure::overload())
}

/// The sum of an empty list, whose type only its schema can tell.
fn nothing<'data>(list: &Val<'data>) -> Evaluated<'data> {
    let items = match list {
        Val::Data(_, Some(node)) => node.items.as_deref(),
        _ => None,
    };
    match items.and_then(|items| items.kind) {
        Some(Type::Integer) => Ok(Val::Int(0)),
        Some(Type::Number) => Ok(Val::Double(0.0)),
        _ => Err(Failure::new("an empty list has no sum here")),
    }
}

fn position<'data, 'items>(
    run: &mut Evaluator<'_>,
    items: impl Iterator<Item = (usize, &'items Val<'data>)>,
    wanted: &Val<'data>,
) -> Evaluated<'data>
where
    'data: 'items,
{
    for (index, item) in items {
        if run.equal(item, wanted)? {
            return count(index);
        }
    }
    Ok(Val::Int(-1))
}

fn sets<'data>(run: &mut Evaluator<'_>, name: &str, one: &Val<'data>, two: &Val<'data>) -> Evaluated<'data> {
    run.spend(one.len().unwrap_or(0) + two.len().unwrap_or(0))?;
    let (Some(one), Some(two)) = (one.items(), two.items()) else { return Err(Failure::overload()) };
    let one: Vec<Val<'data>> = one.into_iter().collect::<Result<_, _>>()?;
    let two: Vec<Val<'data>> = two.into_iter().collect::<Result<_, _>>()?;
    let mut covers = |whole: &[Val<'data>], parts: &[Val<'data>]| -> Result<usize, Failure> {
        let mut found = 0;
        for part in parts {
            found += usize::from(compare::contains(whole, part, &mut |steps| run.spend(steps))?);
        }
        Ok(found)
    };
    Ok(Val::Bool(match name {
        "sets.contains" => covers(&one, &two)? == two.len(),
        "sets.intersects" => covers(&one, &two)? > 0,
        "sets.equivalent" => covers(&one, &two)? == two.len() && covers(&two, &one)? == one.len(),
        _ => return Err(Failure::overload()),
    }))
}
