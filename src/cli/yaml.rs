//! Writes YAML; the one place that names the crate which does it.
//! Must not read any: what users write is parsed in the core, strictly.

use serde::Serialize;

/// Why a value could not be written as YAML.
#[derive(Debug, thiserror::Error)]
pub enum WriteYamlError {
    /// It is no tree of plain values.
    #[error("take the value apart")]
    Value(#[from] serde_json::Error),
    /// It cannot be said in YAML.
    #[error("write the value as YAML")]
    Yaml(#[from] serde_yaml::Error),
}

/// The value as one YAML document, without a `---` before it.
///
/// # Errors
/// The value cannot be said in YAML, for example because a key of a map is itself a map.
pub fn to_yaml<T: Serialize>(value: &T) -> Result<String, WriteYamlError> {
    Ok(serde_yaml::to_string(value)?)
}
