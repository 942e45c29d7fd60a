//! Schemas that cannot be used, each fault with its place.

use serde_json::json;

use super::*;

/// The first fault of a schema, without its hint.
fn fault(schema: &Value) -> String {
    let faults = read(schema, "s").err().unwrap_or_default();
    faults.first().map(|fault| SchemaFault { hint: None, ..fault.clone() }.to_string()).unwrap_or_default()
}

#[test]
fn what_the_server_refuses_is_a_fault_with_its_place() {
    let text = json!({"type": "string"});
    let map = |items: Value, keys: Value| json!({"type": "array", "items": items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys});
    let keyed = |key: Value, required: Value| json!({"type": "object", "properties": {"a": key}, "required": required});
    let table = [
        (json!("string"), "s: a schema must be an object"),
        (json!({}), "s.type: the type is missing"),
        (json!({"type": "text"}), "s.type: there is no type \"text\""),
        (json!({"type": 1}), "s.type: must be a text"),
        (json!({"type": "string", "nullable": "x"}), "s.nullable: must be true or false"),
        (json!({"type": "string", "mimLength": 1}), "s.mimLength: this keyword is not known"),
        (json!({"$ref": "#"}), "s.$ref: $ref is not supported"),
        (json!({"type": "string", "const": 1}), "s.const: const is not supported"),
        (json!({"type": "array"}), "s.items: the schema of the items is missing"),
        (json!({"type": "array", "items": [text]}), "s.items: must be one schema, not a list"),
        (json!({"type": "object", "properties": [1]}), "s.properties: must be an object of schemas"),
        (
            json!({"type": "object", "properties": {"a": text}, "additionalProperties": text}),
            "s.additionalProperties: properties and additionalProperties exclude each other",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "x"}}),
            "s.additionalProperties.type: there is no type \"x\"",
        ),
        (json!({"type": "object", "required": "a"}), "s.required: must be a list of texts"),
        (json!({"type": "object", "required": [1]}), "s.required: must be a list of texts"),
        (
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": false}),
            "s.x-kubernetes-preserve-unknown-fields: must be true or left out",
        ),
        (
            json!({"x-kubernetes-int-or-string": true, "x-kubernetes-preserve-unknown-fields": true}),
            "s: it is either integer or string, or has unknown fields, not both",
        ),
        (json!({"type": "string", "enum": "a"}), "s.enum: must be a list of values"),
        (json!({"type": "string", "minLength": -1}), "s.minLength: must be a whole number from 0"),
        (json!({"type": "integer", "minimum": "1"}), "s.minimum: must be a number"),
        (json!({"type": "integer", "minimum": 0.5}), "s.minimum: must be a whole number for an integer"),
        (json!({"type": "number", "multipleOf": 0}), "s.multipleOf: must be greater than 0"),
        (json!({"type": "string", "pattern": "a("}), "s.pattern:1:3: a `(` is not closed"),
        (
            json!({"type": "string", "format": "regex"}),
            "s.format: format \"regex\" is not known for this type, so it would check nothing",
        ),
        (
            json!({"type": "integer", "format": "date"}),
            "s.format: format \"date\" is not known for this type, so it would check nothing",
        ),
        (
            json!({"type": "string", "not": {"format": "email"}}),
            "s.not.format: format \"email\" cannot be used below oneOf and not",
        ),
        (
            json!({"type": "string", "allOf": [{"type": "string"}]}),
            "s.allOf[0].type: type has no place below allOf, anyOf, oneOf and not",
        ),
        (
            json!({"type": "string", "anyOf": [{"nullable": true}]}),
            "s.anyOf[0].nullable: nullable has no place below allOf, anyOf, oneOf and not",
        ),
        (json!({"type": "string", "anyOf": {}}), "s.anyOf: must be a list of schemas"),
        (
            json!({"type": "string", "not": {"x-kubernetes-validations": []}}),
            "s.not.x-kubernetes-validations: rules have no place below allOf, anyOf, oneOf and not",
        ),
        (
            json!({"type": "object", "anyOf": [{"properties": {"a": {}}}]}),
            "s.anyOf[0].properties[a]: this key is not named in the schema outside",
        ),
        (json!({"type": "object", "not": {"items": {}}}), "s.not.items: the schema outside has no items"),
        (
            json!({"type": "object", "not": {"allOf": [{"not": {"properties": {"a": {}}}}]}}),
            "s.not.allOf[0].not.properties[a]: this key is not named in the schema outside",
        ),
        (
            json!({"type": "object", "properties": {"o": {"type": "object", "oneOf": [{"properties": {"a": {}}}]}}}),
            "s.properties[o].oneOf[0].properties[a]: this key is not named in the schema outside",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "object", "oneOf": [{"items": {}}]}}),
            "s.additionalProperties.oneOf[0].items: the schema outside has no items",
        ),
        (
            json!({"type": "array", "items": {"type": "object", "allOf": [{"items": {}}]}}),
            "s.items.allOf[0].items: the schema outside has no items",
        ),
        (
            json!({"type": "array", "items": text, "x-kubernetes-list-type": "bag"}),
            "s.x-kubernetes-list-type: there is no such list type",
        ),
        (
            json!({"type": "string", "x-kubernetes-list-type": "set"}),
            "s.x-kubernetes-list-type: only a list has a list type",
        ),
        (
            json!({"type": "array", "items": text, "x-kubernetes-list-type": "map"}),
            "s.x-kubernetes-list-type: a list of type map needs x-kubernetes-list-map-keys",
        ),
        (
            json!({"type": "array", "items": text, "x-kubernetes-list-map-keys": ["a"]}),
            "s.x-kubernetes-list-map-keys: only a list of type map has keys",
        ),
        (map(text.clone(), json!(["a"])), "s.x-kubernetes-list-map-keys: the items of a list of type map are objects"),
        (map(json!({"type": "object"}), json!(["a"])), "s.x-kubernetes-list-map-keys: the items have no key \"a\""),
        (
            map(keyed(json!({"type": "object"}), json!(["a"])), json!(["a"])),
            "s.x-kubernetes-list-map-keys: the key \"a\" must not be an object or a list",
        ),
        (
            map(keyed(text.clone(), json!([])), json!(["a"])),
            "s.x-kubernetes-list-map-keys: the key \"a\" must be required or have a default",
        ),
        (
            map(keyed(text.clone(), json!(["a"])), json!(["a", "a"])),
            "s.x-kubernetes-list-map-keys: the key \"a\" is named twice",
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            "s.items: the items of a set must be atomic",
        ),
        (
            json!({"type": "object", "x-kubernetes-map-type": "x"}),
            "s.x-kubernetes-map-type: an object is atomic or granular",
        ),
        (
            json!({"type": "string", "x-kubernetes-map-type": "atomic"}),
            "s.x-kubernetes-map-type: an object is atomic or granular",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string", "default": 1}}}),
            "s.properties[a].default: the default must be a string, not an integer",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "object", "default": {"x": 1}}}}),
            "s.properties[a].default: the default at x the schema does not know this key",
        ),
        (
            json!({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string", "default": 1}}}),
            "s.additionalProperties.items.default: the default must be a string, not an integer",
        ),
    ];
    for (schema, expected) in table {
        assert_eq!(fault(&schema), expected, "{schema}");
    }
}

