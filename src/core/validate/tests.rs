//! Whole schemas over whole configurations.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::*;
use crate::document::Documents;
use crate::finding::{Severity, any_error};

/// The core has no clock; its tests look at one to see that work is bounded.
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests measure, nothing depends on it")]
pub(super) fn elapsed() -> std::time::Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

fn name(text: &str) -> DocumentName {
    DocumentName::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn spec(schema: Value) -> SchemaSpec {
    let rules = DocumentRules { pattern: "*.yaml".to_owned(), schema: Some(schema), ..DocumentRules::default() };
    SchemaSpec { documents: vec![rules], ..SchemaSpec::default() }
}

fn compiled(spec: &SchemaSpec) -> Schema {
    compile(spec).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn configuration(documents: &[(&str, Value)]) -> Configuration {
    let source: BTreeMap<DocumentName, Bytes> =
        documents.iter().map(|(key, value)| (name(key), Bytes::from(value.to_string()))).collect();
    Configuration::parse(Documents::join([source]), Dialect::Yaml12).unwrap_or_else(|findings| panic!("{findings:?}"))
}

fn validate(schema: &Schema, documents: &[(&str, Value)]) -> Vec<Finding> {
    schema.validate(&configuration(documents), None)
}

/// Without positions, which are the business of formats.
fn shown(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| Finding { position: None, ..finding.clone() }.to_string()).collect()
}

#[test]
fn a_document_follows_every_entry_that_matches_its_name() {
    let integer = |key: &str| json!({"type": "object", "properties": {key: {"type": "integer"}}});
    let mut spec = spec(integer("a"));
    spec.unknown_fields = UnknownFields::Allow;
    spec.documents.push(DocumentRules {
        pattern: "app.*".to_owned(),
        schema: Some(integer("b")),
        ..DocumentRules::default()
    });
    let findings =
        validate(&compiled(&spec), &[("app.yaml", json!({"a": "x", "b": "x"})), ("b.json", json!({"a": "x"}))]);
    assert_eq!(
        shown(&findings),
        [
            "app.yaml: a: must be an integer, not a string (Type)",
            "app.yaml: b: must be an integer, not a string (Type)"
        ]
    );
}

#[test]
fn a_required_document_must_be_there() {
    let mut spec = spec(json!({"type": "object"}));
    spec.documents[0].required = true;
    let schema = compiled(&spec);
    assert_eq!(shown(&validate(&schema, &[])), ["no document matches *.yaml (RequiredDocument)"]);
    assert!(validate(&schema, &[("a.yaml", json!({}))]).is_empty());
}

#[test]
fn unknown_keys_are_denied_warned_of_or_allowed() {
    let mut spec = spec(json!({"type": "object", "properties": {"size": {"type": "integer"}}}));
    let document = [("a.yaml", json!({"sise": 1}))];
    let findings = validate(&compiled(&spec), &document);
    assert_eq!(shown(&findings), ["a.yaml: sise: the schema does not know this key (UnknownField)"]);
    assert_eq!(findings[0].hint.as_deref(), Some("did you mean \"size\"?"));
    spec.unknown_fields = UnknownFields::Warn;
    let findings = validate(&compiled(&spec), &document);
    assert_eq!(findings[0].severity, Severity::Warning);
    spec.unknown_fields = UnknownFields::Allow;
    assert!(validate(&compiled(&spec), &document).is_empty());
}

#[test]
fn the_merged_tree_has_rules_of_its_own() {
    let merged = MergedRules {
        schema: Some(json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "required": ["b"]})),
        dependencies: vec![KeyDependency {
            when: "tls.enabled".to_owned(),
            requires: vec!["tls.cert".to_owned()],
            severity: Severity::Warning,
        }],
        ..MergedRules::default()
    };
    let spec = SchemaSpec { merged: Some(merged), dialect: Dialect::Yaml11, ..SchemaSpec::default() };
    let schema = compiled(&spec);
    assert_eq!(schema.dialect(), Dialect::Yaml11);
    let findings = validate(&schema, &[("a.yaml", json!({"tls": {"enabled": true}}))]);
    assert_eq!(
        shown(&findings),
        ["b: is required and missing (Required)", "tls.cert: is missing, and tls.enabled needs it (Dependency)"]
    );
    assert!(any_error(&findings));
    assert!(
        validate(&schema, &[("a.yaml", json!({"b": 1})), ("b.yaml", json!({"tls": {"enabled": false}}))]).is_empty()
    );
}

#[test]
fn defaults_count_as_set_and_are_told() {
    let schema = compiled(&spec(json!({
        "type": "object",
        "required": ["size"],
        "properties": {"size": {"type": "integer", "default": 5, "maximum": 9}, "name": {"type": "string"}},
    })));
    let configuration = configuration(&[("a.yaml", json!({"name": "x"}))]);
    assert!(schema.validate(&configuration, None).is_empty());
    assert_eq!(schema.defaulted(&configuration), [(Some(name("a.yaml")), Path::root().key("size"))]);
}

#[test]
fn every_fault_of_a_schema_is_told_with_its_place() {
    let mut spec = spec(json!({"type": "objekt", "properties": {"a": {"pattern": "("}}}));
    spec.documents.push(DocumentRules { pattern: "[".to_owned(), ..DocumentRules::default() });
    spec.merged = Some(MergedRules {
        schema: Some(json!({})),
        dependencies: vec![KeyDependency { when: "a..b".to_owned(), requires: vec![], severity: Severity::Error }],
        ..MergedRules::default()
    });
    let faults = compile(&spec).err().unwrap_or_default();
    let places: Vec<_> = faults.iter().map(|fault| fault.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "documents[0].schema.type",
            "documents[0].schema.properties[a].pattern",
            "documents[0].schema.properties[a].type",
            "documents[1].match",
            "merged.schema.type",
            "merged.dependencies[0].when",
        ]
    );
}

#[test]
fn a_schema_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Schema>();
}
