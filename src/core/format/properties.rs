//! `.properties` files, in the grammar of `java.util.Properties.load`, read as UTF-8; every value is a text.
//! Must not quote what the document holds.

mod lines;

#[cfg(test)]
mod tests;

use serde_json::Map;

use self::lines::read;
use super::entries::Line;
use super::limits::MAX_DEPTH;
use super::places::{Entry, Node, NodeId, Nodes, Place, Places};
use super::problem::Problem;
use crate::finding::Rule;
use crate::value::{Path, Segment, Value};

/// Reads a `.properties` text.
///
/// Decided here:
/// - Dotted keys are nested maps: `log.level=info` is `{"log": {"level": "info"}}`. An empty part is an empty key.
/// - A key stands once (Java takes the last), and is not a value and a section at once.
/// - ISO-8859-1, which Java assumes for streams, is not: other bytes than UTF-8 are refused.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let mut read = read(text);
    let mut map = Map::new();
    for line in read.lines {
        let Line { key, key_at, value, .. } = line;
        if let Err(problem) = insert(&mut map, &key, value) {
            let path: Path = key.split('.').map(|part| Segment::Key(part.to_owned())).take(MAX_DEPTH).collect();
            read.problems.push(problem.in_path(path).at_offset(text, key_at));
        }
    }
    read.problems.or(Value::Object(map))
}

fn insert(map: &mut Map<String, Value>, key: &str, value: String) -> Result<(), Problem> {
    if key.split('.').count() > MAX_DEPTH {
        return Err(Problem::too_deep());
    }
    let (sections, name) = key.rsplit_once('.').map_or((None, key), |(sections, name)| (Some(sections), name));
    let mut here = map;
    for section in sections.iter().flat_map(|sections| sections.split('.')) {
        let next = here.entry(section).or_insert_with(|| Value::Object(Map::new()));
        here = next.as_object_mut().ok_or_else(value_and_section)?;
    }
    match here.get(name) {
        None => {
            here.insert(name.to_owned(), Value::String(value));
            Ok(())
        }
        Some(Value::Object(_)) => Err(value_and_section()),
        Some(_) => Err(Problem::duplicate_key()),
    }
}

fn value_and_section() -> Problem {
    Problem::new(Rule::DuplicateKey, "the key is a value and the beginning of other keys at once")
        .hint("give the value a key of its own, such as `.default`")
}

/// Where the keys and sections of a `.properties` text stand; a section stands where its first key does.
pub(super) fn places(text: &str) -> Places<'_> {
    let mut nodes = Nodes::default();
    let lines = read(text).lines;
    let mut keyed: Vec<(&str, &Line)> = lines.iter().map(|line| (line.key.as_str(), line)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    let node = survey(&keyed, 0, &mut nodes);
    nodes.into_places(text, Place { at: 0, node })
}

/// The node of the section that all these keys, cut to what follows its name, are in.
fn survey(keyed: &[(&str, &Line)], depth: usize, nodes: &mut Nodes) -> NodeId {
    let mut entries = Vec::new();
    let mut rest = keyed;
    while let Some((first, line)) = rest.first() {
        let name = first.split('.').next().unwrap_or_default();
        let inside = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let count = rest.iter().take_while(|(key, _)| inside(key)).count().max(1);
        let (section, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = after;
        let below: Vec<_> =
            section.iter().filter_map(|(key, line)| Some((key.get(name.len() + 1..)?, *line))).collect();
        let key_at = section.iter().map(|(_, line)| line.key_at).min().unwrap_or(line.key_at);
        let node = if below.is_empty() || depth == MAX_DEPTH {
            nodes.add(Node::Scalar)
        } else {
            survey(&below, depth + 1, nodes)
        };
        entries.push(Entry { key: name.to_owned(), key_at, value: Place { at: line.value_at, node } });
    }
    nodes.add(Node::map(entries))
}
