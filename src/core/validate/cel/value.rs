//! The values that rules compute with. What comes from a configuration is only looked at, never copied.
//! Must not know expressions.

use std::collections::BTreeMap;
use std::rc::Rc;

use kube_cel::cel;

use super::super::formats::{self, Format, TextFormat};
use super::super::schema::{ListType, Node, Type};
use super::types;
use crate::value::Value;

/// A value.
#[derive(Clone)]
pub(crate) enum Val<'data> {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Double(f64),
    Text(Text<'data>),
    Bytes(Rc<Vec<u8>>),
    /// In nanoseconds.
    Duration(i64),
    /// In nanoseconds since 1970.
    Timestamp(i128),
    Kind(&'static str),
    List(Rc<Vec<Val<'data>>>),
    Map(Rc<BTreeMap<Key, Val<'data>>>),
    /// A list or map of the configuration, with its schema.
    Data(&'data Value, Option<&'data Node>),
    Optional(Option<Rc<Val<'data>>>),
    /// A value of Kubernetes' own libraries.
    Library(&'static str, Rc<cel::Value>),
}

/// A text of the configuration, or one that was made.
#[derive(Clone)]
pub(crate) enum Text<'data> {
    Seen(&'data str),
    Made(Rc<str>),
}

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Seen(text) => text,
            Self::Made(text) => text,
        }
    }
}

/// The key of a map that a rule makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Bool(bool),
    /// Whole numbers of both kinds are one kind of key.
    Int(i128),
    Text(String),
}

/// Why a rule has no result. No message holds a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: &'static str,
    /// Not outweighed by the other side of `&&` and `||`.
    pub(crate) fatal: bool,
}

impl Failure {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, fatal: false }
    }

    pub(crate) fn overload() -> Self {
        Self::new("an operator or function does not take these types")
    }
}

pub(crate) type Evaluated<'data> = Result<Val<'data>, Failure>;

impl<'data> Val<'data> {
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(items))
    }

    /// A value of the configuration, read as its schema says.
    pub(crate) fn of(value: &'data Value, node: Option<&'data Node>) -> Evaluated<'data> {
        let wrong = Failure::new("a value is not of the type that the schema says");
        if node.is_some_and(|node| node.int_or_string) && !(value.is_string() || value.as_i64().is_some()) {
            return Err(wrong);
        }
        let node = node.filter(|node| !node.int_or_string);
        Ok(match (value, node.and_then(|node| node.kind)) {
            (Value::Null, _) => Self::Null,
            (Value::Bool(flag), None | Some(Type::Boolean)) => Self::Bool(*flag),
            (Value::Number(number), Some(Type::Number)) => Self::Double(number.as_f64().ok_or(wrong)?),
            (Value::Number(number), Some(Type::Integer)) => Self::Int(number.as_i64().ok_or(wrong)?),
            (Value::Number(number), None) => match number.as_i64() {
                Some(whole) => Self::Int(whole),
                None => Self::Double(number.as_f64().ok_or(wrong)?),
            },
            (Value::String(text), None) => Self::Text(Text::Seen(text)),
            (Value::String(text), Some(Type::String)) => formatted(text, node.and_then(|node| node.format))?,
            (Value::Array(_), None | Some(Type::Array)) | (Value::Object(_), None | Some(Type::Object)) => {
                Self::Data(value, node)
            }
            _ => return Err(wrong),
        })
    }

    /// The name of its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::UInt(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Kind(_) => "type",
            Self::List(_) | Self::Data(Value::Array(_), _) => "list",
            Self::Map(_) | Self::Data(..) => "map",
            Self::Optional(_) => "optional_type",
            Self::Library(name, _) => name,
        }
    }

    /// The items of a list; none for what is none.
    pub(crate) fn items(&self) -> Option<Vec<Evaluated<'data>>> {
        match self {
            Self::List(items) => Some(items.iter().cloned().map(Ok).collect()),
            Self::Data(Value::Array(items), node) => {
                let child = node.and_then(|node| node.items.as_deref());
                Some(items.iter().map(|item| Self::of(item, child)).collect())
            }
            _ => None,
        }
    }

    /// The keys of a map.
    pub(crate) fn keys(&self) -> Option<Vec<Self>> {
        match self {
            Self::Map(entries) => Some(entries.keys().map(Key::value).collect()),
            Self::Data(Value::Object(fields), node) if object(*node).is_some() => {
                let named =
                    fields.keys().filter(|key| object(*node).is_some_and(|node| node.properties.contains_key(*key)));
                Some(named.filter_map(|key| types::escape(key)).map(Self::text).collect())
            }
            Self::Data(Value::Object(fields), _) => {
                Some(fields.keys().map(|key| Self::Text(Text::Seen(key))).collect())
            }
            _ => None,
        }
    }

    /// How many items or keys there are.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::List(items) => Some(items.len()),
            Self::Map(entries) => Some(entries.len()),
            Self::Data(Value::Array(items), _) => Some(items.len()),
            Self::Data(Value::Object(fields), _) => Some(fields.len()),
            _ => None,
        }
    }

    /// The value of a key in a map: `None` inside if it is not there, nothing if this is no map.
    pub(crate) fn entry(&self, key: &Val<'data>) -> Option<Option<Evaluated<'data>>> {
        match self {
            Self::Map(entries) => Some(Key::of(key).and_then(|key| entries.get(&key)).cloned().map(Ok)),
            Self::Data(Value::Object(fields), node) => {
                let Self::Text(key) = key else { return Some(None) };
                if let Some(node) = object(*node) {
                    // Fields may be escaped, and one that is null counts as absent.
                    let field = types::field(node, key.as_str());
                    return Some(field.and_then(|(key, child)| {
                        let value = fields.get(key).filter(|value| !value.is_null())?;
                        Some(Self::of(value, Some(child)))
                    }));
                }
                let child = node.and_then(|node| node.child(key.as_str()));
                Some(fields.get(key.as_str()).map(|value| Self::of(value, child)))
            }
            _ => None,
        }
    }

    /// How a list of the configuration is meant; lists that a rule makes are plain.
    pub(crate) fn list_type(&self) -> &'data ListType {
        match self {
            Self::Data(_, Some(node)) => &node.list_type,
            _ => &ListType::Atomic,
        }
    }
}

