//! The text form of a path, taken apart step by step without copying: what every read by path pays.
//! Must not look at values.

use std::borrow::Cow;

use super::Segment;

/// One step, borrowed from the text wherever it is written plainly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'text> {
    Key(Cow<'text, str>),
    Index(usize),
}

impl From<Step<'_>> for Segment {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Key(key) => Self::Key(key.into_owned()),
            Step::Index(index) => Self::Index(index),
        }
    }
}

/// Why a text is not a path. The text is a name and no value, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a path: write it as `tls.cert`, `pools[0].size` or `[\"a.b\"].c`")]
pub struct InvalidPath {
    /// The offending text, shortened to 80 characters.
    pub text: String,
}

/// The steps of a path text; after the first step that cannot be read there is no other.
#[derive(Debug, Clone)]
pub(crate) struct Steps<'text> {
    text: &'text str,
    rest: &'text str,
}

impl<'text> Steps<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self { text, rest: text }
    }

    fn step(&mut self) -> Option<Step<'text>> {
        if let Some(inside) = self.rest.strip_prefix('[') {
            let (step, after) = brackets(inside)?;
            self.rest = after;
            return Some(step);
        }
        let at_start = self.rest.len() == self.text.len();
        let word = match self.rest.strip_prefix('.') {
            Some(word) => word,
            None if at_start => self.rest,
            None => return None,
        };
        let end = word.bytes().position(|byte| byte == b'.' || byte == b'[').unwrap_or(word.len());
        let (key, after) = word.split_at_checked(end)?;
        self.rest = after;
        if key.is_empty() { None } else { Some(Step::Key(Cow::Borrowed(key))) }
    }
}

impl<'text> Iterator for Steps<'text> {
    type Item = Result<Step<'text>, InvalidPath>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let step = self.step();
        if step.is_none() {
            self.rest = "";
        }
        Some(step.ok_or_else(|| InvalidPath { text: self.text.chars().take(80).collect() }))
    }
}

/// `0]` or `"a.b"]` and what follows.
fn brackets(text: &str) -> Option<(Step<'_>, &str)> {
    if text.starts_with('"') {
        let mut texts = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let key = texts.next()?.ok()?;
        let after = text.get(texts.byte_offset()..)?.strip_prefix(']')?;
        return Some((Step::Key(Cow::Owned(key)), after));
    }
    let (index, after) = text.split_once(']')?;
    let plain = index.bytes().all(|byte| byte.is_ascii_digit());
    Some((Step::Index(index.parse().ok().filter(|_| plain)?), after))
}
