//! What the line formats `.env` and `.properties` have in common: a list of keys and texts, each with its place.
//! Must not know the grammar of either.

use std::fmt;

use super::problem::Problems;

/// One `key=value`, with its places in bytes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) key: String,
    pub(super) key_at: usize,
    pub(super) value: String,
    pub(super) value_at: usize,
}

/// The key and the places, never the value.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} at {}, value at {})", self.key, self.key_at, self.value_at)
    }
}

/// All that a text holds, in its order, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) problems: Problems,
}