/// The schema, if it names fields; else keys are data.
fn object(node: Option<&Node>) -> Option<&Node> {
    node.filter(|node| !node.properties.is_empty())
}

fn formatted<'data>(text: &'data str, format: Option<Format>) -> Evaluated<'data> {
    let wrong = Failure::new("a text is not of its format, as rules read it");
    Ok(match format {
        Some(Format::Text(TextFormat::Duration)) => Val::Duration(formats::parse_duration(text).ok_or(wrong)?),
        Some(Format::Text(TextFormat::Date)) => {
            Val::Timestamp(i128::from(formats::parse_date(text).ok_or(wrong)?) * 86_400_000_000_000)
        }
        Some(Format::Text(TextFormat::DateTime)) => Val::Timestamp(formats::parse_date_time(text).ok_or(wrong)?),
        // The server reads the alphabet for URLs here, though the format demands the other one.
        Some(Format::Text(TextFormat::Byte)) => {
            Val::Bytes(Rc::new(decode(text).filter(|_| !text.contains(['+', '/'])).ok_or(wrong)?))
        }
        _ => Val::Text(Text::Seen(text)),
    })
}

/// Decodes base64 with padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        buffer = (buffer << 6 | u32::from(digit)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

impl Key {
    /// The key that a value makes; none for a type that cannot be one.
    pub(crate) fn of(value: &Val<'_>) -> Option<Self> {
        match value {
            Val::Bool(flag) => Some(Self::Bool(*flag)),
            Val::Int(number) => Some(Self::Int(i128::from(*number))),
            Val::UInt(number) => Some(Self::Int(i128::from(*number))),
            Val::Text(text) => Some(Self::Text(text.as_str().to_owned())),
            _ => None,
        }
    }

    fn value<'data>(&self) -> Val<'data> {
        match self {
            Self::Bool(flag) => Val::Bool(*flag),
            Self::Int(number) => match i64::try_from(*number) {
                Ok(number) => Val::Int(number),
                Err(_) => Val::UInt(u64::try_from(*number).unwrap_or(u64::MAX)),
            },
            Self::Text(text) => Val::text(text.as_str()),
        }
    }
}
