//! What is wrong with a configuration, as statuses and records show it.
//! Must not carry a value out of the configuration.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// The configuration is refused.
    #[default]
    Error,
    /// Reported; the configuration is still valid.
    Warning,
}

/// One thing that is wrong with a configuration: where, and what to do about it. It never holds the value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// `Error` refuses the configuration, `Warning` only says something about it.
    pub severity: Severity,
    /// The document; absent for the merged tree and for the configuration as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub document: Option<String>,
    /// The line in the document, beginning with 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
    /// The column in the line, beginning with 1, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub column: Option<u32>,
    /// The path in the document or tree, such as `database.pools[0].size`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub path: Option<String>,
    /// The rule that is broken, such as `Maximum` or `DuplicateKey`.
    #[schemars(length(max = 64))]
    pub rule: String,
    /// What is wrong.
    #[schemars(length(max = 512))]
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub hint: Option<String>,
}
