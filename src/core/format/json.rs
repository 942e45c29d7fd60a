//! JSON: read by serde_json within our limits; refused texts are explained by our scanner, which also knows places.
//! Must not quote what the document holds.

mod scan;

#[cfg(test)]
mod tests;

use serde::de::DeserializeSeed;

use super::places::Places;
use super::problem::Problem;
use super::tree::{Tree, Watch};
use crate::finding::{Position, Rule};
use crate::value::Value;

/// Reads a JSON text.
pub(super) fn parse(text: &str) -> Result<Value, Vec<Problem>> {
    let watch = Watch::new(text);
    match read(text, &watch) {
        Ok(value) if !watch.doubtful() => Ok(value),
        outcome => explain(text, outcome),
    }
}

/// Where the parts of a JSON text stand; none when it cannot be read.
pub(super) fn places(text: &str) -> Option<Places<'_>> {
    scan::scan(text).0
}

fn read(text: &str, watch: &Watch) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Tree::new(watch).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// A second reading that says what is wrong and where; the first one's word only if this one finds nothing.
fn explain(text: &str, outcome: Result<Value, serde_json::Error>) -> Result<Value, Vec<Problem>> {
    scan::scan(text).1.or(())?;
    outcome.map_err(|error| {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).max(1);
        let position = Position { line: number(error.line()), column: number(error.column()) };
        vec![Problem::new(Rule::Syntax, "this is not valid JSON").at_position(position)]
    })
}
