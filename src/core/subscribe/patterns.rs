//! Several patterns of one subscriber: a path is meant when one of them means it.
//! Must not know who subscribes.

use std::fmt;
use std::str::FromStr;

use super::pattern::{InvalidPattern, Pattern};
use crate::value::Path;

/// The most patterns of one subscriber.
pub const MAX_PATTERNS: usize = 64;

/// One to [`MAX_PATTERNS`] patterns, written with `;` between them: `database.**; re:^feature\..*`.
///
/// An expression cannot hold a `;`; write `\x3b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self(vec![Pattern::everything()])
    }

    /// Reads a list of patterns; spaces around each do not count.
    ///
    /// # Errors
    /// [`InvalidPattern`] for the first that cannot be read, and for more than [`MAX_PATTERNS`].
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let patterns = text.split(';').map(|text| Pattern::parse(text.trim())).collect::<Result<Vec<_>, _>>()?;
        Self::try_from(patterns)
    }

    /// Whether one of them means this path.
    #[must_use]
    pub fn matches(&self, path: &Path) -> bool {
        self.0.iter().any(|pattern| pattern.matches(path))
    }

    /// The patterns.
    pub fn iter(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter()
    }
}

impl From<Pattern> for Patterns {
    fn from(pattern: Pattern) -> Self {
        Self(vec![pattern])
    }
}

impl TryFrom<Vec<Pattern>> for Patterns {
    type Error = InvalidPattern;

    fn try_from(patterns: Vec<Pattern>) -> Result<Self, Self::Error> {
        let problem = match patterns.len() {
            0 => "there is none".to_owned(),
            count if count > MAX_PATTERNS => format!("there are more than {MAX_PATTERNS}"),
            _ => return Ok(Self(patterns)),
        };
        Err(InvalidPattern { text: String::new(), problem })
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, pattern) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{pattern}")?;
        }
        Ok(())
    }
}

impl FromStr for Patterns {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
