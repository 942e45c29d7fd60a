//! Values against schemas: every constraint met and missed. `tests/it/oracle` asks the real API server the same.

use serde_json::{Value, json};

use super::super::finder::MAX_FINDINGS;
use super::super::read;
use super::*;

fn found(schema: &Value, value: &Value) -> Vec<Finding> {
    let node = read::read(schema, "schema").unwrap_or_else(|faults| panic!("{schema}: {faults:?}"));
    let mut finder = Finder::new();
    check(&node, value, &Trail::root(), &mut finder);
    finder.into_findings()
}

/// Asserts which rules are broken where.
fn all(table: &[(Value, Value, &[&str])]) {
    for (schema, value, expected) in table {
        let told: Vec<String> =
            found(schema, value).iter().map(|finding| format!("{} {}", finding.path, finding.rule)).collect();
        assert_eq!(told, *expected, "{schema} {value}");
    }
}

#[test]
fn types() {
    let of = |kind: &str| json!({"type": kind});
    let either = json!({"x-kubernetes-int-or-string": true});
    all(&[
        (of("object"), json!({}), &[]),
        (of("object"), json!([]), &[" Type"]),
        (of("boolean"), json!(true), &[]),
        (of("boolean"), json!("true"), &[" Type"]),
        (of("string"), json!(1), &[" Type"]),
        (of("number"), json!(1), &[]),
        (of("number"), json!("1"), &[" Type"]),
        (of("integer"), json!(1.0), &[]),
        (of("integer"), json!(1.5), &[" Type"]),
        (of("integer"), json!(1e300), &[" Type"]),
        (of("integer"), json!(u64::MAX), &[" Type"]),
        (of("integer"), json!("1"), &[" Type"]),
        (either.clone(), json!(1), &[]),
        (either.clone(), json!("1"), &[]),
        (either, json!(1.5), &[" Type"]),
        (json!({"x-kubernetes-preserve-unknown-fields": true}), json!([1]), &[]),
    ]);
}

#[test]
fn a_wrong_type_says_how_to_mend_it() {
    let text = |kind: &str, value: Value| {
        let findings = found(&json!({"type": kind}), &value);
        (findings[0].message.clone(), findings[0].hint.clone())
    };
    assert_eq!(
        text("string", json!(1)),
        ("must be a string, not an integer".to_owned(), Some("put it in quotes to make it a string".to_owned()))
    );
    assert_eq!(text("object", json!([])), ("must be an object, not an array".to_owned(), None));
    assert_eq!(text("string", json!(null)).0, "must be a string, not null");
    let either = found(&json!({"x-kubernetes-int-or-string": true}), &json!(true));
    assert_eq!(either[0].message, "must be an integer or string, not a boolean");
}

#[test]
fn nulls() {
    let nullable = |rest: Value| {
        let mut schema = json!({"type": "string", "nullable": true});
        crate::value::merge(&mut schema, rest);
        schema
    };
    all(&[
        (json!({"type": "string"}), json!(null), &[" Null"]),
        (json!({"x-kubernetes-int-or-string": true}), json!(null), &[" Null"]),
        (nullable(json!({})), json!(null), &[]),
        (nullable(json!({"minLength": 3, "not": {}})), json!(null), &[]),
        (nullable(json!({"enum": ["a", null]})), json!(null), &[" Enum"]),
        (json!({"x-kubernetes-preserve-unknown-fields": true}), json!(null), &[]),
    ]);
}

