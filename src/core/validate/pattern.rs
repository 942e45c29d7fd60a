//! Regular expressions as the API server reads them (Go's RE2 syntax), run by the `regex` crate.
//! A pattern is translated construct by construct; what Go refuses, and what has no exact equal here, is refused.
//! Must not know schemas.

use regex::{Regex, RegexBuilder};

mod classes;

/// The longest pattern, in bytes.
pub(crate) const MAX_PATTERN: usize = 4096;
/// Go's own limit for `{n,m}`, also for nested ones multiplied.
const MAX_REPEAT: u32 = 1000;
/// Compiled sizes, in bytes, and what a byte of text then costs in steps. The last is the most that is allowed.
const SIZES: [(usize, u64); 4] = [(16 << 10, 1), (128 << 10, 8), (1 << 20, 64), (4 << 20, 256)];
/// What matching may keep in memory for one pattern, in bytes.
const CACHE: usize = 128 << 10;
/// What all patterns of one schema may take together, in bytes.
pub(crate) const MAX_TOGETHER: usize = 128 << 20;
const MAX_GROUPS: usize = 64;

/// A compiled pattern. It matches anywhere in the text unless it is anchored.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    source: String,
    regex: Regex,
    size: usize,
    weight: u64,
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatternFault {
    /// The column in the pattern, beginning with 1, counting characters.
    pub(crate) column: u32,
    pub(crate) message: String,
}

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn compile(source: &str) -> Result<Self, PatternFault> {
        if source.len() > MAX_PATTERN {
            let message = format!("a pattern may have at most {MAX_PATTERN} bytes");
            return Err(PatternFault { column: 1, message });
        }
        let translated = Translator::new(source).run()?;
        for (size, weight) in SIZES {
            match RegexBuilder::new(&translated).size_limit(size).dfa_size_limit(CACHE).nest_limit(200).build() {
                Ok(regex) => return Ok(Self { source: source.to_owned(), regex, size: size + CACHE, weight }),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(_) => {
                    return Err(PatternFault {
                        column: 1,
                        message: "the pattern is not a valid expression".to_owned(),
                    });
                }
            }
        }
        Err(PatternFault { column: 1, message: "the pattern is too large when compiled".to_owned() })
    }

    /// The pattern as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The compiled expression.
    pub(crate) fn regex(&self) -> &Regex {
        &self.regex
    }

    /// What it may take in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// How many steps matching a text of this length is worth.
    pub(crate) fn cost(&self, text: &str) -> u64 {
        (text.len() as u64 + 1) * self.weight
    }
}

struct Translator {
    text: Vec<char>,
    at: usize,
    out: String,
    /// Whether the last thing can be repeated, and by how much it is already.
    last: Last,
    groups: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq)]
enum Last {
    /// Nothing to repeat: the start, after `(` or `|`.
    Nothing,
    /// An atom that repeats what is inside it this often.
    Atom(u32),
    /// A repetition already.
    Repeated(u32),
}

type Step = Result<(), PatternFault>;

impl Translator {
    fn new(source: &str) -> Self {
        let text = source.chars().collect();
        Self { text, at: 0, out: String::new(), last: Last::Nothing, groups: Vec::new() }
    }

