//! From a document's bytes to a typed value, or to findings that say what is wrong and where.
//! The one door to all formats. Must not know schemas, sources or the merged tree.
//!
//! Limits, the same for every format: 1 MiB of text, 64 levels of nesting, integers of 64 bits, UTF-8.

mod limits;
mod places;
mod problem;

mod entries;
mod tree;

mod env;
mod json;
mod properties;
mod toml;
mod yaml;

#[cfg(test)]
mod tests;

use crate::document::{DocumentName, Format};
use crate::finding::{Finding, Position};
use crate::value::{Path, Value};

pub use places::Places;
use problem::Problem;

/// How plain scalars of YAML are read. Applies to YAML documents only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Dialect {
    /// As most libraries that read YAML 1.1 do: `yes`, `no`, `on` and `off` are booleans, `0755` is octal,
    /// `1_000` and `0b11` are integers, `1:30` counts in sixties.
    Yaml11,
    /// The core schema of YAML 1.2, read strictly: only `true` and `false` are booleans, only `0x`, `0o` and `0b`
    /// begin an integer that is not decimal; `yes`, `0755`, `1_000` and `1:30` are text.
    #[default]
    Yaml12,
}

/// Reads a document in the format that its name says.
///
/// None for text and binary documents, which have no inner structure. An empty YAML document is null. The values of
/// `.env` and `.properties` are all text; dotted keys of `.properties` are nested maps; dates of TOML are text.
///
/// A key that occurs twice in one map is refused in every format, and so is whatever has no exact place in a JSON
/// value: integers beyond 64 bits, infinity, null or a list as a key, a tag that is not YAML's own, a second YAML
/// document.
///
/// # Errors
/// One or more findings, each with the document and, wherever there is one, line and column. None of them quotes
/// the document's content.
pub fn parse(name: &DocumentName, content: &[u8], dialect: Dialect) -> Result<Option<Value>, Vec<Finding>> {
    read(Format::of(name, content), content, dialect)
        .map_err(|problems| problems.into_iter().map(|problem| problem.into_finding(name)).collect())
}

fn read(format: Format, content: &[u8], dialect: Dialect) -> Result<Option<Value>, Vec<Problem>> {
    limits::check_size(content)?;
    match format {
        Format::Yaml => yaml::parse(limits::as_text(content)?, dialect).map(Some),
        Format::Json => json::parse(limits::as_text(content)?).map(Some),
        Format::Toml => toml::parse(limits::as_text(content)?).map(Some),
        Format::Env => env::parse(limits::as_text(content)?).map(Some),
        Format::Properties => properties::parse(limits::as_text(content)?).map(Some),
        Format::Text | Format::Binary => Ok(None),
    }
}

/// Where the value at `path` stands in the text; for a missing key, where its nearest existing parent stands.
///
/// Costs a second reading of the document, so ask only when a finding needs it, and ask [`places`] for several.
/// None when the document has no structure or cannot be read.
#[must_use]
pub fn locate(name: &DocumentName, content: &[u8], path: &Path) -> Option<Position> {
    Some(places(name, content)?.find(path))
}

/// The places of all parts of a document, for several findings in it. None as for [`locate`].
#[must_use]
pub fn places<'content>(name: &DocumentName, content: &'content [u8]) -> Option<Places<'content>> {
    let format = Format::of(name, content);
    limits::check_size(content).ok()?;
    let text = limits::as_text(content).ok()?;
    match format {
        Format::Yaml => yaml::places(text),
        Format::Json => json::places(text),
        Format::Toml => toml::places(text),
        Format::Env => Some(env::places(text)),
        Format::Properties => Some(properties::places(text)),
        Format::Text | Format::Binary => None,
    }
}
