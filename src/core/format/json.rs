//! JSON, by serde_json with our limits.
//! Must not quote what the document holds.

use serde::de::DeserializeSeed;

use super::problem::{Problem, count};
use super::tree::{Tree, Watch};
use crate::finding::{Position, Rule};
use crate::value::Value;

/// Reads a JSON text.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let watch = Watch::new(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Tree::new(&watch).deserialize(&mut deserializer);
    match value.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) => {
            let position = Position { line: count(error.line()), column: count(error.column()) };
            Err(vec![Problem::new(Rule::Syntax, "this is not valid JSON").at(position)])
        }
    }
}
