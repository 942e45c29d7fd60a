//! A structural schema, compiled: what a value at one place must satisfy.
//! Must not know how it was written down, nor how values are checked.

use std::collections::BTreeMap;

use super::formats::Format;
use super::pattern::Pattern;
use crate::value::Value;

/// The types of OpenAPI v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean]
            .into_iter()
            .find(|candidate| candidate.as_str() == text)
    }
}

/// What values of a map may be, for keys that `properties` does not name.
#[derive(Debug, Default)]
pub(crate) enum Additional {
    /// Not said: such keys are unknown.
    #[default]
    Unset,
    /// `true`: any key, whose own value has no schema.
    Any,
    /// `false`: no other key, whatever `unknownFields` says.
    None,
    /// A schema for each.
    Schema(Box<Node>),
}

/// How a list is meant.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum ListType {
    #[default]
    Atomic,
    Set,
    /// With the names of the keys that identify an item.
    Map(Vec<String>),
}

/// A bound on numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) exclusive: bool,
}

/// Inclusive bounds on a count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
}

/// Constraints on numbers.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) minimum: Option<Bound>,
    pub(crate) maximum: Option<Bound>,
    pub(crate) multiple_of: Option<f64>,
}

/// One schema node. Below a junctor (`allOf`, `anyOf`, `oneOf`, `not`) it only constrains values: no type, no default.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) kind: Option<Type>,
    pub(crate) int_or_string: bool,
    pub(crate) nullable: bool,
    pub(crate) preserve_unknown: bool,
    /// Whether the value, and all in it, is kept out of what people are shown.
    pub(crate) secret: bool,
    pub(crate) default: Option<Value>,
    pub(crate) format: Option<Format>,
    pub(crate) numbers: Numbers,
    pub(crate) length: Counts,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) item_count: Counts,
    pub(crate) unique_items: bool,
    pub(crate) list_type: ListType,
    pub(crate) key_count: Counts,
    pub(crate) required: Vec<String>,
    pub(crate) allowed: Option<Vec<Value>>,
    pub(crate) properties: BTreeMap<String, Node>,
    pub(crate) additional: Additional,
    pub(crate) items: Option<Box<Node>>,
    pub(crate) all_of: Vec<Node>,
    pub(crate) any_of: Vec<Node>,
    pub(crate) one_of: Vec<Node>,
    pub(crate) not: Option<Box<Node>>,
}

impl Node {
    /// A node that allows anything.
    pub(crate) fn anything() -> Self {
        Self { preserve_unknown: true, ..Self::default() }
    }

    /// The schema for the value of a key, if there is one.
    pub(crate) fn child(&self, key: &str) -> Option<&Self> {
        match (self.properties.get(key), &self.additional) {
            (Some(node), _) => Some(node),
            (None, Additional::Schema(node)) => Some(node),
            (None, _) => None,
        }
    }

    /// Whether it names the keys of its maps, or says that there may be any.
    pub(crate) fn knows_key(&self, key: &str) -> bool {
        self.properties.contains_key(key) || matches!(self.additional, Additional::Any | Additional::Schema(_))
    }

    /// The names of the types it takes, for people.
    pub(crate) fn type_words(&self) -> &'static str {
        match self.kind {
            Some(kind) => kind.as_str(),
            None if self.int_or_string => "integer or string",
            None => "any",
        }
    }
}
