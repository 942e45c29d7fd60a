//! Functions on texts. They count in characters, as CEL does.
//! Must not know lists beyond joining their texts.

use super::super::evaluator::Evaluator;
use super::super::value::{Evaluated, Failure, Val};

/// The characters that `trim` takes away.
const SPACE: [char; 25] = [
    '\t', '\n', '\u{b}', '\u{c}', '\r', ' ', '\u{85}', '\u{a0}', '\u{1680}', '\u{2000}', '\u{2001}', '\u{2002}',
    '\u{2003}', '\u{2004}', '\u{2005}', '\u{2006}', '\u{2007}', '\u{2008}', '\u{2009}', '\u{200a}', '\u{2028}',
    '\u{2029}', '\u{202f}', '\u{205f}', '\u{3000}',
];

/// Calls a function of a text.
pub(super) fn call<'data>(run: &mut Evaluator<'_>, name: &str, text: &str, args: &[Val<'data>]) -> Evaluated<'data> {
    run.spend(text.len() / 16)?;
    match (name, args) {
        ("size", []) => super::count(text.chars().count()),
        ("contains", [Val::Text(part)]) => Ok(Val::Bool(text.contains(part.as_str()))),
        ("startsWith", [Val::Text(part)]) => Ok(Val::Bool(text.starts_with(part.as_str()))),
        ("endsWith", [Val::Text(part)]) => Ok(Val::Bool(text.ends_with(part.as_str()))),
        ("matches" | "find" | "findAll", [Val::Text(pattern), rest @ ..]) => {
            search(run, name, text, pattern.as_str(), rest)
        }
        ("lowerAscii", []) => Ok(Val::text(text.to_ascii_lowercase())),
        ("upperAscii", []) => Ok(Val::text(text.to_ascii_uppercase())),
        ("trim", []) => Ok(Val::text(text.trim_matches(SPACE))),
        ("charAt", [Val::Int(index)]) => char_at(text, *index),
        ("substring", [Val::Int(from)]) => slice(text, *from, None),
        ("substring", [Val::Int(from), Val::Int(to)]) => slice(text, *from, Some(*to)),
        ("indexOf", [Val::Text(part)]) => index_of(text, part.as_str(), 0),
        ("indexOf", [Val::Text(part), Val::Int(from)]) => index_of(text, part.as_str(), *from),
        ("lastIndexOf", [Val::Text(part)]) => last_index_of(text, part.as_str(), None),
        ("lastIndexOf", [Val::Text(part), Val::Int(from)]) => last_index_of(text, part.as_str(), Some(*from)),
        ("replace", [Val::Text(from), Val::Text(to)]) => replace(run, text, from.as_str(), to.as_str(), -1),
        ("replace", [Val::Text(from), Val::Text(to), Val::Int(times)]) => {
            replace(run, text, from.as_str(), to.as_str(), *times)
        }
        ("split", [Val::Text(separator)]) => split(run, text, separator.as_str(), -1),
        ("split", [Val::Text(separator), Val::Int(limit)]) => split(run, text, separator.as_str(), *limit),
        _ => Err(Failure::overload()),
    }
}

/// Joins texts.
pub(super) fn join<'data>(run: &mut Evaluator<'_>, items: &[Val<'data>], args: &[Val<'data>]) -> Evaluated<'data> {
    let separator = match args {
        [] => "",
        [Val::Text(separator)] => separator.as_str(),
        _ => return Err(Failure::overload()),
    };
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let Val::Text(item) = item else { return Err(Failure::overload()) };
        run.spend((separator.len() + item.as_str().len()) / 16 + 1)?;
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(item.as_str());
    }
    Ok(Val::text(joined))
}

fn search<'data>(
    run: &mut Evaluator<'_>,
    name: &str,
    text: &str,
    pattern: &str,
    rest: &[Val<'data>],
) -> Evaluated<'data> {
    let pattern = run.pattern(pattern).ok_or(Failure::new("a pattern is not written in the rule"))?;
    run.spend(usize::try_from(pattern.cost(text) / 4).unwrap_or(usize::MAX))?;
    let regex = pattern.regex();
    match (name, rest) {
        ("matches", []) => Ok(Val::Bool(regex.is_match(text))),
        ("find", []) => Ok(Val::text(regex.find(text).map_or("", |found| found.as_str()))),
        ("findAll", [] | [Val::Int(_)]) => {
            let limit = match rest {
                [Val::Int(limit)] => usize::try_from(*limit).unwrap_or(usize::MAX),
                _ => usize::MAX,
            };
            // An empty match would be found at every place.
            run.spend(text.len())?;
            Ok(Val::list(regex.find_iter(text).take(limit).map(|found| Val::text(found.as_str())).collect()))
        }
        _ => Err(Failure::overload()),
    }
}

