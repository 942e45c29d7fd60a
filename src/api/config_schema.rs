//! ConfigSchema: what the documents of a configuration and its merged tree must satisfy.
//! Schemas are kept as they are written; whether they are sound is found by the operator, and said in the status.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::Severity;
use crate::shapes;

/// What a configuration must satisfy.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rekindle.dev",
    version = "v1alpha1",
    kind = "ConfigSchema",
    plural = "configschemas",
    // `cs` is taken: kubectl reads it as ComponentStatus.
    shortname = "csc",
    category = "rekindle",
    namespaced,
    status = "ConfigSchemaStatus",
    derive = "PartialEq",
    doc = "A ConfigSchema says what the documents of a configuration and the tree that they are merged into must \
           satisfy before any pod sees them.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether configurations can be checked against it"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why not"
    ),
    printcolumn(
        name = "Unknown-Fields",
        type_ = "string",
        json_path = ".spec.unknownFields",
        description = "What happens to keys that the schema does not name"
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        description = "The reason in a sentence",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSchemaSpec {
    /// What single documents must satisfy, at most 64 entries. A document must satisfy every entry that matches its
    /// name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub documents: Vec<DocumentRules>,
    /// What the tree must satisfy that all documents are merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergedRules>,
    /// What happens to keys that a schema does not name: `Deny` refuses them, `Warn` reports them, `Allow` ignores
    /// them. Default: `Deny`.
    #[serde(default)]
    pub unknown_fields: UnknownFields,
    /// The YAML that the application reads: in `1.1` the words yes, no, on and off are true and false and `010` is
    /// eight; in `1.2` the words are text and `010` is ten. Default: `1.2`.
    #[serde(default)]
    pub yaml: YamlDialect,
}

/// What documents of some names must satisfy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentRules {
    /// A glob over document names, such as `app.yaml` or `*.json`.
    #[serde(rename = "match")]
    #[schemars(schema_with = "shapes::glob")]
    pub match_: String,
    /// Whether at least one document must match. Default: false.
    #[serde(default)]
    pub required: bool,
    /// A structural OpenAPI v3 schema, as a CustomResourceDefinition has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::free_form")]
    pub schema: Option<Value>,
    /// Rules in CEL about the document, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub rules: Vec<ValidationRule>,
}

/// What the merged tree must satisfy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergedRules {
    /// A structural OpenAPI v3 schema, as a CustomResourceDefinition has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::free_form")]
    pub schema: Option<Value>,
    /// Rules in CEL about the tree, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub rules: Vec<ValidationRule>,
    /// Keys that need others beside them, at most 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128))]
    pub dependencies: Vec<DependencyRule>,
}

/// A rule in CEL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValidationRule {
    /// The expression, at most 4096 characters; it must be true. `self` is the value, `oldSelf` the same of the
    /// version that is active; where there is none, a rule that uses `oldSelf` is not applied.
    #[schemars(length(min = 1, max = 4096))]
    pub rule: String,
    /// What to say when it is not, at most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// An expression that makes the message, at most 4096 characters; `message` serves where it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub message_expression: Option<String>,
    /// The value that the rule is about, such as `.pool.size`, for the finding, at most 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub field_path: Option<String>,
    /// Whether a rule that uses `oldSelf` is applied also where there is no older value; `oldSelf` is then an
    /// optional. Default: false.
    #[serde(default)]
    pub optional_old_self: bool,
    /// `Error` refuses the configuration, `Warning` only reports. Default: `Error`.
    #[serde(default)]
    pub severity: Severity,
}

/// A key that needs others beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DependencyRule {
    /// The path of a key, such as `tls.enabled`. The rule applies when it is there and neither false nor null.
    #[schemars(length(min = 1, max = 512))]
    pub when: String,
    /// The paths of the keys that must be there too, 1 to 32.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 512)))]
    pub requires: Vec<String>,
    /// `Error` refuses the configuration, `Warning` only reports. Default: `Error`.
    #[serde(default)]
    pub severity: Severity,
}

/// What happens to keys that a schema does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum UnknownFields {
    /// They refuse the configuration.
    #[default]
    Deny,
    /// They are ignored.
    Allow,
    /// They are reported.
    Warn,
}

/// The YAML that an application reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum YamlDialect {
    /// YAML 1.1.
    #[serde(rename = "1.1")]
    V1_1,
    /// YAML 1.2, core schema.
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
}

/// Whether a schema can be used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigSchemaStatus {
    /// The generation of the specification that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready: whether configurations can be checked against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shapes::conditions")]
    pub conditions: Vec<Condition>,
    /// What is wrong with the schema itself, at most 50. While there is anything, policies hold what they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub faults: Vec<SchemaFault>,
}

/// One thing that is wrong with a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaFault {
    /// Where in the specification, such as `documents[0].rules[1].rule`.
    #[schemars(length(max = 1024))]
    pub place: String,
    /// The line in an expression, beginning with 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub line: Option<u32>,
    /// The column in that line, beginning with 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub column: Option<u32>,
    /// What is wrong.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub hint: Option<String>,
}
