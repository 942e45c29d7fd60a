//! One pattern over the paths of a tree.
//! Must not know who subscribes with it.

use std::fmt;
use std::str::FromStr;

use super::expression::Expression;
use super::glob::{self, Part};
use crate::value::{Path, Segment};

/// The longest text of a pattern, in bytes.
pub const MAX_PATTERN: usize = 1024;
/// The most steps of a pattern.
const MAX_PARTS: usize = 64;

/// Which paths somebody wants to hear of. See the table in [`crate::subscribe`].
///
/// ```
/// use rekindle_core::subscribe::Pattern;
/// use rekindle_core::value::Path;
///
/// let pattern: Pattern = "database.**".parse().unwrap();
/// assert!(pattern.matches(&Path::root().key("database").key("pool").key("size")));
/// assert!(!pattern.matches(&Path::root().key("databases")));
/// ```
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Exact(Vec<Segment>),
    Below(Vec<Segment>),
    Glob { prefix: Vec<Segment>, parts: Vec<Part> },
    Expression(Expression),
}

/// Why a text is no pattern. Patterns are names and no values, so the text may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a pattern over paths: {problem}")]
pub struct InvalidPattern {
    /// The text, cut to 80 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Pattern {
    /// Exactly this path.
    #[must_use]
    pub fn exact(path: &Path) -> Self {
        Self { text: path.to_string(), kind: Kind::Exact(path.segments().to_vec()) }
    }

    /// This path and everything below it; the root means everything.
    #[must_use]
    pub fn below(path: &Path) -> Self {
        let text = if path.is_root() { "**".to_owned() } else { format!("{path}.**") };
        Self { text, kind: Kind::Below(path.segments().to_vec()) }
    }

    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::below(&Path::root())
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// [`InvalidPattern`] for an empty text, one of more than [`MAX_PATTERN`] bytes or 64 steps, a step that cannot be
    /// read, and an expression that is broken or takes more than 64 KiB when compiled.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let refuse = |problem: String| InvalidPattern { text: text.chars().take(80).collect(), problem };
        if text.len() > MAX_PATTERN {
            return Err(refuse(format!("it has more than {MAX_PATTERN} bytes")));
        }
        let kind = if let Some(expression) = text.strip_prefix("re:") {
            Kind::Expression(Expression::compile(expression).map_err(refuse)?)
        } else if text == "*" {
            Kind::Below(Vec::new())
        } else {
            let parts = glob::parse(text).map_err(|problem| refuse(problem.to_owned()))?;
            if parts.len() > MAX_PARTS {
                return Err(refuse(format!("it has more than {MAX_PARTS} steps")));
            }
            simplest(parts)
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// Whether it means this path.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        let steps = path.segments();
        match &self.kind {
            Kind::Exact(wanted) => wanted == steps,
            Kind::Below(start) => steps.starts_with(start),
            Kind::Glob { prefix, parts } => steps.starts_with(prefix) && glob::matches(parts, steps),
            Kind::Expression(expression) => expression.matches(&path.to_string()),
        }
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The steps that every path begins with that it means.
    pub(super) fn prefix(&self) -> &[Segment] {
        match &self.kind {
            Kind::Exact(steps) | Kind::Below(steps) | Kind::Glob { prefix: steps, .. } => steps,
            Kind::Expression(_) => &[],
        }
    }
}

fn simplest(parts: Vec<Part>) -> Kind {
    let prefix: Vec<Segment> = parts.iter().map_while(Part::literal).collect();
    match parts.get(prefix.len()..) {
        None | Some([]) => Kind::Exact(prefix),
        Some([Part::Any]) => Kind::Below(prefix),
        Some(_) => Kind::Glob { prefix, parts },
    }
}

/// Two patterns are equal when they are written the same way.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
