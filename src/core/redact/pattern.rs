//! Patterns that name secrets: those of [`crate::subscribe`], compared without regard to case.
//! Must not know what they are used for.

use std::fmt;

use crate::subscribe::{InvalidPattern, Pattern};
use crate::value::{Path, Segment};

/// A pattern over paths, compared without regard to case. Its language is the one of [`crate::subscribe`].
///
/// ```
/// use rekindle_core::redact::PathPattern;
/// use rekindle_core::value::Path;
///
/// let pattern = PathPattern::parse("users[*].pass*").unwrap();
/// assert!(pattern.matches(Path::root().key("users").index(3).key("Password").segments()));
/// assert!(!pattern.matches(Path::root().key("users").key("password").segments()));
/// ```
#[derive(Debug, Clone)]
pub struct PathPattern {
    text: String,
    pattern: Pattern,
    /// An expression ignores case by itself; for all others pattern and path are brought to lower case.
    folds: bool,
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`InvalidPattern`], as for subscriptions.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let (pattern, folds) = match text.strip_prefix("re:") {
            Some(expression) => (Pattern::parse(&format!("re:(?i){expression}"))?, false),
            None => (Pattern::parse(&text.to_lowercase())?, true),
        };
        Ok(Self { text: text.to_owned(), pattern, folds })
    }

    /// Whether it names the place that these steps lead to.
    #[must_use]
    pub fn matches(&self, way: &[Segment]) -> bool {
        let path: Path = way.iter().map(|segment| self.folded(segment)).collect();
        self.pattern.matches(&path)
    }

    fn folded(&self, segment: &Segment) -> Segment {
        match segment {
            Segment::Key(key) if self.folds => Segment::Key(key.to_lowercase()),
            other => other.clone(),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
