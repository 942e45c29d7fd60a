//! Defaults: where they are filled in, and where they are only told.

use serde_json::json;

use super::super::read;
use super::*;

fn node(schema: Value) -> Node {
    read::read(&schema, "schema").unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn with_defaults() -> Node {
    let level = json!({"type": "string", "default": "info"});
    let logs = json!({"type": "object", "properties": {"level": level}});
    node(json!({
        "type": "object",
        "properties": {
            "level": level,
            "logs": logs,
            "whole": {"type": "object", "default": {}, "properties": {"level": level}},
            "list": {"type": "array", "items": logs},
            "map": {"type": "object", "additionalProperties": logs},
            "plain": {"type": "integer"},
        },
    }))
}

#[test]
fn what_is_missing_is_filled_in_everywhere() {
    let node = with_defaults();
    let value = json!({"logs": {}, "list": [{}, {"level": "x"}, null], "map": {"a": {}}, "plain": 1, "other": {}});
    let full = fill(&node, &value).unwrap_or_default();
    assert_eq!(
        full,
        json!({
            "level": "info", "logs": {"level": "info"}, "whole": {"level": "info"},
            "list": [{"level": "info"}, {"level": "x"}, null], "map": {"a": {"level": "info"}}, "plain": 1, "other": {},
        })
    );
    let paths: Vec<String> = missing(&node, &value).iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["level", "whole", "list[0].level", "logs.level", "map.a.level"]);
}

#[test]
fn null_is_not_missing() {
    let value = json!({"level": null, "whole": {"level": "x"}});
    assert_eq!(fill(&with_defaults(), &value), None);
}

#[test]
fn without_defaults_nothing_is_looked_for() {
    let node = node(json!({"type": "object", "properties": {"a": {"type": "integer"}}}));
    assert_eq!(fill(&node, &json!({})), None);
    assert_eq!(fill(&node, &json!("x")), None);
}
