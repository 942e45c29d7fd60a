//! Unknown keys: where they are found and what is advised.

use serde_json::json;

use super::super::read;
use super::*;

fn unknown(schema: Value, value: Value) -> Vec<String> {
    let node = read::read(&schema, "schema").unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut finder = Finder::new();
    check(&node, &value, UnknownFields::Deny, &mut finder);
    finder
        .into_findings()
        .iter()
        .map(|finding| format!("{} {}", finding.path, finding.hint.as_deref().unwrap_or("-")))
        .collect()
}

#[test]
fn keys_are_unknown_where_the_server_would_drop_them() {
    let a = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"o": a, "l": {"type": "array", "items": a}}});
    let table = [
        (a.clone(), json!({"b": 1}), vec!["b known keys: a"]),
        (json!({"type": "object"}), json!({"b": 1}), vec!["b -"]),
        (json!({"type": "array", "items": a}), json!([{"b": 1}, 2]), vec!["[0].b known keys: a"]),
        (
            open.clone(),
            json!({"b": {"c": 1}, "o": {"b": 1}, "l": [{"b": 1}]}),
            vec!["l[0].b known keys: a", "o.b known keys: a"],
        ),
        (json!({"x-kubernetes-preserve-unknown-fields": true}), json!([{"b": 1}]), vec![]),
        (json!({"type": "array", "x-kubernetes-preserve-unknown-fields": true, "items": a}), json!([{"b": 1}]), vec![]),
        (json!({"type": "object", "additionalProperties": true}), json!({"b": {"c": 1}}), vec!["b.c -"]),
        (json!({"type": "object", "additionalProperties": true}), json!({"b": [{"c": 1}]}), vec!["b[0].c -"]),
        (json!({"type": "object", "additionalProperties": false}), json!({"b": 1}), vec![]),
        (json!({"type": "object", "additionalProperties": a}), json!({"x": {"b": 1}}), vec!["x.b known keys: a"]),
    ];
    for (schema, value, expected) in table {
        assert_eq!(unknown(schema.clone(), value.clone()), expected, "{schema} {value}");
    }
}

#[test]
fn the_nearest_key_is_advised() {
    let integer = json!({"type": "integer"});
    let few = json!({"type": "object", "properties": {"poolSize": integer, "name": integer}});
    assert_eq!(unknown(few.clone(), json!({"poolsize": 1})), ["poolsize did you mean \"poolSize\"?"]);
    assert_eq!(unknown(few.clone(), json!({"pool_size": 1})), ["pool_size did you mean \"poolSize\"?"]);
    assert_eq!(unknown(few, json!({"other": 1})), ["other known keys: name, poolSize"]);
    let many: serde_json::Map<String, Value> =
        (10..30).map(|number| (format!("key{number}xyz"), integer.clone())).collect();
    assert_eq!(unknown(json!({"type": "object", "properties": many}), json!({"other": 1})), ["other -"]);
    assert_eq!(distance("", "abc"), 3);
    assert_eq!(distance("kitten", "sitting"), 3);
}
