//! Which values are secret, by where they stand, and how a value is shown without them.
//! Must not know what shows them. In doubt a value is hidden: names are compared without regard to case.

use crate::diff::Guide;
use crate::value::{Path, Segment, Value};

mod pattern;

pub use pattern::PathPattern;

/// What stands in the place of a secret.
pub const REDACTED: &str = "(redacted)";

/// The patterns of [`Redaction::usual`]: names that secrets usually have.
pub const USUAL_NAMES: [&str; 12] = [
    "**.*password*",
    "**.*passwd*",
    "**.*passphrase*",
    "**.*secret*",
    "**.*token*",
    "**.*credential*",
    "**.*private?key*",
    "**.*privatekey*",
    "**.*api?key*",
    "**.*apikey*",
    "**.*access?key*",
    "**.*signing?key*",
];

/// Which values are hidden: those that a pattern names, those that the schema calls secret, and all below them.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    patterns: Vec<PathPattern>,
    guide: Guide,
}

impl Redaction {
    /// Hides nothing. For those who may see everything.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Hides what bears one of the [`USUAL_NAMES`].
    #[must_use]
    pub fn usual() -> Self {
        let patterns = USUAL_NAMES.iter().filter_map(|text| PathPattern::parse(text).ok());
        Self { patterns: patterns.collect(), guide: Guide::default() }
    }

    /// Hides what these patterns name as well.
    ///
    /// ```
    /// use rekindle_core::redact::{PathPattern, Redaction};
    /// use rekindle_core::value::Path;
    ///
    /// let redaction = Redaction::none().and_patterns([PathPattern::parse("database.*.key").unwrap()]);
    /// assert!(redaction.hides(&Path::root().key("database").key("main").key("key")));
    /// assert!(!redaction.hides(&Path::root().key("database").key("main").key("host")));
    /// ```
    #[must_use]
    pub fn and_patterns(mut self, patterns: impl IntoIterator<Item = PathPattern>) -> Self {
        self.patterns.extend(patterns);
        self
    }

    /// Hides what a schema calls secret as well, by `x-rekindle-secret`.
    #[must_use]
    pub fn and_guide(mut self, guide: Guide) -> Self {
        self.guide = self.guide.join(guide);
        self
    }

    /// Whether the value at this path is hidden: it, or something that it lies in, is secret.
    #[must_use]
    pub fn hides(&self, path: &Path) -> bool {
        let segments = path.segments();
        self.guide.secret_on_the_way(segments)
            || (1..=segments.len()).filter_map(|length| segments.get(..length)).any(|way| self.names(way))
    }

    /// A copy of the value in which [`REDACTED`] stands for every secret; `path` says where the value stands.
    #[must_use]
    pub fn shown(&self, path: &Path, value: &Value) -> Value {
        if self.hides(path) {
            return Value::from(REDACTED);
        }
        let mut way = path.segments().to_vec();
        self.copy(&mut way, value)
    }

    /// Copies a value that is not hidden itself.
    fn copy(&self, way: &mut Vec<Segment>, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let copied =
                    map.iter().map(|(key, value)| (key.clone(), self.copy_step(way, Segment::Key(key.clone()), value)));
                copied.collect()
            }
            Value::Array(list) => {
                let copied =
                    list.iter().enumerate().map(|(index, value)| self.copy_step(way, Segment::Index(index), value));
                copied.collect()
            }
            scalar => scalar.clone(),
        }
    }

    fn copy_step(&self, way: &mut Vec<Segment>, segment: Segment, value: &Value) -> Value {
        way.push(segment);
        let hidden = self.guide.secret_on_the_way(way) || self.names(way);
        let copy = if hidden { Value::from(REDACTED) } else { self.copy(way, value) };
        way.pop();
        copy
    }

    fn names(&self, way: &[Segment]) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(way))
    }
}

#[cfg(test)]
mod tests;