#[test]
fn what_the_server_takes_is_taken() {
    let text = json!({"type": "string"});
    let schemas = [
        json!({"type": "string", "description": "d", "title": "t", "example": 1, "externalDocs": {}, "minLength": null, "enum": null, "default": null}),
        json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]}),
        json!({"x-kubernetes-int-or-string": true, "allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"minimum": 1}]}),
        json!({"type": "string", "x-kubernetes-int-or-string": true}),
        json!({"type": "string", "anyOf": [{"nullable": false, "title": "", "minLength": 1}], "not": null}),
        json!({"type": "object", "properties": {"a": text}, "additionalProperties": true}),
        json!({"type": "object", "properties": null, "additionalProperties": null, "items": null, "anyOf": null, "required": null}),
        json!({"type": "array", "items": {"type": "object", "x-kubernetes-map-type": "atomic"}, "x-kubernetes-list-type": "set"}),
        json!({"type": "array", "items": text, "x-kubernetes-list-type": "atomic"}),
        json!({"type": "object", "x-kubernetes-map-type": "granular"}),
        json!({"type": "object", "properties": {"a": text}, "not": {"properties": {"a": {"minLength": 1}}}}),
        json!({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
    ];
    for schema in schemas {
        assert_eq!(fault(&schema), "", "{schema}");
    }
}

#[test]
fn schemas_have_a_size() {
    let mut deep = json!({"type": "string"});
    for _ in 0..70 {
        deep = json!({"type": "array", "items": deep});
    }
    assert!(fault(&deep).ends_with("a schema may have 20000 nodes, nested 64 deep"));
    let wide: Fields = (0..20_010).map(|number| (format!("k{number}"), json!({"type": "string"}))).collect();
    let faults = read(&json!({"type": "object", "properties": wide}), "s").err().unwrap_or_default();
    assert_eq!(faults.len(), 1);
}

#[test]
fn patterns_have_a_size_together() {
    // Each is within its own limit.
    let large =
        |number: usize| (format!("k{number}"), json!({"type": "string", "pattern": format!("^[a-z]{{900}}{number}$")}));
    let properties: Fields = (0..900).map(large).collect();
    let faults = read(&json!({"type": "object", "properties": properties}), "s").err().unwrap_or_default();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].message, "the patterns up to here are too large together");
}
