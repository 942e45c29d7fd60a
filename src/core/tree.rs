//! The tree as running programs hold it: parts that did not change are shared between one version and the next.
//! Must not know documents or formats; it is made from a [`Value`] and can be turned back into one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Number};

use crate::value::{InvalidPath, Path, Segment, Step, Steps, Value};

mod edit;
mod error;
mod read;

#[cfg(test)]
mod tests;

pub use edit::EditError;
pub use error::{ReadError, ReadProblem};
#[cfg(feature = "formats")]
pub(crate) use read::{as_boolean, as_number};

/// A value and all that lies below it; cheap to clone, never changed in place where somebody else holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum Tree {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits, or a finite one with a fraction.
    Number(Number),
    /// A text.
    Text(Arc<str>),
    /// A list.
    List(Arc<Vec<Tree>>),
    /// A map, sorted by key.
    Map(Arc<BTreeMap<Arc<str>, Tree>>),
}

/// Names the type, never a value.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => write!(f, "list of {}", items.len()),
            Self::Map(entries) => write!(f, "map of {}", entries.len()),
            scalar => f.write_str(scalar.type_name()),
        }
    }
}

impl Default for Tree {
    /// An empty map.
    fn default() -> Self {
        Self::Map(Arc::default())
    }
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.as_str().into()),
            Value::Array(items) => Self::List(Arc::new(items.iter().map(Self::from).collect())),
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| (key.as_str().into(), Self::from(value)));
                Self::Map(Arc::new(entries.collect()))
            }
        }
    }
}

impl Tree {
    /// The tree of a new value, which shares with this one every part that is the same in both.
    #[must_use]
    pub fn grown_to(&self, new: &Value) -> Self {
        let grown = match (self, new) {
            (Self::Map(old), Value::Object(new)) => Self::Map(Arc::new(grow_map(old, new))),
            (Self::List(old), Value::Array(new)) => {
                let pairs = new.iter().enumerate().map(|(index, new)| (old.get(index), new));
                Self::List(Arc::new(pairs.map(|(old, new)| grow(old, new)).collect()))
            }
            (Self::Text(old), Value::String(new)) if **old == **new => return self.clone(),
            (_, new) => return Self::from(new),
        };
        if self.holds_the_same(&grown) { self.clone() } else { grown }
    }

    /// Whether the direct children are the very same: for scalars by value, else by identity.
    fn holds_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|(a, b)| a.is(b))
            }
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.is(b)),
            _ => false,
        }
    }

    /// Whether this is the same part of memory, or the same scalar.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Map(a), Self::Map(b)) => Arc::ptr_eq(a, b),
            (Self::List(a), Self::List(b)) => Arc::ptr_eq(a, b),
            (Self::Text(a), Self::Text(b)) => Arc::ptr_eq(a, b),
            (a, b) => a == b,
        }
    }

    /// The same as a plain value, which shares nothing.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.as_ref().to_owned()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.as_ref().to_owned(), value.to_value()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// The part at a path, if there is one.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<&Self> {
        path.segments().iter().try_fold(self, |part, segment| match segment {
            Segment::Key(key) => part.child(key),
            Segment::Index(index) => part.item(*index),
        })
    }

    /// The part at a path in its text form, such as `database.pools[0].size`; the empty text is the root.
    ///
    /// # Errors
    /// The text is not a path. This is found out only as far as the tree reaches.
    pub fn find_text(&self, path: &str) -> Result<Option<&Self>, InvalidPath> {
        let mut part = self;
        for step in Steps::new(path) {
            let next = match step? {
                Step::Key(key) => part.child(&key),
                Step::Index(index) => part.item(index),
            };
            match next {
                Some(next) => part = next,
                None => return Ok(None),
            }
        }
        Ok(Some(part))
    }

    fn child(&self, key: &str) -> Option<&Self> {
        if let Self::Map(entries) = self { entries.get(key) } else { None }
    }

    fn item(&self, index: usize) -> Option<&Self> {
        if let Self::List(items) = self { items.get(index) } else { None }
    }

    /// The word for the type, as schemas use it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(number) if number.is_f64() => "number",
            Self::Number(_) => "integer",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }
}

fn grow(old: Option<&Tree>, new: &Value) -> Tree {
    old.map_or_else(|| Tree::from(new), |old| old.grown_to(new))
}

fn grow_map(old: &BTreeMap<Arc<str>, Tree>, new: &Map<String, Value>) -> BTreeMap<Arc<str>, Tree> {
    let grown = new.iter().map(|(key, value)| match old.get_key_value(key.as_str()) {
        Some((key, old)) => (key.clone(), old.grown_to(value)),
        None => (key.as_str().into(), Tree::from(value)),
    });
    grown.collect()
}
