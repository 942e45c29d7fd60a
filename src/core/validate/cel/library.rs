//! Which functions there are, and what they take and give. What is not here is refused when a rule is compiled.
//! Must not know how they work.
//!
//! Source: the CEL environment of Kubernetes 1.37, less what cannot be answered exactly as it does.

use super::types::Ty;

/// The shape of a parameter.
#[derive(Clone, Copy)]
enum Shape {
    Any,
    Bool,
    Int,
    UInt,
    Double,
    Text,
    Bytes,
    Duration,
    List,
    Texts,
    /// A list whose items have an order.
    Ordered,
    /// A list of numbers or durations.
    Summable,
    Map,
    Optional,
    Library(&'static str),
}

/// What a function gives.
#[derive(Clone, Copy)]
enum Gives {
    Ty(Shape),
    Dyn,
    Kind,
    Timestamp,
    /// The type of the receiver's items, or of what an optional holds.
    Inner,
    /// An optional of the first argument.
    OptionalArg,
}

type Row = (&'static str, Option<Shape>, &'static [Shape], Gives);

const QUANTITY: Shape = Shape::Library("quantity");

use Gives::{Dyn, Inner, Kind, OptionalArg, Timestamp, Ty as Is};
use Shape::{Any, Bool, Bytes, Double, Duration, Int, List, Map, Optional, Ordered, Summable, Text, Texts, UInt};

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("size", None, &[Text], Is(Int)), ("size", None, &[Bytes], Is(Int)),
    ("size", None, &[List], Is(Int)), ("size", None, &[Map], Is(Int)),
    ("size", Some(Text), &[], Is(Int)), ("size", Some(Bytes), &[], Is(Int)),
    ("size", Some(List), &[], Is(Int)), ("size", Some(Map), &[], Is(Int)),
    ("contains", Some(Text), &[Text], Is(Bool)),
    ("startsWith", Some(Text), &[Text], Is(Bool)),
    ("endsWith", Some(Text), &[Text], Is(Bool)),
    ("matches", Some(Text), &[Text], Is(Bool)),
    ("find", Some(Text), &[Text], Is(Text)),
    ("findAll", Some(Text), &[Text], Is(Texts)), ("findAll", Some(Text), &[Text, Int], Is(Texts)),
    ("charAt", Some(Text), &[Int], Is(Text)),
    ("indexOf", Some(Text), &[Text], Is(Int)), ("indexOf", Some(Text), &[Text, Int], Is(Int)),
    ("lastIndexOf", Some(Text), &[Text], Is(Int)), ("lastIndexOf", Some(Text), &[Text, Int], Is(Int)),
    ("lowerAscii", Some(Text), &[], Is(Text)), ("upperAscii", Some(Text), &[], Is(Text)),
    ("trim", Some(Text), &[], Is(Text)),
    ("replace", Some(Text), &[Text, Text], Is(Text)), ("replace", Some(Text), &[Text, Text, Int], Is(Text)),
    ("split", Some(Text), &[Text], Is(Texts)), ("split", Some(Text), &[Text, Int], Is(Texts)),
    ("substring", Some(Text), &[Int], Is(Text)), ("substring", Some(Text), &[Int, Int], Is(Text)),
    ("join", Some(Texts), &[], Is(Text)), ("join", Some(Texts), &[Text], Is(Text)),
    ("isSorted", Some(Ordered), &[], Is(Bool)),
    ("min", Some(Ordered), &[], Inner), ("max", Some(Ordered), &[], Inner),
    ("sum", Some(Summable), &[], Inner),
    ("indexOf", Some(List), &[Any], Is(Int)), ("lastIndexOf", Some(List), &[Any], Is(Int)),
    ("sets.contains", None, &[List, List], Is(Bool)),
    ("sets.intersects", None, &[List, List], Is(Bool)),
    ("sets.equivalent", None, &[List, List], Is(Bool)),
    ("int", None, &[Int], Is(Int)), ("int", None, &[UInt], Is(Int)),
    ("int", None, &[Double], Is(Int)), ("int", None, &[Text], Is(Int)),
    ("uint", None, &[UInt], Is(UInt)), ("uint", None, &[Int], Is(UInt)),
    ("uint", None, &[Double], Is(UInt)), ("uint", None, &[Text], Is(UInt)),
    ("double", None, &[Double], Is(Double)), ("double", None, &[Int], Is(Double)),
    ("double", None, &[UInt], Is(Double)), ("double", None, &[Text], Is(Double)),
    ("string", None, &[Text], Is(Text)), ("string", None, &[Int], Is(Text)),
    ("string", None, &[UInt], Is(Text)), ("string", None, &[Double], Is(Text)),
    ("string", None, &[Bool], Is(Text)),
    ("bytes", None, &[Text], Is(Bytes)), ("bytes", None, &[Bytes], Is(Bytes)),
    ("dyn", None, &[Any], Dyn), ("type", None, &[Any], Kind),
    ("duration", None, &[Text], Is(Duration)), ("timestamp", None, &[Text], Timestamp),
    ("getHours", Some(Duration), &[], Is(Int)), ("getMinutes", Some(Duration), &[], Is(Int)),
    ("getSeconds", Some(Duration), &[], Is(Int)), ("getMilliseconds", Some(Duration), &[], Is(Int)),
    ("hasValue", Some(Optional), &[], Is(Bool)), ("value", Some(Optional), &[], Inner),
    ("orValue", Some(Optional), &[Any], Inner),
    ("optional.of", None, &[Any], OptionalArg), ("optional.none", None, &[], Is(Optional)),
    ("quantity", None, &[Text], Is(QUANTITY)), ("isQuantity", None, &[Text], Is(Bool)),
    ("isInteger", Some(QUANTITY), &[], Is(Bool)), ("asInteger", Some(QUANTITY), &[], Is(Int)),
    ("asApproximateFloat", Some(QUANTITY), &[], Is(Double)),
    ("isGreaterThan", Some(QUANTITY), &[QUANTITY], Is(Bool)), ("isLessThan", Some(QUANTITY), &[QUANTITY], Is(Bool)),
    ("compareTo", Some(QUANTITY), &[QUANTITY], Is(Int)),
    ("add", Some(QUANTITY), &[QUANTITY], Is(QUANTITY)), ("add", Some(QUANTITY), &[Int], Is(QUANTITY)),
    ("sub", Some(QUANTITY), &[QUANTITY], Is(QUANTITY)), ("sub", Some(QUANTITY), &[Int], Is(QUANTITY)),
];

