//! Refuses TOML that is nested so deep that the parser itself would be at risk, before it is parsed.
//! Must not be exact: the true limit is checked on what was parsed.
//!
//! The parser bounds brackets but not dotted keys, and a key of 100,000 parts becomes as many tables, one inside the
//! other, whose destructor then ends the process by stack overflow.

use super::super::limits::MAX_DEPTH;

/// How many levels of one key or of the brackets around it pass unread.
const COARSE_LIMIT: usize = 2 * MAX_DEPTH;

/// Where a key or value stands that is nested beyond the coarse limit.
pub(super) fn too_deep(text: &str) -> Option<usize> {
    let mut open: Vec<usize> = Vec::new();
    let (mut above, mut dots, mut at) = (0_usize, 0_usize, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = token(rest);
        match rest.as_bytes().first() {
            Some(b'.') => dots += 1,
            Some(b'\n' | b',') => dots = 0,
            Some(b'[' | b'{') => {
                open.push(dots + 1);
                above += dots + 1;
                dots = 0;
            }
            Some(b']' | b'}') => {
                above -= open.pop().unwrap_or(0);
                dots = 0;
            }
            _ => {}
        }
        if above + dots > COARSE_LIMIT {
            return Some(at);
        }
        at += length;
    }
    None
}

/// The length of the token at the beginning, delimited as the parser's lexer does it.
fn token(rest: &str) -> usize {
    let end = match rest.as_bytes() {
        [b'#', ..] => rest.find(['\r', '\n']),
        [b'\'', b'\'', b'\'', ..] => find_from(rest, 3, |rest| {
            let close = rest.find("'''")? + 3;
            Some(close + more_quotes(rest, close, '\''))
        }),
        [b'"', b'"', b'"', ..] => find_from(rest, 3, |rest| {
            let close = closing(rest, "\"\"\"", false)?;
            Some(close + more_quotes(rest, close, '"'))
        }),
        [b'\'', ..] => find_from(rest, 1, |rest| {
            let close = rest.find(['\'', '\n'])?;
            Some(close + usize::from(rest.as_bytes().get(close) == Some(&b'\'')))
        }),
        [b'"', ..] => find_from(rest, 1, |rest| closing(rest, "\"", true)),
        [b'.' | b'=' | b',' | b'[' | b']' | b'{' | b'}' | b' ' | b'\t' | b'\r' | b'\n', ..] => Some(1),
        // Quotes inside of a bare word open nothing.
        _ => rest.find(|c: char| ".=,[]{} \t#\r\n".contains(c)),
    };
    end.unwrap_or(rest.len())
}

/// A text may end with one or two quotes before the three that close it.
fn more_quotes(rest: &str, close: usize, quote: char) -> usize {
    rest.get(close..).unwrap_or_default().chars().take(2).take_while(|c| *c == quote).count()
}

fn find_from(rest: &str, from: usize, find: impl Fn(&str) -> Option<usize>) -> Option<usize> {
    find(rest.get(from..)?).map(|index| index + from)
}

/// Behind the quote that is not escaped, or before the line's end when that closes the text as well.
fn closing(rest: &str, quote: &str, ends_with_line: bool) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate() {
        match byte {
            b'\n' if ends_with_line => return Some(index),
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if rest.get(index..).is_some_and(|rest| rest.starts_with(quote)) => return Some(index + quote.len()),
            _ => {}
        }
    }
    None
}
