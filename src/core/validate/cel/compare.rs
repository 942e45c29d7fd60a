//! How values compare: their order, and whether they are equal.
//! Must not know expressions.

use std::cmp::Ordering;

use super::super::schema::ListType;
use super::value::{Evaluated, Failure, Val};
use crate::value::Value;

/// How two values stand to each other; what is no number stands nowhere among them.
pub(crate) fn compare(one: &Val<'_>, two: &Val<'_>) -> Result<Ordering, Failure> {
    Ok(match (one, two) {
        (Val::Bool(one), Val::Bool(two)) => one.cmp(two),
        (Val::Text(one), Val::Text(two)) => one.as_str().cmp(two.as_str()),
        (Val::Bytes(one), Val::Bytes(two)) => one.cmp(two),
        (Val::Duration(one), Val::Duration(two)) => one.cmp(two),
        (Val::Timestamp(one), Val::Timestamp(two)) => one.cmp(two),
        _ => match (Number::of(one), Number::of(two)) {
            (Some(one), Some(two)) => one.compare(two).ok_or(Failure::new("what is not a number has no order"))?,
            _ => return Err(Failure::overload()),
        },
    })
}

/// A number of any kind; those of different kinds can be compared.
#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    fn of(value: &Val<'_>) -> Option<Self> {
        match value {
            Val::Int(number) => Some(Self::Whole(i128::from(*number))),
            Val::UInt(number) => Some(Self::Whole(i128::from(*number))),
            Val::Double(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "beyond 2^63 the order is decided before"
    )]
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(one), Self::Whole(two)) => Some(one.cmp(&two)),
            (Self::Float(one), Self::Float(two)) => one.partial_cmp(&two),
            (Self::Whole(_), Self::Float(_)) => other.compare(self).map(Ordering::reverse),
            (Self::Float(float), Self::Whole(whole)) => {
                if float.is_nan() || float.abs() >= 1.9e19 {
                    return float.partial_cmp(&(whole as f64));
                }
                let cut = float.trunc();
                (cut as i128).cmp(&whole).then(float.partial_cmp(&cut)?).into()
            }
        }
    }
}

/// Whether two values are equal; of different types, they are not. `spend` is told of the work.
pub(crate) fn equal<'data>(
    one: &Val<'data>,
    two: &Val<'data>,
    spend: &mut dyn FnMut(usize) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    spend(1)?;
    match (one, two) {
        (Val::Null, Val::Null) => Ok(true),
        (Val::Kind(one), Val::Kind(two)) => Ok(one == two),
        (Val::Text(one), Val::Text(two)) => {
            spend(one.as_str().len() / 16)?;
            Ok(one.as_str() == two.as_str())
        }
        (Val::Optional(one), Val::Optional(two)) => match (one, two) {
            (Some(one), Some(two)) => equal(one, two, spend),
            (one, two) => Ok(one.is_none() && two.is_none()),
        },
        (Val::Library(..), Val::Library(..)) => super::functions::equal_quantities(one, two),
        (Val::Data(Value::Object(left), node), Val::Data(Value::Object(right), _)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (key, left) in left {
                let child = node.and_then(|node| node.child(key));
                let same = match right.get(key) {
                    Some(right) => equal(&Val::of(left, child)?, &Val::of(right, child)?, spend)?,
                    None => false,
                };
                if !same {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => match (one.items(), two.items()) {
            (Some(left), Some(right)) => equal_lists(one.list_type(), left, right, spend),
            (None, None) if one.len().is_some() && two.len().is_some() => equal_maps(one, two, spend),
            _ => Ok(compare(one, two) == Ok(Ordering::Equal)),
        },
    }
}

fn equal_lists<'data>(
    list_type: &ListType,
    left: Vec<Evaluated<'data>>,
    right: Vec<Evaluated<'data>>,
    spend: &mut dyn FnMut(usize) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    if left.len() != right.len() {
        return Ok(false);
    }
    let right: Vec<Val<'data>> = right.into_iter().collect::<Result<_, _>>()?;
    for (index, item) in left.into_iter().enumerate() {
        let item = item?;
        let found = if *list_type == ListType::Atomic {
            right.get(index).map_or(Ok(false), |other| equal(&item, other, spend))?
        } else {
            // Sets and lists with keys have no order; as many items on both sides, none of them twice.
            contains(&right, &item, spend)?
        };
        if !found {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an item is in a list.
pub(crate) fn contains<'data>(
    items: &[Val<'data>],
    item: &Val<'data>,
    spend: &mut dyn FnMut(usize) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    for other in items {
        if equal(item, other, spend)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_maps<'data>(
    one: &Val<'data>,
    two: &Val<'data>,
    spend: &mut dyn FnMut(usize) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    if one.len() != two.len() {
        return Ok(false);
    }
    for key in one.keys().unwrap_or_default() {
        let same = match (one.entry(&key).flatten(), two.entry(&key).flatten()) {
            (Some(left), Some(right)) => equal(&left?, &right?, spend)?,
            _ => false,
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}
