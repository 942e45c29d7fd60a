//! A ConfigSchema as it stands in a file, for programs that have no cluster to ask for it.
//! Must not know the types of Kubernetes; that both readings agree is held by a test of the root package.

use serde::Deserialize;

use super::spec::{CelRule, DocumentRules, KeyDependency, MergedRules, SchemaFault, SchemaSpec, UnknownFields};
use crate::document::DocumentName;
use crate::finding::Severity;
use crate::format::{self, Dialect};
use crate::tree::Tree;
use crate::value::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    #[serde(default, rename = "metadata")]
    _metadata: Value,
    #[serde(default)]
    spec: Spec,
    #[serde(default, rename = "status")]
    _status: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    documents: Vec<Documents>,
    merged: Option<Merged>,
    #[serde(default)]
    unknown_fields: Unknown,
    #[serde(default)]
    yaml: Yaml,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Documents {
    #[serde(rename = "match")]
    pattern: String,
    #[serde(default)]
    required: bool,
    schema: Option<Value>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Merged {
    schema: Option<Value>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    rule: String,
    message: Option<String>,
    message_expression: Option<String>,
    field_path: Option<String>,
    #[serde(default)]
    optional_old_self: bool,
    #[serde(default)]
    severity: Weight,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dependency {
    when: String,
    requires: Vec<String>,
    #[serde(default)]
    severity: Weight,
}

#[derive(Default, Deserialize)]
enum Weight {
    #[default]
    Error,
    Warning,
}

#[derive(Default, Deserialize)]
enum Unknown {
    #[default]
    Deny,
    Allow,
    Warn,
}

#[derive(Default, Deserialize)]
enum Yaml {
    #[serde(rename = "1.1")]
    V1_1,
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
}

/// Reads a file with one ConfigSchema, in YAML or JSON.
///
/// # Errors
/// What is wrong with the file, with its place. Whether the rules themselves are sound is for
/// [`compile`](super::compile) to say.
pub fn read_manifest(content: &[u8]) -> Result<SchemaSpec, SchemaFault> {
    let fault = |problem: String| SchemaFault::new("manifest", problem);
    let name = DocumentName::parse("manifest.yaml").map_err(|error| fault(error.to_string()))?;
    let value = format::parse(&name, content, Dialect::Yaml12).map_err(|findings| {
        let first = findings.first().map(ToString::to_string);
        fault(first.unwrap_or_else(|| "cannot be read".to_owned()))
    })?;
    let value = value.unwrap_or_default();
    let tree = Tree::from(&value);
    let manifest: Manifest = serde_json::from_value(value).map_err(|error| {
        // The tree knows the place, but takes some texts for numbers; the plain reading is strict and knows none.
        fault(tree.read::<Manifest>("").err().map_or_else(|| error.to_string(), |error| error.to_string()))
    })?;
    if (manifest.api_version.as_str(), manifest.kind.as_str()) != ("rekindle.dev/v1alpha1", "ConfigSchema") {
        return Err(fault("it must be a ConfigSchema of rekindle.dev/v1alpha1".to_owned()));
    }
    Ok(manifest.spec.into())
}

impl From<Spec> for SchemaSpec {
    fn from(spec: Spec) -> Self {
        Self {
            documents: spec.documents.into_iter().map(DocumentRules::from).collect(),
            merged: spec.merged.map(MergedRules::from),
            unknown_fields: match spec.unknown_fields {
                Unknown::Deny => UnknownFields::Deny,
                Unknown::Allow => UnknownFields::Allow,
                Unknown::Warn => UnknownFields::Warn,
            },
            dialect: match spec.yaml {
                Yaml::V1_1 => Dialect::Yaml11,
                Yaml::V1_2 => Dialect::Yaml12,
            },
        }
    }
}

impl From<Documents> for DocumentRules {
    fn from(Documents { pattern, required, schema, rules }: Documents) -> Self {
        Self { pattern, required, schema, rules: rules.into_iter().map(CelRule::from).collect() }
    }
}

impl From<Merged> for MergedRules {
    fn from(Merged { schema, rules, dependencies }: Merged) -> Self {
        let dependency = |Dependency { when, requires, severity }| KeyDependency {
            when,
            requires,
            severity: Severity::from(severity),
        };
        Self {
            schema,
            rules: rules.into_iter().map(CelRule::from).collect(),
            dependencies: dependencies.into_iter().map(dependency).collect(),
        }
    }
}

impl From<Rule> for CelRule {
    fn from(rule: Rule) -> Self {
        let Rule { rule, message, message_expression, field_path, optional_old_self, severity } = rule;
        Self { rule, message, message_expression, field_path, optional_old_self, severity: severity.into() }
    }
}

impl From<Weight> for Severity {
    fn from(weight: Weight) -> Self {
        match weight {
            Weight::Error => Self::Error,
            Weight::Warning => Self::Warning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read_manifest(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_is_held_to_its_kind_and_its_spelling() {
        let head = "apiVersion: rekindle.dev/v1alpha1\nkind: ConfigSchema\nmetadata: {name: a}\n";
        assert_eq!(read_manifest(head.as_bytes()), Ok(SchemaSpec::default()));
        assert!(refused("a: [").starts_with("manifest: manifest.yaml:1:"));
        assert_eq!(
            refused("apiVersion: v1\nkind: ConfigMap\n"),
            "manifest: it must be a ConfigSchema of rekindle.dev/v1alpha1"
        );
        let misspelled = refused(&format!("{head}spec: {{documents: [{{match: a, requird: true}}]}}\n"));
        assert!(misspelled.starts_with("manifest: `spec.documents[0]` has the key \"requird\""), "{misspelled}");
        let quoted = refused(&format!("{head}spec: {{documents: [{{match: a, required: 'true'}}]}}\n"));
        assert!(quoted.contains("invalid type"), "{quoted}");
    }
}
