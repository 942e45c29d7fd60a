//! Field paths of rules: `.pool.size`, `.pools['main']`. They may only name what the schema has.
//! Must not know rules.

use super::super::schema::{Additional, Node};
use crate::value::{Path, Segment};

/// Reads a field path below a node.
pub(super) fn parse(text: &str, node: &Node) -> Result<Path, String> {
    let mut segments = Vec::new();
    // Without a schema there is nothing to hold the path to.
    let mut at = Some(node).filter(|node| node.kind.is_some());
    let open = at.is_none();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = step(rest).ok_or_else(|| format!("{text:?} is not a field path"))?;
        if !open {
            at = at.and_then(|node| match &node.additional {
                Additional::Schema(child) if node.properties.is_empty() => Some(&**child),
                _ => node.properties.get(&key),
            });
            if at.is_none() {
                return Err(format!("the schema has no field at {text:?}"));
            }
        }
        segments.push(Segment::Key(key));
        rest = after;
    }
    if segments.is_empty() { Err("the field path is empty".to_owned()) } else { Ok(segments.into_iter().collect()) }
}

/// One step, `.name` or `['name']`, and what follows it.
fn step(text: &str) -> Option<(String, &str)> {
    if let Some(name) = text.strip_prefix('.') {
        let (key, after) = name.split_at_checked(name.find(['.', '[', ']']).unwrap_or(name.len()))?;
        return Some((key.to_owned(), after)).filter(|(key, _)| !key.is_empty());
    }
    let mut chars = text.strip_prefix("['")?.chars();
    let mut key = String::new();
    loop {
        match chars.next()? {
            '\'' => return Some((key, chars.as_str().strip_prefix(']')?)),
            '\\' => key.push(match chars.next()? {
                'a' => '\u{7}',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\u{b}',
                c @ ('\'' | '\\') => c,
                _ => return None,
            }),
            c => key.push(c),
        }
    }
}