    fn run(mut self) -> Result<String, PatternFault> {
        // The outermost entry collects repetitions that belong to no group.
        self.groups.push(1);
        while let Some(c) = self.peek() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => self.close()?,
                '|' => {
                    self.push_raw('|');
                    self.last = Last::Nothing;
                }
                '*' | '+' | '?' => self.repeat_by(c)?,
                '{' => self.braces()?,
                '^' | '$' | '.' => {
                    self.push_raw(c);
                    self.atom(1);
                }
                _ => {
                    self.at += 1;
                    self.literal(c);
                }
            }
        }
        if self.groups.len() > 1 {
            return Err(self.fault("a `(` is not closed"));
        }
        Ok(self.out)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn peek_at(&self, offset: usize) -> Option<char> {
        self.text.get(self.at + offset).copied()
    }

    fn looking_at(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(offset, c)| self.peek_at(offset) == Some(c))
    }

    fn fault(&self, message: impl Into<String>) -> PatternFault {
        PatternFault { column: u32::try_from(self.at + 1).unwrap_or(u32::MAX), message: message.into() }
    }

    fn push_raw(&mut self, c: char) {
        self.out.push(c);
        self.at += 1;
    }

    fn atom(&mut self, repeats: u32) {
        self.last = Last::Atom(repeats);
        self.note(repeats);
    }

    /// The group around keeps the largest repetition inside it.
    fn note(&mut self, repeats: u32) {
        if let Some(group) = self.groups.last_mut() {
            *group = (*group).max(repeats);
        }
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
        self.atom(1);
    }

    fn open(&mut self) -> Step {
        if self.groups.len() > MAX_GROUPS {
            return Err(self.fault("groups are nested too deep"));
        }
        if self.peek_at(1) != Some('?') {
            self.push_raw('(');
        } else if self.looking_at("(?P<") || self.looking_at("(?<") {
            self.named_group()?;
        } else if !self.flags()? {
            return Ok(());
        }
        self.groups.push(1);
        self.last = Last::Nothing;
        Ok(())
    }

    fn named_group(&mut self) -> Step {
        let start = if self.looking_at("(?P<") { 4 } else { 3 };
        let name: String = self.text.iter().skip(self.at + start).take_while(|c| **c != '>').collect();
        let valid = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid || self.peek_at(start + name.chars().count()) != Some('>') {
            return Err(self.fault("a group has no valid name"));
        }
        // Names are not used here, and the two syntaxes differ in which they allow.
        self.out.push('(');
        self.at += start + name.chars().count() + 1;
        Ok(())
    }

    /// `(?i)` or `(?i:`; true if a group was opened.
    fn flags(&mut self) -> Result<bool, PatternFault> {
        let rest: String = self.text.iter().skip(self.at + 2).take_while(|c| !matches!(c, ')' | ':')).collect();
        let length = rest.chars().count();
        let end = self.peek_at(2 + length);
        let (on, off) = match rest.split_once('-') {
            Some((_, "")) => return Err(self.fault("`(?` is followed by no flag of Go's")),
            Some((on, off)) => (on, off),
            None => (rest.as_str(), ""),
        };
        let known = |flags: &str| flags.chars().all(|c| "imsU".contains(c));
        let opens = end == Some(':');
        if end.is_none() || !known(on) || !known(off) || (rest.is_empty() && !opens) {
            return Err(self.fault("`(?` is followed by no flag of Go's; look-around is not supported"));
        }
        self.out.push_str("(?");
        self.out.push_str(&dedup(on));
        if !off.is_empty() {
            self.out.push('-');
            self.out.push_str(&dedup(off));
        }
        self.out.push(if opens { ':' } else { ')' });
        self.at += 3 + length;
        Ok(opens)
    }

    fn close(&mut self) -> Step {
        if self.groups.len() < 2 {
            return Err(self.fault("a `)` has no `(`"));
        }
        let inside = self.groups.pop().unwrap_or(1);
        self.push_raw(')');
        self.atom(inside);
        Ok(())
    }

    fn repeat_by(&mut self, operator: char) -> Step {
        let inside = self.repeatable()?;
        self.push_raw(operator);
        self.lazy();
        self.last = Last::Repeated(inside);
        Ok(())
    }

    fn repeatable(&self) -> Result<u32, PatternFault> {
        match self.last {
            Last::Atom(inside) => Ok(inside),
            Last::Nothing => Err(self.fault("there is nothing to repeat")),
            Last::Repeated(_) => Err(self.fault("a repetition cannot be repeated")),
        }
    }

    fn lazy(&mut self) {
        if self.peek() == Some('?') {
            self.push_raw('?');
        }
    }

    fn braces(&mut self) -> Step {
        let inner: String = self.text.iter().skip(self.at + 1).take_while(|c| **c != '}').collect();
        let closed = self.peek_at(1 + inner.chars().count()) == Some('}');
        let Some((min, max)) = counts(&inner).filter(|_| closed) else {
            // Go takes a brace that is no repetition for itself.
            self.at += 1;
            self.literal('{');
            return Ok(());
        };
        let inside = self.repeatable()?;
        let most = max.unwrap_or(min).max(min).max(1);
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) || inside * most > MAX_REPEAT {
            return Err(self.fault(format!("a repetition goes from 0 to {MAX_REPEAT}, nested ones multiplied")));
        }
        self.out.push('{');
        self.out.push_str(&inner);
        self.out.push('}');
        self.at += inner.chars().count() + 2;
        self.lazy();
        self.note(inside * most);
        self.last = Last::Repeated(inside * most);
        Ok(())
    }
}

/// Writes a character so that it stands for itself, inside and outside of classes.
fn push_literal(out: &mut String, c: char) {
    // `\<` and `\>` would be word boundaries.
    if c.is_ascii_punctuation() && c != '<' && c != '>' {
        out.push('\\');
    }
    out.push(c);
}

/// The regex crate refuses a flag that is given twice.
fn dedup(flags: &str) -> String {
    let mut seen = String::new();
    for c in flags.chars() {
        if !seen.contains(c) {
            seen.push(c);
        }
    }
    seen
}

/// `n`, `n,` or `n,m`
fn counts(text: &str) -> Option<(u32, Option<u32>)> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.len() <= 9 && text.chars().all(|c| c.is_ascii_digit());
        let plain = digits && (text == "0" || !text.starts_with('0'));
        text.parse().ok().filter(|_| plain)
    };
    match text.split_once(',') {
        None => number(text).map(|count| (count, Some(count))),
        Some((min, "")) => number(min).map(|min| (min, None)),
        Some((min, max)) => Some((number(min)?, Some(number(max)?))),
    }
}

#[cfg(test)]
mod tests;
