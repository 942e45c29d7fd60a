//! Regular expressions over the text of a path, bounded in length, size and time.
//! The only place that names the library; it runs in a time that grows with the text times the expression.

use regex_lite::{Regex, RegexBuilder};

/// The most that a compiled expression may take, in bytes.
const LARGEST: usize = 64 << 10;
/// How deep groups may be nested.
const DEEPEST: u32 = 32;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(super) struct Expression(Regex);

impl Expression {
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).size_limit(LARGEST).nest_limit(DEEPEST).build();
        built.map(Self).map_err(|error| error.to_string())
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}
