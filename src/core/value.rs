//! Typed values and the paths that lead to them.
//! Must not know formats; a value looks the same whether it came from YAML, JSON, TOML, `.env` or properties.

use std::fmt;

mod steps;

pub use steps::InvalidPath;
pub(crate) use steps::{Step, Steps};

/// A typed value. Maps are compared without regard to order; whoever shows one sorts the keys.
pub use serde_json::Value;

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Into a map.
    Key(String),
    /// Into a list, beginning with 0.
    Index(usize),
}

/// Where a value stands inside a document or the merged tree; the empty path is the root.
///
/// Shown as `database.pools[0].size`; keys that are not plain words are shown as `["a.b"]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Path(Vec<Segment>);

impl Path {
    /// The path of the whole document.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads the text form, as it is shown; the empty text is the root.
    ///
    /// # Errors
    /// [`InvalidPath`] for a text that cannot be taken apart.
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        Steps::new(text).map(|step| step.map(Segment::from)).collect::<Result<Vec<_>, _>>().map(Self)
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.with(Segment::Key(key.into()))
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// The steps from the root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without its last step; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// The value at this path, if there is one.
    #[must_use]
    pub fn find<'value>(&self, value: &'value Value) -> Option<&'value Value> {
        self.0.iter().try_fold(value, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Index(index) => value.get(index),
        })
    }
}

impl FromIterator<Segment> for Path {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) && position == 0 => f.write_str(key)?,
                Segment::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// The word for a value's type, as schemas use it.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Lays `over` over `base`: maps are merged key by key, anything else is replaced whole.
pub fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(existing) => merge(existing, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_read_like_field_paths() {
        let path = Path::root().key("database").key("pools").index(0).key("size");
        assert_eq!(path.to_string(), "database.pools[0].size");
        assert_eq!(Path::root().key("a.b").key("c").to_string(), "[\"a.b\"].c");
        assert_eq!(Path::root().to_string(), "");
        assert_eq!(path.parent().map(|parent| parent.to_string()), Some("database.pools[0]".to_owned()));
        assert!(Path::root().parent().is_none());
    }

    #[test]
    fn paths_are_read_as_they_are_shown() {
        for text in ["a", "a.b", "a[0].b", "[\"a.b\"].c", "a[\"x\\\"]y\"][2]", "a-b.c_d", ""] {
            assert_eq!(Path::parse(text).map(|path| path.to_string()).as_deref(), Ok(text));
        }
        for text in [
            ".",
            "a.",
            "a..b",
            ".a.",
            "a[",
            "a[0",
            "a[x]",
            "a[+1]",
            "a[\"x\"",
            "a[\"x]",
            "a[0]b",
            "a[99999999999999999999]",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_finds_its_value() {
        let value = json!({"a": [{"b": 1}]});
        let path = Path::root().key("a").index(0).key("b");
        assert_eq!(path.find(&value), Some(&json!(1)));
        assert_eq!(path.key("c").find(&value), None);
        assert_eq!(Path::root().index(0).find(&value), None);
    }

    #[test]
    fn later_values_lie_over_earlier_ones() {
        let mut base = json!({"a": {"x": 1, "y": [1, 2]}, "b": 1});
        merge(&mut base, json!({"a": {"y": [3], "z": 2}, "b": {"c": 1}}));
        assert_eq!(base, json!({"a": {"x": 1, "y": [3], "z": 2}, "b": {"c": 1}}));
    }
}