fn beyond() -> Failure {
    Failure::new("an index is beyond the text")
}

/// The place in bytes of a character's index; the end counts as one.
fn place(text: &str, index: i64) -> Result<usize, Failure> {
    let index = usize::try_from(index).map_err(|_| beyond())?;
    let mut places = text.char_indices().map(|(place, _)| place).chain([text.len()]);
    places.nth(index).ok_or(beyond())
}

fn char_at<'data>(text: &str, index: i64) -> Evaluated<'data> {
    let rest = text.get(place(text, index)?..).unwrap_or_default();
    // The place after the last character gives an empty text.
    Ok(Val::text(rest.chars().next().map(String::from).unwrap_or_default()))
}

fn slice<'data>(text: &str, from: i64, to: Option<i64>) -> Evaluated<'data> {
    let (start, end) = (place(text, from)?, to.map_or(Ok(text.len()), |to| place(text, to))?);
    text.get(start..end).map(Val::text).ok_or(beyond())
}

fn index_of<'data>(text: &str, part: &str, from: i64) -> Evaluated<'data> {
    let from = usize::try_from(from).map_err(|_| beyond())?;
    let length = text.chars().count();
    if part.is_empty() {
        return super::count(from.min(length));
    }
    let start = text.char_indices().nth(from).map_or(text.len(), |(place, _)| place);
    let found = text.get(start..).and_then(|rest| rest.find(part));
    found.map_or(Ok(Val::Int(-1)), |found| super::count(text.get(..start + found).unwrap_or_default().chars().count()))
}

fn last_index_of<'data>(text: &str, part: &str, from: Option<i64>) -> Evaluated<'data> {
    let length = text.chars().count();
    let from = from.map(|from| usize::try_from(from).map_err(|_| beyond())).transpose()?;
    if part.is_empty() {
        return super::count(from.map_or(length, |from| from.min(length)));
    }
    if from.is_some_and(|from| from >= length) {
        return Ok(Val::Int(-1));
    }
    // A match may begin at `from`, and so end after it.
    let last = from.and_then(|from| text.char_indices().nth(from)).map_or(text.len(), |(place, _)| place);
    let found = overlapping_from_end(text, part).find(|found| *found <= last);
    found.map_or(Ok(Val::Int(-1)), |found| super::count(text.get(..found).unwrap_or_default().chars().count()))
}

/// The places of a part from the last to the first; they may overlap.
fn overlapping_from_end<'text>(text: &'text str, part: &'text str) -> impl Iterator<Item = usize> + 'text {
    text.char_indices()
        .rev()
        .map(|(place, _)| place)
        .filter(move |place| text.get(*place..).is_some_and(|rest| rest.starts_with(part)))
}

fn replace<'data>(run: &mut Evaluator<'_>, text: &str, from: &str, to: &str, times: i64) -> Evaluated<'data> {
    let times = usize::try_from(times).unwrap_or(usize::MAX);
    let places = text.matches(from).take(times).count();
    run.spend(places.saturating_mul(to.len()) / 16 + places)?;
    Ok(Val::text(text.replacen(from, to, times)))
}

fn split<'data>(run: &mut Evaluator<'_>, text: &str, separator: &str, limit: i64) -> Evaluated<'data> {
    if limit == 0 {
        return Ok(Val::list(Vec::new()));
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    run.spend(text.len())?;
    let parts: Vec<Val<'data>> = if separator.is_empty() {
        by_character(text, limit)
    } else {
        text.splitn(limit, separator).map(Val::text).collect()
    };
    Ok(Val::list(parts))
}

/// An empty separator splits between characters; the last part is what is left.
fn by_character<'data>(text: &str, limit: usize) -> Vec<Val<'data>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (part, after) = rest.split_at_checked(c.len_utf8()).unwrap_or((rest, ""));
        if parts.len() + 1 == limit {
            parts.push(Val::text(rest));
            break;
        }
        parts.push(Val::text(part));
        rest = after;
    }
    parts
}
