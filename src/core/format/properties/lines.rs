//! The lines of a `.properties` text: continuation, separators, escapes.
//! Must not know what keys mean.

use super::super::entries::{Line, Lines};
use super::super::problem::Problem;
use crate::finding::Rule;

/// Goes on with the next line after one that is wrong, so that all of them are told.
pub(super) fn read(text: &str) -> Lines {
    let mut reader = Reader { text, at: 0 };
    let mut read = Lines::default();
    while reader.next_line() {
        match reader.line() {
            Ok(line) => read.lines.push(line),
            Err(problem) => {
                read.problems.push(problem.at_offset(text, reader.at));
                reader.at += reader.rest().find(is_break).unwrap_or(reader.rest().len());
            }
        }
    }
    read
}

#[derive(Clone, Copy)]
struct Reader<'text> {
    text: &'text str,
    at: usize,
}

/// A character of a logical line; one that was escaped separates nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Char {
    c: char,
    escaped: bool,
}

impl<'text> Reader<'text> {
    fn rest(&self) -> &'text str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, passes: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !passes(c)).unwrap_or(rest.len());
    }

    /// Goes to the next line that is neither empty nor a comment; whether there is one.
    fn next_line(&mut self) -> bool {
        loop {
            self.skip(|c| is_blank(c) || is_break(c));
            match self.rest().chars().next() {
                None => return false,
                Some('#' | '!') => self.skip(|c| !is_break(c)),
                Some(_) => return true,
            }
        }
    }

    fn line(&mut self) -> Result<Line, Problem> {
        let key_at = self.at;
        let key = self.take(|c| c == '=' || c == ':' || is_blank(c))?;
        self.skip_unescaped(is_blank)?;
        let mut ahead = *self;
        if ahead.next()?.is_some_and(|next| !next.escaped && matches!(next.c, '=' | ':')) {
            *self = ahead;
        }
        self.skip_unescaped(is_blank)?;
        let value_at = self.at;
        let value = self.take(|_| false)?;
        Ok(Line { key, key_at, value, value_at })
    }

    /// The text up to the end of the logical line, or before a character that ends it unless escaped.
    fn take(&mut self, ends: impl Fn(char) -> bool) -> Result<String, Problem> {
        let mut taken = String::new();
        loop {
            let mut ahead = *self;
            match ahead.next()? {
                Some(Char { c, escaped }) if escaped || !ends(c) => taken.push(c),
                Some(_) => return Ok(taken),
                None => {
                    // Continuations before the end belong to this line.
                    *self = ahead;
                    return Ok(taken);
                }
            }
            *self = ahead;
        }
    }

    fn skip_unescaped(&mut self, passes: impl Fn(char) -> bool) -> Result<(), Problem> {
        loop {
            let mut ahead = *self;
            match ahead.next()? {
                Some(Char { c, escaped: false }) if passes(c) => *self = ahead,
                _ => return Ok(()),
            }
        }
    }

    /// The next character of the logical line; none at its end, which is not passed.
    fn next(&mut self) -> Result<Option<Char>, Problem> {
        loop {
            let mut ahead = self.rest().chars();
            let Some(c) = ahead.next() else { return Ok(None) };
            if is_break(c) {
                return Ok(None);
            }
            self.at += c.len_utf8();
            if c != '\\' {
                return Ok(Some(Char { c, escaped: false }));
            }
            let Some(meant) = ahead.next() else { return Ok(None) };
            self.at += meant.len_utf8();
            if !is_break(meant) {
                let c = self.escape(meant)?;
                return Ok(Some(Char { c, escaped: true }));
            }
            // A continuation: the line break and the white space after it do not count.
            if meant == '\r' && self.rest().starts_with('\n') {
                self.at += 1;
            }
            self.skip(is_blank);
        }
    }

    fn escape(&mut self, letter: char) -> Result<char, Problem> {
        Ok(match letter {
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'f' => '\u{c}',
            'u' => self.unicode()?,
            itself => itself,
        })
    }

    /// The four digits behind `\u`, and a second escape when the first is half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, Problem> {
        let first = self.four_digits()?;
        let unit = match first {
            0xD800..0xDC00 if self.rest().starts_with("\\u") => {
                self.at += 2;
                match self.four_digits()? {
                    second @ 0xDC00..0xE000 => 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00),
                    _ => first,
                }
            }
            unit => unit,
        };
        char::from_u32(unit).ok_or_else(|| escape_problem("the escape is half of a surrogate pair"))
    }

    fn four_digits(&mut self) -> Result<u32, Problem> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.ok_or_else(|| escape_problem("`\\u` takes four hexadecimal digits"))?;
        self.at += 4;
        Ok(number)
    }
}

fn escape_problem(message: &str) -> Problem {
    Problem::new(Rule::Syntax, message).hint("write the character itself; the file is UTF-8")
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}
