//! YAML as people write it.
//! Dialect 1.2 is read by serde-saphyr with its strict options, and this is the only module that names it; dialect
//! 1.1 by our composer, which also explains whatever is refused. Must not quote what a document holds.

mod compose;
mod events;
mod places;
mod scalar;

#[cfg(test)]
mod tests;

use serde::de::DeserializeSeed;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options};

use super::Dialect;
use super::limits::MAX_DEPTH;
use super::places::Places;
use super::problem::Problem;
use super::tree::{Tree, Watch};
use crate::finding::{Position, Rule};
use crate::value::Value;

/// Reads a YAML text.
pub(super) fn parse(text: &str, dialect: Dialect) -> Result<Value, Vec<Problem>> {
    match dialect {
        Dialect::Yaml11 => compose::compose(text, dialect),
        Dialect::Yaml12 => {
            let watch = Watch::new(text);
            match read(text, &watch) {
                Ok(value) if !watch.doubtful() => Ok(value),
                outcome => explain(text, outcome),
            }
        }
    }
}

/// Where the parts of a YAML text stand.
pub(super) fn places(text: &str) -> Option<Places<'_>> {
    places::places(text)
}

fn read(text: &str, watch: &Watch) -> Result<Value, Error> {
    let build = |deserializer: serde_saphyr::Deserializer<'_, '_>| Tree::new(watch).deserialize(deserializer);
    serde_saphyr::with_deserializer_from_str_with_options(text, strict(), build)
}

/// A second reading that says what is wrong and where; the first one's word only if this one finds nothing.
fn explain(text: &str, outcome: Result<Value, Error>) -> Result<Value, Vec<Problem>> {
    compose::compose(text, Dialect::Yaml12)?;
    outcome.map_err(|error| {
        let problem = match &error {
            Error::DuplicateMappingKey { .. } => Problem::duplicate_key(),
            _ => Problem::new(Rule::Unsupported, "the strict YAML reader refuses what stands here"),
        };
        let position = error.location().and_then(|place| {
            Some(Position { line: u32::try_from(place.line()).ok()?, column: u32::try_from(place.column()).ok()? })
        });
        vec![match position {
            Some(position) => problem.at_position(position),
            None => problem,
        }]
    })
}

/// Only what YAML 1.2 says; nothing is guessed, dropped or repaired.
fn strict() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        ignore_binary_tag_for_string: true,
        reject_unsupported_tags: true,
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        non_finite_float_policy: NonFiniteFloatPolicy::Reject,
        with_snippet: false,
        // The tree counts what aliases expand to; these stop what never reaches it.
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_events: 4_000_000,
            max_nodes: 2_000_000,
            max_anchors: 100_000,
            max_aliases: 100_000,
            max_recorded_anchor_events: 400_000,
            max_total_scalar_bytes: 32 * 1024 * 1024,
            enforce_alias_anchor_ratio: false,
        },
    }
}
