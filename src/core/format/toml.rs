//! TOML, by the crate toml: the only module that names it. Dates and times become text in the form of RFC 3339.
//! Must not quote what the document holds.

mod depth;

#[cfg(test)]
mod tests;

use serde_json::{Map, Number};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue, Error};

use super::limits::MAX_DEPTH;
use super::places::{Entry, Node, NodeId, Nodes, Place, Places};
use super::problem::{Problem, Problems};
use crate::finding::Rule;
use crate::value::{Segment, Value};

/// Reads a TOML text.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let mut reader = Reader { text, problems: Problems::default() };
    if let Some(at) = depth::too_deep(text) {
        return Err(vec![Problem::too_deep().at_offset(text, at)]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        reader.problems.push(explain(text, error));
    }
    if !errors.is_empty() {
        return Err(reader.problems.into_list());
    }
    let value = reader.table(table.into_inner(), 0);
    reader.problems.or(value)
}

/// Where the parts of a TOML text stand; none when it cannot be read.
pub(super) fn places(text: &str) -> Option<Places<'_>> {
    if depth::too_deep(text).is_some() {
        return None;
    }
    let table = DeTable::parse(text).ok()?;
    let mut nodes = Nodes::default();
    let root = Place { at: 0, node: survey_table(table.get_ref(), &mut nodes) };
    Some(nodes.into_places(text, root))
}

struct Reader<'text> {
    text: &'text str,
    problems: Problems,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>, depth: usize) -> Value {
        let mut map = Map::new();
        for (key, value) in table {
            let known = self.problems.len();
            let value = self.value(value, depth + 1);
            let key = key.into_inner().into_owned();
            self.problems.below(known, || Segment::Key(key.clone()));
            map.insert(key, value);
        }
        Value::Object(map)
    }

    fn value(&mut self, value: Spanned<DeValue<'_>>, depth: usize) -> Value {
        let at = value.span().start;
        let problem = match value.into_inner() {
            DeValue::String(text) => return Value::String(text.into_owned()),
            DeValue::Boolean(yes) => return Value::Bool(yes),
            DeValue::Datetime(time) => return Value::String(time.to_string()),
            DeValue::Integer(number) => match integer(&number) {
                Some(number) => return Value::Number(number),
                None => Problem::too_wide(),
            },
            DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => return Value::Number(number),
                None => Problem::not_finite(),
            },
            DeValue::Array(_) | DeValue::Table(_) if depth == MAX_DEPTH => Problem::too_deep(),
            DeValue::Table(table) => return self.table(table, depth),
            DeValue::Array(items) => {
                let mut list = Vec::new();
                for item in items {
                    let known = self.problems.len();
                    let item = self.value(item, depth + 1);
                    self.problems.below(known, || Segment::Index(list.len()));
                    list.push(item);
                }
                return Value::Array(list);
            }
        };
        self.problems.push(problem.at_offset(self.text, at));
        Value::Null
    }
}

fn integer(number: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (number.as_str(), number.radix());
    let signed = i64::from_str_radix(digits, radix).ok().map(Number::from);
    signed.or_else(|| u64::from_str_radix(digits, radix).ok().map(Number::from))
}

/// In our words: the library's may quote the text.
fn explain(text: &str, error: &Error) -> Problem {
    let at = error.span().map_or(text.len(), |span| span.start);
    let said = error.message();
    let problem = if said.starts_with("duplicate key") {
        Problem::duplicate_key()
    } else if said.starts_with("cannot extend value") {
        Problem::new(Rule::DuplicateKey, "the key has a value already that no key can be added to")
    } else if said.starts_with("cannot recurse further") {
        Problem::too_deep()
    } else {
        let known = MESSAGES.iter().find(|(theirs, ..)| said.contains(theirs));
        let (message, hint) = known.map_or(("this is not valid TOML", ""), |(_, message, hint)| (*message, *hint));
        let problem = Problem::new(Rule::Syntax, message);
        if hint.is_empty() { problem } else { problem.hint(hint) }
    };
    problem.at_offset(text, at)
}

/// What the library says, what we say, and a hint.
const MESSAGES: [(&str, &str, &str); 10] = [
    ("escaped value", "the quoted text contains an escape that TOML does not have", "use single quotes or `\\\\`"),
    (
        "string values must be quoted",
        "this is no value of TOML; text stands in quotes",
        "put text in quotes, and commas between the items of a list",
    ),
    ("key with no value", "the key has no value", "write `key = value`"),
    ("missing value", "the value is missing", ""),
    ("missing assignment", "a comma stands where a `=` and a value are missing", ""),
    ("unclosed", "a bracket is not closed", "close it"),
    ("leading zero", "a number may not begin with zeros", "put it in quotes if it is meant as text"),
    ("invalid unquoted key", "the key contains a character that needs quotes", "put the key in quotes"),
    ("invalid basic string", "the quoted text is not closed", "close it with the quote that opened it"),
    ("comma", "a comma is missing or stands once too often", ""),
];

fn survey(value: &Spanned<DeValue<'_>>, nodes: &mut Nodes) -> Place {
    let node = match value.get_ref() {
        DeValue::Table(table) => survey_table(table, nodes),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| survey(item, nodes)).collect();
            nodes.add(Node::List(items))
        }
        _ => nodes.add(Node::Scalar),
    };
    Place { at: value.span().start, node }
}

fn survey_table(table: &DeTable<'_>, nodes: &mut Nodes) -> NodeId {
    let entries = table.iter().map(|(key, value)| Entry {
        key: key.get_ref().to_string(),
        key_at: key.span().start,
        value: survey(value, nodes),
    });
    let entries = entries.collect();
    nodes.add(Node::map(entries))
}