impl Shape {
    fn takes(self, ty: &Ty<'_>) -> bool {
        let item = |wanted: &dyn Fn(&Ty<'_>) -> bool| matches!(ty, Ty::List(item) if item.is_dyn() || wanted(item));
        let ordered = |ty: &Ty<'_>| {
            ty.is_number() || matches!(ty, Ty::Bool | Ty::Text | Ty::Bytes | Ty::Duration | Ty::Timestamp)
        };
        ty.is_dyn()
            || match self {
                Self::Any => true,
                Self::Bool => matches!(ty, Ty::Bool),
                Self::Int => matches!(ty, Ty::Int),
                Self::UInt => matches!(ty, Ty::UInt),
                Self::Double => matches!(ty, Ty::Double),
                Self::Text => matches!(ty, Ty::Text),
                Self::Bytes => matches!(ty, Ty::Bytes),
                Self::Duration => matches!(ty, Ty::Duration),
                Self::List => matches!(ty, Ty::List(_)),
                Self::Texts => item(&|item| matches!(item, Ty::Text)),
                Self::Ordered => item(&ordered),
                Self::Summable => item(&|item| item.is_number() || matches!(item, Ty::Duration)),
                Self::Map => matches!(ty, Ty::Map(..)),
                Self::Optional => matches!(ty, Ty::Optional(_)),
                Self::Library(name) => matches!(ty, Ty::Library(found) if *found == name),
            }
    }

    fn ty<'node>(self) -> Ty<'node> {
        match self {
            Self::Bool => Ty::Bool,
            Self::Int => Ty::Int,
            Self::UInt => Ty::UInt,
            Self::Double => Ty::Double,
            Self::Text => Ty::Text,
            Self::Bytes => Ty::Bytes,
            Self::Duration => Ty::Duration,
            Self::Texts => Ty::List(Box::new(Ty::Text)),
            Self::Optional => Ty::Optional(Box::new(Ty::Dyn)),
            Self::Library(name) => Ty::Library(name),
            Self::Any | Self::List | Self::Ordered | Self::Summable | Self::Map => Ty::Dyn,
        }
    }
}

/// Whether any function has this name.
pub(super) fn exists(name: &str) -> bool {
    ROWS.iter().any(|(row, ..)| *row == name)
}

/// The type that a call gives; none if the function does not take these types.
pub(super) fn result<'node>(name: &str, target: Option<&Ty<'node>>, args: &[Ty<'node>]) -> Option<Ty<'node>> {
    let fits = |(row, receiver, params, _): &&Row| {
        *row == name
            && params.len() == args.len()
            && match (receiver, target) {
                (None, None) => true,
                (Some(shape), Some(ty)) => shape.takes(ty),
                _ => false,
            }
            && params.iter().zip(args).all(|(shape, ty)| shape.takes(ty))
    };
    let (_, receiver, _, gives) = ROWS.iter().find(fits)?;
    let inner = match target {
        Some(Ty::List(inner) | Ty::Optional(inner)) => (**inner).clone(),
        _ => Ty::Dyn,
    };
    // What is looked for in a list, or stands in for a missing value, is of its type.
    let alike = matches!(receiver, Some(List | Optional));
    if alike && args.iter().any(|arg| !arg.fits(&inner)) {
        return None;
    }
    if let [Ty::List(one), Ty::List(two)] = args
        && target.is_none()
        && !one.fits(two)
    {
        return None;
    }
    Some(match gives {
        Is(shape) => shape.ty(),
        Dyn => Ty::Dyn,
        Kind => Ty::Kind,
        Timestamp => Ty::Timestamp,
        Inner => inner,
        OptionalArg => Ty::Optional(Box::new(args.first().cloned().unwrap_or(Ty::Dyn))),
    })
}
