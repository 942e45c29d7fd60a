//! `.env` files: `KEY=value` a line, every value a text.
//! Must not read or change any environment.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::Map;

use super::entries::{Line, Lines};
use super::places::{Entry, Node, Nodes, Place, Places};
use super::problem::Problem;
use crate::finding::Rule;
use crate::value::{Path, Value};

/// Reads a `.env` text.
///
/// The grammar, the common ground of the libraries that read such files:
/// - Empty lines and lines that begin with `#` say nothing. `export ` before a key is passed over.
/// - A key begins with a letter or `_`, and goes on with letters, digits, `_`, `.` and `-`. White space may stand
///   around the `=`.
/// - Without quotes the value goes to the end of the line or to a `#` after white space, without the white space
///   around it; nothing in it is special.
/// - `'…'` is taken as it is; `"…"` knows `\n`, `\r`, `\t`, `\\`, `\"`, `\'` and `\$`. Both may go over several
///   lines, whose breaks become `\n`. After the closing quote only a comment may follow.
/// - Nothing is substituted: `${HOME}` and `$HOME` stay as they are, so a file cannot read the operator's secrets.
/// - A key may stand once.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let mut read = read(text);
    let mut map = Map::new();
    let mut seen = BTreeSet::new();
    for line in read.lines {
        if !seen.insert(line.key.clone()) {
            let problem = Problem::duplicate_key().in_path(Path::root().key(line.key.clone()));
            read.problems.push(problem.at_offset(text, line.key_at));
        }
        map.insert(line.key, Value::String(line.value));
    }
    read.problems.or(Value::Object(map))
}

/// Where the keys of a `.env` text stand.
pub(super) fn places(text: &str) -> Places<'_> {
    let mut nodes = Nodes::default();
    let scalar = nodes.add(Node::Scalar);
    let entries = read(text).lines.into_iter().map(|line| Entry {
        key: line.key,
        key_at: line.key_at,
        value: Place { at: line.value_at, node: scalar },
    });
    let entries = entries.collect();
    let root = Place { at: 0, node: nodes.add(Node::map(entries)) };
    nodes.into_places(text, root)
}

/// Goes on with the next line after one that is wrong, so that all of them are told.
fn read(text: &str) -> Lines {
    let mut reader = Reader { text, at: 0 };
    let mut read = Lines::default();
    while !reader.rest().is_empty() {
        match reader.line() {
            Ok(line) => read.lines.extend(line),
            Err(problem) => {
                read.problems.push(problem.at_offset(text, reader.at));
                reader.skip(|c| c != '\n');
            }
        }
    }
    read
}

struct Reader<'text> {
    text: &'text str,
    at: usize,
}

impl<'text> Reader<'text> {
    fn rest(&self) -> &'text str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn first(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Passes the characters that the condition holds for, and gives them.
    fn skip(&mut self, passes: impl Fn(char) -> bool) -> &'text str {
        let rest = self.rest();
        let end = rest.find(|c| !passes(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// One line, which is none when it is empty or a comment.
    fn line(&mut self) -> Result<Option<Line>, Problem> {
        self.skip(char::is_whitespace);
        match self.first() {
            None => return Ok(None),
            Some('#') => {
                self.skip(|c| c != '\n');
                return Ok(None);
            }
            Some(_) => {}
        }
        let (key, key_at) = self.key()?;
        if self.first() != Some('=') {
            return Err(syntax("a `=` is missing after the key").hint("write KEY=value"));
        }
        self.at += 1;
        self.skip(is_blank);
        let value_at = self.at;
        let value = match self.first() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => self.bare(),
        };
        Ok(Some(Line { key, key_at, value, value_at }))
    }

    fn key(&mut self) -> Result<(String, usize), Problem> {
        loop {
            let key_at = self.at;
            if !self.first().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') {
                return Err(syntax("a key is missing here").hint("a key begins with a letter or `_`"));
            }
            let key = self.skip(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)).to_owned();
            let gap = self.skip(is_blank);
            // `export` may itself be a key.
            if key != "export" || gap.is_empty() || self.first() == Some('=') {
                return Ok((key, key_at));
            }
        }
    }

    fn bare(&mut self) -> String {
        let line = self.skip(|c| c != '\n');
        let comment = line.char_indices().find(|(index, c)| {
            *c == '#' && line.get(..*index).is_some_and(|before| before.is_empty() || before.ends_with(is_blank))
        });
        let end = comment.map_or(line.len(), |(index, _)| index);
        line.get(..end).unwrap_or_default().trim_end().to_owned()
    }

    fn quoted(&mut self, quote: char) -> Result<String, Problem> {
        let opened_at = self.at;
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.skip(|c| c != quote && c != '\r' && (c != '\\' || quote == '\''));
            value.push_str(plain);
            match self.first() {
                None => {
                    self.at = opened_at;
                    return Err(syntax("the quoted text is not closed").hint("close it with the quote that opened it"));
                }
                Some('\r') if self.rest().starts_with("\r\n") => self.at += 1,
                Some('\r') => {
                    value.push('\r');
                    self.at += 1;
                }
                Some('\\') => value.push(self.escape()?),
                Some(_) => {
                    self.at += 1;
                    break;
                }
            }
        }
        self.skip(is_blank);
        match self.first() {
            None | Some('\n' | '#') => {}
            Some('\r') if self.rest().starts_with("\r\n") => {}
            Some(_) => return Err(syntax("nothing but a comment may follow the closing quote")),
        }
        self.skip(|c| c != '\n');
        Ok(value)
    }

    fn escape(&mut self) -> Result<char, Problem> {
        let meant = match self.rest().chars().nth(1) {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(itself @ ('\\' | '"' | '\'' | '$')) => itself,
            _ => {
                let problem = syntax("the quoted text contains an escape that is not known");
                return Err(problem.hint("use single quotes, in which nothing is special, or `\\\\`"));
            }
        };
        self.at += 2;
        Ok(meant)
    }
}

fn is_blank(c: char) -> bool {
    c == ' ' || c == '\t'
}

fn syntax(message: &str) -> Problem {
    Problem::new(Rule::Syntax, message)
}