#[test]
fn numbers() {
    let number = |rest: Value| {
        let mut schema = json!({"type": "number"});
        crate::value::merge(&mut schema, rest);
        schema
    };
    let low = number(json!({"minimum": 1}));
    let above = number(json!({"minimum": 1, "exclusiveMinimum": true}));
    let high = number(json!({"maximum": 1}));
    let below = number(json!({"maximum": 1, "exclusiveMaximum": true}));
    all(&[
        (low.clone(), json!(1), &[]),
        (low.clone(), json!(0), &[" Minimum"]),
        (low, json!(0.9), &[" Minimum"]),
        (above.clone(), json!(1), &[" Minimum"]),
        (above, json!(1.1), &[]),
        (high.clone(), json!(1), &[]),
        (high.clone(), json!(2), &[" Maximum"]),
        (high, json!(1.1), &[" Maximum"]),
        (below.clone(), json!(1.0), &[" Maximum"]),
        (below, json!(0), &[]),
        (number(json!({"minimum": 0.5})), json!(0), &[" Minimum"]),
        (number(json!({"not": {"minimum": 0.5}})), json!(0), &[" Not"]),
        (number(json!({"maximum": 1e20})), json!(1), &[" Maximum"]),
        (number(json!({"maximum": 1e20})), json!(1.5), &[]),
        (number(json!({"multipleOf": 3})), json!(9), &[]),
        (number(json!({"multipleOf": 3})), json!(10), &[" MultipleOf"]),
        (number(json!({"multipleOf": 0.1})), json!(0.3), &[]),
        (number(json!({"multipleOf": 0.1})), json!(0.35), &[" MultipleOf"]),
        (number(json!({"multipleOf": 0.5})), json!(1), &[" MultipleOf"]),
        (number(json!({"multipleOf": 1.5})), json!(4.5), &[]),
        (number(json!({"multipleOf": 1.0})), json!(1e300), &[" MultipleOf"]),
        (number(json!({"multipleOf": 7.0})), json!(0.0), &[]),
        (json!({"type": "integer", "format": "int32"}), json!(2_147_483_648_i64), &[" Format"]),
        (json!({"type": "integer", "format": "int32"}), json!(-1), &[]),
        (json!({"type": "integer", "format": "int64"}), json!(-1), &[]),
        (number(json!({"format": "float"})), json!(3.5e38), &[" Format"]),
        (number(json!({"format": "double"})), json!(3.5e38), &[]),
    ]);
}

#[test]
fn enums() {
    let either = |rest: Value| {
        let mut schema = json!({"x-kubernetes-int-or-string": true});
        crate::value::merge(&mut schema, rest);
        schema
    };
    let number = |allowed: Value| json!({"type": "number", "enum": allowed});
    all(&[
        (number(json!([1, 2])), json!(2), &[]),
        (number(json!([1, 2])), json!(2.0), &[]),
        (number(json!([1, 2.5])), json!(3), &[" Enum"]),
        (number(json!([1.0])), json!(1), &[]),
        (number(json!([1])), json!(1.5), &[" Enum"]),
        (number(json!([1.5])), json!(1.5), &[]),
        (json!({"type": "number", "not": {"enum": [1]}}), json!(1.5), &[" Not"]),
        (either(json!({"enum": ["A"]})), json!(65), &[" Enum"]),
        (either(json!({"not": {"enum": ["A"]}})), json!(65), &[" Not"]),
        (either(json!({"not": {"enum": ["\u{fffd}"]}})), json!(-1), &[" Not"]),
        (json!({"type": "number", "not": {"enum": ["A"]}}), json!(65.5), &[]),
        (json!({"type": "boolean", "enum": [true]}), json!(false), &[" Enum"]),
    ]);
    let many: Vec<u32> = (0..15).collect();
    let findings = found(&number(json!(many)), &json!(99));
    assert_eq!(findings[0].hint.as_deref(), Some("use one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 5 more"));
}

#[test]
fn texts() {
    let text = |rest: Value| {
        let mut schema = json!({"type": "string"});
        crate::value::merge(&mut schema, rest);
        schema
    };
    all(&[
        (text(json!({"minLength": 2})), json!("é"), &[" MinLength"]),
        (text(json!({"maxLength": 1})), json!("é"), &[]),
        (text(json!({"maxLength": 1})), json!("ab"), &[" MaxLength"]),
        (text(json!({"pattern": "^a"})), json!("ba"), &[" Pattern"]),
        (text(json!({"pattern": "a"})), json!("ba"), &[]),
        (text(json!({"pattern": "^a", "minLength": 5})), json!("b"), &[" MinLength"]),
        (text(json!({"format": "date"})), json!("x"), &[" Format"]),
        (text(json!({"format": "date"})), json!("2024-01-01"), &[]),
    ]);
}

