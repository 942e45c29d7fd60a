//! YAML as people write it, by serde-saphyr with its strict options.
//! Must not quote what the document holds.

use serde::de::DeserializeSeed;
use serde_saphyr::Options;
use serde_saphyr::options::MergeKeyPolicy;

use super::Dialect;
use super::limits::MAX_DEPTH;
use super::problem::Problem;
use super::tree::{Tree, Watch};
use crate::finding::{Position, Rule};
use crate::value::Value;

/// Reads a YAML text.
pub(super) fn parse(text: &str, _dialect: Dialect) -> Result<Value, Vec<Problem>> {
    let watch = Watch::new(text);
    let read = |deserializer: serde_saphyr::Deserializer<'_, '_>| Tree::new(&watch).deserialize(deserializer);
    serde_saphyr::with_deserializer_from_str_with_options(text, strict(), read).map_err(|error| {
        let problem = Problem::new(Rule::Syntax, "this is not valid YAML");
        let place = error.location().and_then(|place| {
            Some(Position { line: u32::try_from(place.line()).ok()?, column: u32::try_from(place.column()).ok()? })
        });
        vec![match place {
            Some(position) => problem.at(position),
            None => problem,
        }]
    })
}

fn strict() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        ignore_binary_tag_for_string: true,
        reject_unsupported_tags: true,
        merge_keys: MergeKeyPolicy::Merge,
        with_snippet: false,
        emit_comments: false,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
    }
}
