//! Globs over the steps of a path: read from text, matched without backtracking beyond the last star.
//! Must not know what is done with a match.

use crate::value::Segment;

/// One part of a glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// `**`: any number of steps, none as well.
    Any,
    /// `*`: one step, key or index.
    One,
    /// `[*]`: one index.
    AnyIndex,
    /// `[0]`: this index.
    Index(usize),
    /// `["a.b"]` or a plain word: this key.
    Key(String),
    /// A word of digits: the key or the index.
    Number(String, Option<usize>),
    /// A word with `*` or `?` in it: a key like that.
    Like(Vec<char>),
}

impl Part {
    fn takes(&self, step: &Segment) -> bool {
        match (self, step) {
            (Self::Any | Self::One, _) | (Self::AnyIndex, Segment::Index(_)) => true,
            (Self::Index(wanted), Segment::Index(index)) => wanted == index,
            (Self::Key(wanted) | Self::Number(wanted, _), Segment::Key(key)) => wanted == key,
            (Self::Number(_, wanted), Segment::Index(index)) => *wanted == Some(*index),
            (Self::Like(wanted), Segment::Key(key)) => like(wanted, key),
            _ => false,
        }
    }

    /// The step that this part stands for, if it is only one.
    pub(super) fn literal(&self) -> Option<Segment> {
        match self {
            Self::Key(key) => Some(Segment::Key(key.clone())),
            Self::Index(index) => Some(Segment::Index(*index)),
            _ => None,
        }
    }
}

/// Whether the parts take the whole path. Costs at most the length of the one times that of the other.
pub(super) fn matches(parts: &[Part], steps: &[Segment]) -> bool {
    stars(
        parts.len(),
        steps.len(),
        |part| parts.get(part) == Some(&Part::Any),
        |part, step| matches!((parts.get(part), steps.get(step)), (Some(part), Some(step)) if part.takes(step)),
    )
}

fn like(wanted: &[char], key: &str) -> bool {
    let key: Vec<char> = key.chars().collect();
    stars(
        wanted.len(),
        key.len(),
        |part| wanted.get(part) == Some(&'*'),
        |part, at| matches!((wanted.get(part), key.get(at)), (Some(wanted), Some(c)) if *wanted == '?' || wanted == c),
    )
}

/// The usual match with stars: when something does not fit, the last star takes one more; earlier ones need not.
fn stars(parts: usize, things: usize, is_star: impl Fn(usize) -> bool, takes: impl Fn(usize, usize) -> bool) -> bool {
    let (mut part, mut thing) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while thing < things {
        if part < parts && is_star(part) {
            last_star = Some((part, thing));
            part += 1;
        } else if part < parts && takes(part, thing) {
            part += 1;
            thing += 1;
        } else if let Some((star, taken)) = last_star {
            last_star = Some((star, taken + 1));
            part = star + 1;
            thing = taken + 1;
        } else {
            return false;
        }
    }
    (part..parts).all(is_star)
}

/// Takes a text apart; the error says what is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        rest = if let Some(inside) = rest.strip_prefix('[') {
            let (part, rest) = bracket(inside)?;
            parts.push(part);
            rest
        } else {
            let word =
                if parts.is_empty() { rest } else { rest.strip_prefix('.').ok_or("a `.` is missing after `]`")? };
            let (word, rest) = word.split_at_checked(word.find(['.', '[']).unwrap_or(word.len())).unwrap_or((word, ""));
            parts.push(part(word)?);
            rest
        };
    }
    if parts.is_empty() { Err("it is empty") } else { Ok(parts) }
}

fn part(word: &str) -> Result<Part, &'static str> {
    if word.is_empty() {
        return Err("a word between dots is empty");
    }
    if word.contains([']', '"']) {
        return Err("`]` and `\"` belong into `[\"…\"]`");
    }
    Ok(match word {
        "**" => Part::Any,
        "*" => Part::One,
        word if word.contains("**") => return Err("`**` stands for whole steps and must stand alone between dots"),
        word if word.contains(['*', '?']) => Part::Like(word.chars().collect()),
        word if word.bytes().all(|byte| byte.is_ascii_digit()) => {
            let plain = word == "0" || !word.starts_with('0');
            Part::Number(word.to_owned(), word.parse().ok().filter(|_| plain))
        }
        word => Part::Key(word.to_owned()),
    })
}

/// What stands after `[`, and what follows the `]`.
fn bracket(inside: &str) -> Result<(Part, &str), &'static str> {
    if let Some(quoted) = inside.strip_prefix('"') {
        let (key, after) = unquote(quoted).ok_or("a key in `[\"…\"]` is not closed or has an unknown escape")?;
        let after = after.strip_prefix(']').ok_or("a `[` is not closed")?;
        return Ok((Part::Key(key), after));
    }
    let (index, after) = inside.split_once(']').ok_or("a `[` is not closed")?;
    if index == "*" {
        return Ok((Part::AnyIndex, after));
    }
    let digits = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    let index = index.parse().ok().filter(|_| digits).ok_or("in `[…]` stands an index, `*`, or a key in quotes")?;
    Ok((Part::Index(index), after))
}

/// A key as paths show it, up to its closing quote, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut key = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((key, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => key.push('\n'),
                'r' => key.push('\r'),
                't' => key.push('\t'),
                '0' => key.push('\0'),
                c @ ('\\' | '"' | '\'') => key.push(c),
                'u' => {
                    let (code, after) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    key.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    chars = after.chars();
                }
                _ => return None,
            },
            c => key.push(c),
        }
    }
}