#[test]
fn lists() {
    let of = |rest: Value| {
        let mut schema = json!({"type": "array", "items": {"type": "integer"}});
        crate::value::merge(&mut schema, rest);
        schema
    };
    let set = of(json!({"x-kubernetes-list-type": "set", "items": {"type": "number"}}));
    let map = json!({
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}}},
    });
    all(&[
        (of(json!({})), json!([1, "a"]), &["[1] Type"]),
        (of(json!({"minItems": 1})), json!([]), &[" MinItems"]),
        (of(json!({"maxItems": 1})), json!([1, 2]), &[" MaxItems"]),
        (of(json!({"uniqueItems": true})), json!([1, 2, 1]), &[" UniqueItems"]),
        (of(json!({"uniqueItems": true})), json!([1, 2]), &[]),
        (set.clone(), json!([1, 1.0]), &[]),
        (set, json!([1, 2, 1, 1]), &["[2] UniqueItems"]),
        (map.clone(), json!([{"k": "a"}, {"k": "b"}, {"k": "a"}]), &["[2] UniqueItems"]),
        (map, json!([{"k": "a"}, {}]), &["[1].k Required"]),
        (
            json!({"type": "array", "x-kubernetes-preserve-unknown-fields": true, "items": {"x-kubernetes-preserve-unknown-fields": true}, "uniqueItems": true}),
            json!([{"a": [1], "b": 2}, {"b": 2, "a": [1]}]),
            &[" UniqueItems"],
        ),
    ]);
}

#[test]
fn objects() {
    let a = json!({"a": {"type": "integer"}});
    all(&[
        (
            json!({"type": "object", "properties": a, "required": ["a", "b"]}),
            json!({"a": "x"}),
            &["a Type", "b Required"],
        ),
        (json!({"type": "object", "additionalProperties": {"type": "integer"}}), json!({"x": "y"}), &["x Type"]),
        (json!({"type": "object", "additionalProperties": true}), json!({"x": "y"}), &[]),
        (json!({"type": "object", "additionalProperties": false}), json!({"x": "y"}), &["x UnknownField"]),
        (json!({"type": "object", "minProperties": 1}), json!({}), &[" MinProperties"]),
        (json!({"type": "object", "maxProperties": 1}), json!({"a": 1, "b": 2}), &[" MaxProperties"]),
    ]);
    let finding = &found(&json!({"type": "object", "minProperties": 1}), &json!({}))[0];
    assert_eq!(finding.message, "must have at least 1 key");
    let finding = &found(&json!({"type": "object", "maxProperties": 0}), &json!({"a": 1}))[0];
    assert_eq!(finding.message, "must have at most 0 keys");
}

#[test]
fn junctors() {
    let integer = |rest: Value| {
        let mut schema = json!({"type": "integer"});
        crate::value::merge(&mut schema, rest);
        schema
    };
    all(&[
        (integer(json!({"allOf": [{"minimum": 1}, {"maximum": 3}]})), json!(4), &[" Maximum"]),
        (integer(json!({"anyOf": [{"minimum": 5}, {"maximum": 3}]})), json!(4), &[" AnyOf"]),
        (integer(json!({"anyOf": [{"minimum": 5}, {"maximum": 3}]})), json!(3), &[]),
        (integer(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(0), &[" OneOf"]),
        (integer(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(1), &[]),
        (integer(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(2), &[" OneOf"]),
        (integer(json!({"not": {"minimum": 1}})), json!(1), &[" Not"]),
        (integer(json!({"not": {"minimum": 1}})), json!(0), &[]),
    ]);
    let o = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "anyOf": [{"properties": {"a": {"minimum": 5}}, "required": ["a"]}]});
    let hint = |value: Value| found(&o, &value)[0].hint.clone();
    assert_eq!(hint(json!({"a": 1})).as_deref(), Some("for the nearest alternative, a must be at least 5"));
    let finding = &found(&integer(json!({"oneOf": [{"minimum": 5}]})), &json!(1))[0];
    assert_eq!(finding.hint.as_deref(), Some("for the nearest alternative, it must be at least 5"));
}

#[test]
fn work_is_bounded_and_a_broken_off_check_never_passes() {
    // A hundred alternatives with costly patterns over long texts.
    let pattern = json!({"pattern": "^([a-z]{30}x){20}$"});
    for junctor in [
        json!({"not": pattern}),
        json!({"oneOf": vec![pattern.clone(); 100]}),
        json!({"anyOf": vec![pattern.clone(); 100]}),
        pattern.clone(),
    ] {
        let mut item = json!({"type": "string"});
        crate::value::merge(&mut item, junctor);
        let text = "a".repeat(60_000);
        let findings = found(&json!({"type": "array", "items": item}), &json!(vec![text; 200]));
        assert!(findings.iter().any(|finding| finding.rule == Rule::TooLarge), "{item}");
    }
}

#[test]
fn findings_are_counted() {
    let findings = found(&json!({"type": "array", "items": {"type": "string"}}), &json!(vec![1; 2 * MAX_FINDINGS]));
    assert_eq!(findings.len(), MAX_FINDINGS);
}
