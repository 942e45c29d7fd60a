//! A scanner for JSON that knows where everything stands; used when a finding needs a place, never on the path of a
//! valid edit. Must not build values.

use std::collections::BTreeSet;

use super::super::limits::MAX_DEPTH;
use super::super::places::{Entry, Node, NodeId, Nodes, Place, Places};
use super::super::problem::{Problem, Problems};
use crate::finding::Rule;
use crate::value::{Path, Segment};

/// The places, unless the text does not follow the grammar, and everything that is wrong.
pub(super) fn scan(text: &str) -> (Option<Places<'_>>, Problems) {
    let mut scanner = Scanner { text, at: 0, nodes: Nodes::default(), problems: Problems::default() };
    match scanner.document() {
        Ok(root) => (Some(scanner.nodes.into_places(text, root)), scanner.problems),
        Err(Stop) => (None, scanner.problems),
    }
}

struct Scanner<'text> {
    text: &'text str,
    at: usize,
    nodes: Nodes,
    problems: Problems,
}

/// Nothing more can be read; the problem is among the problems.
struct Stop;

impl<'text> Scanner<'text> {
    fn document(&mut self) -> Result<Place, Stop> {
        let root = self.value(0)?;
        match self.peek() {
            None => Ok(root),
            Some(_) => Err(self.stop("nothing may follow the value", "")),
        }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
        self.rest().bytes().next()
    }

    fn rest(&self) -> &'text str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn stop(&mut self, message: &str, hint: &str) -> Stop {
        let problem = Problem::new(Rule::Syntax, message);
        self.fail(if hint.is_empty() { problem } else { problem.hint(hint) })
    }

    fn fail(&mut self, problem: Problem) -> Stop {
        self.problems.push(problem.at_offset(self.text, self.at));
        Stop
    }

    fn value(&mut self, depth: usize) -> Result<Place, Stop> {
        let first = self.peek();
        let at = self.at;
        if depth == MAX_DEPTH && matches!(first, Some(b'{' | b'[')) {
            return Err(self.fail(Problem::too_deep()));
        }
        let node = match first {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => self.text().map(|_| self.nodes.add(Node::Scalar))?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't' | b'f' | b'n') => self.word()?,
            Some(b'/' | b'#') => return Err(self.stop("JSON has no comments", "remove it")),
            Some(b'\'') => return Err(self.stop("text stands in double quotes", "use \" instead of '")),
            Some(_) => return Err(self.stop("a value is missing here", "")),
            None => return Err(self.stop("the text ends where a value is missing", "")),
        };
        Ok(Place { at, node })
    }

    fn map(&mut self, depth: usize) -> Result<NodeId, Stop> {
        self.at += 1;
        let (mut entries, mut seen) = (Vec::new(), BTreeSet::new());
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(self.nodes.add(Node::map(entries)));
        }
        loop {
            let first = self.peek();
            let key_at = self.at;
            let key = match first {
                Some(b'"') => self.text()?,
                Some(b'}') => return Err(self.stop("a comma may not stand before the closing bracket", "")),
                Some(b'/' | b'#') => return Err(self.stop("JSON has no comments", "remove it")),
                None => return Err(self.stop("the text ends inside of a map", "close it with `}`")),
                Some(_) => return Err(self.stop("a key in double quotes is missing here", "")),
            };
            if self.peek() != Some(b':') {
                return Err(self.stop("a `:` is missing after the key", ""));
            }
            self.at += 1;
            let known = self.problems.len();
            let value = self.value(depth + 1);
            self.problems.below(known, || Segment::Key(key.clone()));
            if !seen.insert(key.clone()) {
                let problem = Problem::duplicate_key().in_path(Path::root().key(key.clone()));
                self.problems.push(problem.at_offset(self.text, key_at));
            }
            entries.push(Entry { key, key_at, value: value? });
            if !self.another(b'}')? {
                return Ok(self.nodes.add(Node::map(entries)));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<NodeId, Stop> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(self.nodes.add(Node::List(items)));
        }
        loop {
            if self.peek() == Some(b']') {
                return Err(self.stop("a comma may not stand before the closing bracket", ""));
            }
            let known = self.problems.len();
            let item = self.value(depth + 1);
            self.problems.below(known, || Segment::Index(items.len()));
            items.push(item?);
            if !self.another(b']')? {
                return Ok(self.nodes.add(Node::List(items)));
            }
        }
    }

    /// Passes the comma or the closing bracket; whether another part follows.
    fn another(&mut self, close: u8) -> Result<bool, Stop> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            None => Err(self.stop("the text ends inside of a list or map", "close it with `]` or `}`")),
            Some(_) => Err(self.stop("a `,` or the closing bracket is missing", "")),
        }
    }

    /// Passes a quoted text; what it says.
    fn text(&mut self) -> Result<String, Stop> {
        let rest = self.rest();
        let mut escaped = false;
        for (index, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let token = rest.get(..=index).unwrap_or_default();
                    let Ok(text) = serde_json::from_str(token) else {
                        return Err(self.stop("the quoted text contains an escape that JSON does not have", ""));
                    };
                    self.at += token.len();
                    return Ok(text);
                }
                0..0x20 => {
                    self.at += index;
                    return Err(self.stop("quoted text may not contain line breaks or control characters", "use \\n"));
                }
                _ => {}
            }
        }
        Err(self.stop("the quoted text is not closed", "close it with \""))
    }

    fn number(&mut self) -> Result<NodeId, Stop> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c))).unwrap_or(rest.len());
        let token = rest.get(..end).unwrap_or_default();
        if !is_number(token) {
            return Err(self.stop("the number is not written as JSON has it", "write it without leading zeros"));
        }
        let at = self.at;
        let problem = match serde_json::from_str::<serde_json::Number>(token) {
            Ok(number) if number.is_f64() && !token.contains(['.', 'e', 'E']) && token != "-0" => Problem::too_wide(),
            Err(_) => Problem::not_finite(),
            Ok(_) => return Ok(self.pass(token)),
        };
        self.problems.push(problem.at_offset(self.text, at));
        Ok(self.pass(token))
    }

    fn word(&mut self) -> Result<NodeId, Stop> {
        let rest = self.rest();
        match ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word)) {
            Some(word) => Ok(self.pass(word)),
            None => Err(self.stop("a value is missing here", "put text in double quotes")),
        }
    }

    fn pass(&mut self, token: &str) -> NodeId {
        self.at += token.len();
        self.nodes.add(Node::Scalar)
    }
}

/// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
fn is_number(token: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (token, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let padded = whole.len() > 1 && whole.starts_with('0');
    digits(whole) && !padded && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}
