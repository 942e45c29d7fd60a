//! Guides from schemas as people write them.
//! Must not look at how the guide is used.

use serde_json::json;

use super::*;
use crate::redact::Redaction;
use crate::validate::{DocumentRules, MergedRules, SchemaSpec, compile};
use crate::value::{Path, Value};

fn rules(pattern: &str, schema: Value) -> DocumentRules {
    DocumentRules { pattern: pattern.to_owned(), schema: Some(schema), ..DocumentRules::default() }
}

fn spec() -> SchemaSpec {
    let secret = json!({"type": "string", "x-rekindle-secret": true});
    let hosts = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "pin": secret}},
    });
    SchemaSpec {
        documents: vec![
            rules("app.yaml", json!({"type": "object", "properties": {"hosts": hosts}})),
            rules("*.env", json!({"type": "object", "additionalProperties": secret})),
        ],
        merged: Some(MergedRules {
            schema: Some(json!({"type": "object", "properties": {
                "db": {"type": "object", "x-rekindle-secret": true, "properties": {"host": {"type": "string"}}},
            }})),
            ..MergedRules::default()
        }),
        ..SchemaSpec::default()
    }
}

#[test]
fn the_tree_is_guided_by_all_that_is_said_of_documents_and_tree() {
    let guide = compile(&spec()).unwrap().guide();
    let redaction = Redaction::none().and_guide(guide.clone());
    let root = Path::root();
    assert!(redaction.hides(&root.key("db").key("host")), "all below a secret is secret");
    assert!(redaction.hides(&root.key("hosts").index(7).key("pin")));
    assert!(redaction.hides(&root.key("ANYTHING")), "additionalProperties of one document");
    assert!(redaction.hides(&root.key("hosts")), "in doubt: it could come from that document as well");
    assert_eq!(guide.at_key("hosts").unwrap().identity(), ["name"]);
}

#[test]
fn a_document_is_guided_by_what_matches_its_name() {
    let schema = compile(&spec()).unwrap();
    let of = |name: &str| schema.guide_of(&DocumentName::parse(name).unwrap());
    let app = Redaction::none().and_guide(of("app.yaml"));
    assert!(app.hides(&Path::root().key("hosts").index(7).key("pin")));
    assert!(!app.hides(&Path::root().key("hosts").index(7).key("name")));
    assert!(of("web.env").secret_on_the_way(Path::root().key("KEY").segments()));
    assert!(!of("app.yaml").secret_on_the_way(Path::root().key("KEY").segments()));
    assert_eq!(of("other"), Guide::default());
}

#[test]
fn a_mark_that_could_be_missed_is_a_fault() {
    for (schema, expected) in [
        (json!({"type": "string", "x-rekindle-secret": "yes"}), "documents[0].schema.x-rekindle-secret"),
        (
            json!({"type": "object", "allOf": [{"properties": {"a": {"x-rekindle-secret": true}}}]}),
            "documents[0].schema.allOf[0].properties[a].x-rekindle-secret",
        ),
    ] {
        let spec = SchemaSpec { documents: vec![rules("a", schema)], ..SchemaSpec::default() };
        let places: Vec<_> = compile(&spec).unwrap_err().into_iter().map(|fault| fault.place).collect();
        assert!(places.contains(&expected.to_owned()), "{places:?}");
    }
}
