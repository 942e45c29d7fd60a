//! Rows by hand: null, integers and strings, counts, junctors, defaults, unknown keys, list types, transitions, and
//! every known difference with its reason.

use serde_json::{Value, json};

use super::{Case, Corner, Expected};
use Expected::{Beyond, Same, Stricter};

const NULL: &str = "the server drops a null where none is allowed; the application would see it";
const CUT: &str = "the server cuts bounds to whole numbers for whole values; here the bound counts as it is written";
const ENUM: &str = "the server converts values to the type of the allowed one; here they are compared as they are";
const UNIQUE: &str = "the server refuses uniqueItems for its cost; here it is cheap";
const RATCHET: &str =
    "the server lets pass what was wrong before and did not change; a configuration is valid as a whole";
const FORMAT: &str = "a format that is not known checks nothing on the server; here it is a fault of the schema";
const EMAIL: &str = "quoted parts, comments and address literals in mail addresses are not taken here";
const COVERED: &str = "the server looks only at the root for keys that are named below a junctor and not outside";
const FRACTION: &str = "the server accepts the schema and then refuses every value";
const COST: &str = "the server estimates costs from bounds in the schema; here steps are counted when the rule runs";
const KEYWORD: &str = "a keyword without effect is taken for a mistake";

fn row(name: &str, schema: Value, value: Value, expected: Expected) -> Corner {
    Corner { case: Case::new(name, schema, value), expected }
}

fn change(name: &str, schema: Value, old: Value, value: Value, expected: Expected) -> Corner {
    Corner { case: Case { old: Some(old), ..Case::new(name, schema, value) }, expected }
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

fn ruled(mut schema: Value, rule: &str) -> Value {
    schema["x-kubernetes-validations"] = json!([{ "rule": rule }]);
    schema
}

pub fn table() -> Vec<Corner> {
    [nulls(), numbers(), texts(), lists(), objects(), junctors(), schemas(), rules(), transitions()]
        .into_iter()
        .flatten()
        .collect()
}

fn nulls() -> Vec<Corner> {
    let text = json!({"type": "string"});
    let nullable = json!({"type": "string", "nullable": true});
    vec![
        row("null in a key", object(json!({"a": text})), json!({"a": null}), Stricter(NULL)),
        row(
            "null in a key with a default",
            object(json!({"a": {"type": "string", "default": "x"}})),
            json!({"a": null}),
            Stricter(NULL),
        ),
        row(
            "null in a required key",
            json!({"type": "object", "required": ["a"], "properties": {"a": text}}),
            json!({"a": null}),
            Same,
        ),
        row("null in a nullable key", object(json!({"a": nullable})), json!({"a": null}), Same),
        row(
            "null in a required nullable key",
            json!({"type": "object", "required": ["a"], "properties": {"a": nullable}}),
            json!({"a": null}),
            Same,
        ),
        row("null in a list", json!({"type": "array", "items": text}), json!([null]), Same),
        row("null in a nullable list", json!({"type": "array", "items": nullable}), json!([null]), Same),
        row(
            "null in a map",
            json!({"type": "object", "additionalProperties": text}),
            json!({"a": null}),
            Stricter(NULL),
        ),
        row(
            "null with an enum",
            object(json!({"a": {"type": "string", "nullable": true, "enum": ["x"]}})),
            json!({"a": null}),
            Same,
        ),
        row(
            "null with an enum that has it",
            object(json!({"a": {"type": "string", "nullable": true, "enum": ["x", null]}})),
            json!({"a": null}),
            Same,
        ),
        row(
            "null with a minimum length",
            object(json!({"a": {"type": "string", "nullable": true, "minLength": 2}})),
            json!({"a": null}),
            Same,
        ),
        row(
            "null with an anyOf that fails",
            object(json!({"a": {"type": "string", "nullable": true, "anyOf": [{"minLength": 2}]}})),
            json!({"a": null}),
            Same,
        ),
        row(
            "null where anything goes",
            object(json!({"a": {"x-kubernetes-preserve-unknown-fields": true}})),
            json!({"a": null}),
            Same,
        ),
        row(
            "null as integer or string",
            object(json!({"a": {"x-kubernetes-int-or-string": true, "nullable": true}})),
            json!({"a": null}),
            Same,
        ),
        row("null and a rule", object(json!({"a": ruled(nullable.clone(), "self == 'x'")})), json!({"a": null}), Same),
        row(
            "nullable object counts",
            object(json!({"a": {"type": "object", "nullable": true, "required": ["x"], "properties": {"x": text}}})),
            json!({"a": null}),
            Same,
        ),
    ]
}

fn numbers() -> Vec<Corner> {
    let integer = |rest: Value| merged(json!({"type": "integer"}), rest);
    let number = |rest: Value| merged(json!({"type": "number"}), rest);
    let either = |rest: Value| merged(json!({"x-kubernetes-int-or-string": true}), rest);
    vec![
        row("1.0 is an integer", integer(json!({})), json!(1.0), Same),
        row("1.5 is no integer", integer(json!({})), json!(1.5), Same),
        row("a large whole float", integer(json!({})), json!(9.007_199_254_740_991e15), Same),
        row("too large a whole float", integer(json!({})), json!(1e16), Same),
        row("beyond 63 bits", integer(json!({})), json!(9_223_372_036_854_775_808_u64), Same),
        row("the largest integer", integer(json!({})), json!(i64::MAX), Same),
        row("the smallest integer", integer(json!({})), json!(i64::MIN), Same),
        row("text is no integer", integer(json!({})), json!("1"), Same),
        row("true is no integer", integer(json!({})), json!(true), Same),
        row("an integer is a number", number(json!({})), json!(1), Same),
        row("beyond 63 bits as a number", number(json!({})), json!(u64::MAX), Same),
        row("int32 that fits", integer(json!({"format": "int32"})), json!(2_147_483_647), Same),
        row("int32 that does not", integer(json!({"format": "int32"})), json!(2_147_483_648_i64), Same),
        row("int32 below", integer(json!({"format": "int32"})), json!(-2_147_483_649_i64), Same),
        row("float that fits", number(json!({"format": "float"})), json!(3.0e38), Same),
        row("float that does not", number(json!({"format": "float"})), json!(3.5e38), Same),
        row("double", number(json!({"format": "double"})), json!(1e300), Same),
        row("int64", integer(json!({"format": "int64"})), json!(1), Same),
        row("minimum met", integer(json!({"minimum": 1})), json!(1), Same),
        row("minimum missed", integer(json!({"minimum": 1})), json!(0), Same),
        row("exclusive minimum missed", integer(json!({"minimum": 1, "exclusiveMinimum": true})), json!(1), Same),
        row("exclusive minimum met", integer(json!({"minimum": 1, "exclusiveMinimum": true})), json!(2), Same),
        row("maximum missed", integer(json!({"maximum": 1})), json!(2), Same),
        row("exclusive maximum missed", integer(json!({"maximum": 1, "exclusiveMaximum": true})), json!(1), Same),
        row("exclusive float maximum", number(json!({"maximum": 1.5, "exclusiveMaximum": true})), json!(1.5), Same),
        row("exclusive without a bound", integer(json!({"exclusiveMinimum": true})), json!(-5), Same),
        row("a fraction as minimum of a whole number", number(json!({"minimum": 0.5})), json!(0), Stricter(CUT)),
        row("a fraction as maximum of a whole number", number(json!({"maximum": 1.5})), json!(2), Same),
        row(
            "a fraction as exclusive maximum",
            number(json!({"maximum": 1.5, "exclusiveMaximum": true})),
            json!(1),
            Same,
        ),
        row("a fraction below not", number(json!({"not": {"minimum": 0.5}})), json!(0), Same),
        row("a fraction below oneOf", number(json!({"oneOf": [{"minimum": 0.5}, {"maximum": -3}]})), json!(0), Same),
        row("a minimum beyond 64 bits", number(json!({"minimum": 1e20})), json!(1), Stricter(CUT)),
        row("a maximum beyond 64 bits", number(json!({"maximum": 1e20})), json!(1), Same),
        row("a fraction as minimum of an integer", integer(json!({"minimum": 0.5})), json!(7), Stricter(FRACTION)),
        row("multiple", integer(json!({"multipleOf": 3})), json!(9), Same),
        row("no multiple", integer(json!({"multipleOf": 3})), json!(10), Same),
        row("zero is a multiple", integer(json!({"multipleOf": 3})), json!(0), Same),
        row("a float's multiple", number(json!({"multipleOf": 0.1})), json!(0.3), Same),
        row("no float's multiple", number(json!({"multipleOf": 0.1})), json!(0.35), Same),
        row("a whole number's half", number(json!({"multipleOf": 0.5})), json!(1), Same),
        row("a float's one and a half", number(json!({"multipleOf": 1.5})), json!(4.5), Same),
        row("a whole number's one and a half", number(json!({"multipleOf": 1.5})), json!(4), Same),
        row("a huge multiple", number(json!({"multipleOf": 1.0})), json!(1e300), Same),
        row("multiple of a negative", number(json!({"multipleOf": -1})), json!(1), Stricter(FRACTION)),
        row("enum of integers", integer(json!({"enum": [1, 2]})), json!(2), Same),
        row("enum missed", integer(json!({"enum": [1, 2]})), json!(3), Same),
        row("enum with 1.0", number(json!({"enum": [1.0]})), json!(1), Same),
        row("enum of 1 for 1.0", number(json!({"enum": [1]})), json!(1.0), Same),
        row("enum cut", number(json!({"enum": [1]})), json!(1.5), Stricter(ENUM)),
        row("enum cut below not", number(json!({"not": {"enum": [1]}})), json!(1.5), Same),
        row("enum of a character", either(json!({"enum": ["A"]})), json!(65), Stricter(ENUM)),
        row("enum of a character below not", either(json!({"not": {"enum": ["A"]}})), json!(65), Same),
        row("enum of no character below not", either(json!({"not": {"enum": ["\u{fffd}"]}})), json!(-1), Same),
        row("int-or-string takes 1", either(json!({})), json!(1), Same),
        row("int-or-string takes text", either(json!({})), json!("1"), Same),
        row("int-or-string takes no 1.5", either(json!({})), json!(1.5), Same),
        row("int-or-string takes 1.0", either(json!({})), json!(1.0), Same),
        row("int-or-string takes no bool", either(json!({})), json!(true), Same),
        row("int-or-string with both bounds", either(json!({"minimum": 5, "minLength": 2})), json!("a"), Same),
        row("int-or-string with a minimum", either(json!({"minimum": 5})), json!(4), Same),
        row("int-or-string with a pattern", either(json!({"pattern": "^[0-9]+%$"})), json!("50%"), Same),
        row(
            "int-or-string spelled out",
            either(json!({"anyOf": [{"type": "integer"}, {"type": "string"}]})),
            json!(1),
            Same,
        ),
        row(
            "int-or-string spelled out in allOf",
            either(json!({"allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"maximum": 3}]})),
            json!(4),
            Same,
        ),
    ]
}

fn merged(mut base: Value, over: Value) -> Value {
    rekindle_core::value::merge(&mut base, over);
    base
}

fn texts() -> Vec<Corner> {
    let text = |rest: Value| merged(json!({"type": "string"}), rest);
    vec![
        row("length counts characters", text(json!({"maxLength": 1})), json!("é"), Same),
        row("length counts combining marks", text(json!({"maxLength": 1})), json!("e\u{301}"), Same),
        row("length of an emoji", text(json!({"minLength": 2})), json!("👍"), Same),
        row("number is no text", text(json!({})), json!(1), Same),
        row("a number with a format", text(json!({"format": "date"})), json!(1), Same),
        row("pattern anywhere", text(json!({"pattern": "b"})), json!("abc"), Same),
        row("pattern anchored", text(json!({"pattern": "^b$"})), json!("abc"), Same),
        row("pattern and a line end", text(json!({"pattern": "^a$"})), json!("a\n"), Same),
        row("empty pattern", text(json!({"pattern": ""})), json!("a"), Same),
        row("enum of texts", text(json!({"enum": ["a", "b"]})), json!("c"), Same),
        row("empty enum", text(json!({"enum": []})), json!("c"), Same),
        row(
            "enum of objects",
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "enum": [{"a": 1}]}),
            json!({"a": 1}),
            Same,
        ),
        row(
            "enum of other objects",
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "enum": [{"a": 1}]}),
            json!({"a": 2}),
            Same,
        ),
        row(
            "enum of lists",
            json!({"type": "array", "items": {"type": "integer"}, "enum": [[1, 2]]}),
            json!([1, 2]),
            Same,
        ),
        row("mail", text(json!({"format": "email"})), json!("a@b.de"), Same),
        row("mail with a name", text(json!({"format": "email"})), json!("Name <a@b.de>"), Same),
        row("no mail", text(json!({"format": "email"})), json!("a@"), Same),
        row("mail with quotes", text(json!({"format": "email"})), json!("\"a b\"@c.de"), Stricter(EMAIL)),
        row("mail below not", text(json!({"not": {"format": "email"}})), json!("x"), Stricter(EMAIL)),
        row("unknown format", text(json!({"format": "regex"})), json!("x"), Stricter(FORMAT)),
        row("format of another type", json!({"type": "boolean", "format": "date"}), json!(true), Stricter(FORMAT)),
        row(
            "several constraints fail",
            text(json!({"minLength": 5, "pattern": "b", "format": "date"})),
            json!("a"),
            Same,
        ),
    ]
}

fn lists() -> Vec<Corner> {
    let of = |kind: &str| json!({"type": "array", "items": {"type": kind}});
    let set = merged(of("string"), json!({"x-kubernetes-list-type": "set"}));
    let numbers = merged(of("number"), json!({"x-kubernetes-list-type": "set"}));
    let map = |keys: Value| {
        json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys,
            "items": {"type": "object", "required": keys, "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}},
        })
    };
    vec![
        row("too few items", merged(of("string"), json!({"minItems": 1})), json!([]), Same),
        row("too many items", merged(of("string"), json!({"maxItems": 1})), json!(["a", "b"]), Same),
        row("a wrong item", of("integer"), json!([1, "a", 3]), Same),
        row("no list", of("integer"), json!({"a": 1}), Same),
        row("unique items", merged(of("string"), json!({"uniqueItems": true})), json!(["a", "a"]), Beyond(UNIQUE)),
        row(
            "unique items that differ",
            merged(of("string"), json!({"uniqueItems": true})),
            json!(["a", "b"]),
            Beyond(UNIQUE),
        ),
        row("a set", set.clone(), json!(["a", "b"]), Same),
        row("a set with an item twice", set.clone(), json!(["a", "b", "a"]), Same),
        row("a set with an item three times", set, json!(["a", "a", "a"]), Same),
        row("a set of 1 and 1.0", numbers, json!([1, 1.0]), Same),
        row("a map with a key twice", map(json!(["a"])), json!([{"a": "x"}, {"a": "y"}, {"a": "x", "b": 1}]), Same),
        row("a map with two keys", map(json!(["a", "b"])), json!([{"a": "x", "b": 1}, {"a": "x", "b": 2}]), Same),
        row("a map with two keys twice", map(json!(["a", "b"])), json!([{"a": "x", "b": 1}, {"a": "x", "b": 1}]), Same),
        row("a map with a wrong item", map(json!(["a"])), json!(["x"]), Same),
        row(
            "a set of objects",
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": {"type": "integer"}}}}),
            json!([{"a": 1}, {"a": 1}]),
            Same,
        ),
        row(
            "a list in a list",
            json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
            json!([[1], ["a"]]),
            Same,
        ),
    ]
}

fn objects() -> Vec<Corner> {
    let a = object(json!({"a": {"type": "integer"}}));
    let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    vec![
        row("too few keys", merged(map.clone(), json!({"minProperties": 1})), json!({}), Same),
        row("too many keys", merged(map.clone(), json!({"maxProperties": 1})), json!({"a": 1, "b": 2}), Same),
        row("a wrong value in a map", map, json!({"a": "x"}), Same),
        row("unknown key", a.clone(), json!({"b": 1}), Same),
        row("unknown key beside a wrong one", a.clone(), json!({"a": "x", "b": 1}), Same),
        row("unknown key in an object without keys", json!({"type": "object"}), json!({"b": 1}), Same),
        row("unknown key in an open object", merged(open.clone(), a.clone()), json!({"b": {"c": 1}}), Same),
        row(
            "unknown key in a closed object in an open one",
            merged(open.clone(), object(json!({"a": a}))),
            json!({"a": {"b": 1}}),
            Same,
        ),
        row(
            "unknown key in a list in an open object",
            merged(open.clone(), object(json!({"l": {"type": "array", "items": a}}))),
            json!({"l": [{"b": 1}]}),
            Same,
        ),
        row(
            "unknown key in an open list",
            json!({"type": "array", "x-kubernetes-preserve-unknown-fields": true, "items": a}),
            json!([{"b": 1}]),
            Same,
        ),
        row("unknown key in a list", json!({"type": "array", "items": a}), json!([{"b": 1}]), Same),
        row("anything", json!({"x-kubernetes-preserve-unknown-fields": true}), json!([{"b": 1}, 2, "x"]), Same),
        row("any keys", json!({"type": "object", "additionalProperties": true}), json!({"b": 1}), Same),
        row(
            "any keys with an object below",
            json!({"type": "object", "additionalProperties": true}),
            json!({"b": {"c": 1}}),
            Same,
        ),
        row(
            "any keys with a list of objects below",
            json!({"type": "object", "additionalProperties": true}),
            json!({"b": [{"c": 1}]}),
            Same,
        ),
        row("no keys", json!({"type": "object", "additionalProperties": false}), json!({"b": 1}), Same),
        row("no keys, none there", json!({"type": "object", "additionalProperties": false}), json!({}), Same),
        row(
            "named keys and any other",
            merged(a.clone(), json!({"additionalProperties": true})),
            json!({"a": 1, "b": 2}),
            Same,
        ),
        row("required", merged(a.clone(), json!({"required": ["a"]})), json!({}), Same),
        row("required and unknown", merged(a.clone(), json!({"required": ["zz"]})), json!({}), Same),
        row(
            "required with a default",
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "default": 1}}}),
            json!({}),
            Same,
        ),
        row(
            "a default counts",
            json!({"type": "object", "minProperties": 1, "properties": {"a": {"type": "integer", "default": 1}}}),
            json!({}),
            Same,
        ),
        row(
            "a default in a default",
            object(
                json!({"o": {"type": "object", "default": {}, "required": ["a"], "properties": {"a": {"type": "integer", "default": 1}}}}),
            ),
            json!({}),
            Same,
        ),
        row(
            "no default without its parent",
            object(
                json!({"o": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "default": 1}}}}),
            ),
            json!({}),
            Same,
        ),
        row(
            "a default in a list",
            json!({"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "default": 1}}}}),
            json!([{}]),
            Same,
        ),
        row(
            "a default and a rule",
            ruled(object(json!({"a": {"type": "integer", "default": 7}})), "self.a == 7"),
            json!({}),
            Same,
        ),
        row("a list for an object", a.clone(), json!([1]), Same),
        row("text for an object", a, json!("x"), Same),
    ]
}

fn junctors() -> Vec<Corner> {
    let number = |rest: Value| merged(json!({"type": "integer"}), rest);
    vec![
        row("allOf", number(json!({"allOf": [{"minimum": 1}, {"maximum": 3}]})), json!(4), Same),
        row("anyOf none", number(json!({"anyOf": [{"minimum": 5}, {"maximum": 3}]})), json!(4), Same),
        row("anyOf one", number(json!({"anyOf": [{"minimum": 5}, {"maximum": 3}]})), json!(2), Same),
        row("oneOf two", number(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(4), Same),
        row("oneOf one", number(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(1), Same),
        row("oneOf none", number(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})), json!(0), Same),
        row("not", number(json!({"not": {"minimum": 1}})), json!(1), Same),
        row("not not", number(json!({"not": {"not": {"minimum": 1}}})), json!(1), Same),
        row("not of nothing", number(json!({"not": {}})), json!(1), Same),
        row("not of another type's constraint", number(json!({"not": {"minLength": 1}})), json!(1), Same),
        row(
            "required in oneOf",
            json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            json!({"a": "x", "b": "y"}),
            Same,
        ),
        row(
            "keys in anyOf",
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"properties": {"a": {"enum": ["x"]}}}]}),
            json!({"a": "y"}),
            Same,
        ),
        row(
            "items in not",
            json!({"type": "array", "items": {"type": "string"}, "not": {"items": {"enum": ["x"]}}}),
            json!(["x", "x"]),
            Same,
        ),
        row(
            "a null inside not",
            object(json!({"a": {"type": "string", "nullable": true, "not": {"minLength": 1}}})),
            json!({"a": null}),
            Same,
        ),
    ]
}

/// Schemas that one or both refuse.
fn schemas() -> Vec<Corner> {
    let text = json!({"type": "string"});
    vec![
        row("no type", json!({"minLength": 1}), json!("a"), Same),
        row("an unknown type", json!({"type": "text"}), json!("a"), Same),
        row("type null", json!({"type": "null"}), json!("a"), Same),
        row("a list without items", json!({"type": "array"}), json!([]), Same),
        row("items as a list", json!({"type": "array", "items": [text]}), json!([]), Same),
        row("a reference", json!({"$ref": "#/x"}), json!("a"), Same),
        row("a type below anyOf", json!({"type": "string", "anyOf": [{"type": "string"}]}), json!("a"), Same),
        row("a default below allOf", json!({"type": "string", "allOf": [{"default": "x"}]}), json!("a"), Same),
        row("nullable below not", json!({"type": "string", "not": {"nullable": true}}), json!("a"), Same),
        row("a description below not", json!({"type": "string", "not": {"description": "x"}}), json!("a"), Same),
        row(
            "more keys below not",
            json!({"type": "object", "additionalProperties": text, "not": {"additionalProperties": {"minLength": 1}}}),
            json!({}),
            Same,
        ),
        row(
            "a key only below anyOf",
            json!({"type": "object", "properties": {"o": {"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]}}}),
            json!({}),
            Stricter(COVERED),
        ),
        row(
            "items only below anyOf",
            json!({"type": "object", "properties": {"o": {"type": "object", "anyOf": [{"items": {"minLength": 1}}]}}}),
            json!({}),
            Stricter(COVERED),
        ),
        row(
            "keys and other keys",
            json!({"type": "object", "properties": {"a": text}, "additionalProperties": text}),
            json!({}),
            Same,
        ),
        row(
            "keys and no other keys",
            json!({"type": "object", "properties": {"a": text}, "additionalProperties": false}),
            json!({}),
            Same,
        ),
        row(
            "int-or-string with a type",
            json!({"type": "string", "x-kubernetes-int-or-string": true}),
            json!("a"),
            Same,
        ),
        row(
            "int-or-string and open",
            json!({"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-int-or-string": true}),
            json!("a"),
            Same,
        ),
        row("open is false", json!({"type": "object", "x-kubernetes-preserve-unknown-fields": false}), json!({}), Same),
        row(
            "an unknown list type",
            json!({"type": "array", "items": text, "x-kubernetes-list-type": "bag"}),
            json!([]),
            Same,
        ),
        row("a list type of no list", json!({"type": "string", "x-kubernetes-list-type": "set"}), json!("a"), Same),
        row(
            "a map without keys",
            json!({"type": "array", "items": {"type": "object"}, "x-kubernetes-list-type": "map"}),
            json!([]),
            Same,
        ),
        row(
            "keys without a map",
            json!({"type": "array", "items": text, "x-kubernetes-list-map-keys": ["a"]}),
            json!([]),
            Same,
        ),
        row(
            "a map of texts",
            json!({"type": "array", "items": text, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
            json!([]),
            Same,
        ),
        row(
            "a map with an unknown key",
            json!({"type": "array", "items": {"type": "object", "properties": {}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
            json!([]),
            Same,
        ),
        row(
            "a map with an optional key",
            json!({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
            json!([]),
            Same,
        ),
        row(
            "a map with a key twice",
            json!({"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "a"]}),
            json!([]),
            Same,
        ),
        row(
            "a map with a list as key",
            json!({"type": "array", "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "items": {"type": "string"}}}}, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"]}),
            json!([]),
            Same,
        ),
        row(
            "a set of granular objects",
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            json!([]),
            Same,
        ),
        row("an unknown map type", json!({"type": "object", "x-kubernetes-map-type": "x"}), json!({}), Same),
        row("a map type of no object", json!({"type": "string", "x-kubernetes-map-type": "atomic"}), json!("a"), Same),
        row("a broken pattern", json!({"type": "string", "pattern": "("}), json!("a"), Same),
        row(
            "a wrong default",
            json!({"type": "object", "properties": {"a": {"type": "string", "default": 1}}}),
            json!({}),
            Same,
        ),
        row(
            "a default that breaks a bound",
            json!({"type": "object", "properties": {"a": {"type": "string", "minLength": 5, "default": "x"}}}),
            json!({}),
            Same,
        ),
        row(
            "a default with an unknown key",
            json!({"type": "object", "properties": {"o": {"type": "object", "default": {"zz": 1}}}}),
            json!({}),
            Same,
        ),
        row(
            "a default of null",
            json!({"type": "object", "properties": {"a": {"type": "string", "nullable": true, "default": null}}}),
            json!({}),
            Same,
        ),
        row("pattern properties", json!({"type": "object", "patternProperties": {"a": text}}), json!({}), Same),
        row("definitions", json!({"type": "object", "definitions": {"a": text}}), json!({}), Same),
        row("dependencies", json!({"type": "object", "dependencies": {"a": ["b"]}}), json!({}), Same),
        row("an id", json!({"type": "object", "id": "x"}), json!({}), Same),
        row("a length that is text", json!({"type": "string", "minLength": "1"}), json!("a"), Same),
        row("a negative length", json!({"type": "string", "minLength": -1}), json!("a"), Stricter(FRACTION)),
        row("a fraction as a length", json!({"type": "string", "minLength": 1.5}), json!("a"), Same),
        row("required as text", json!({"type": "object", "required": "a"}), json!({}), Same),
        row("enum as text", json!({"type": "string", "enum": "a"}), json!("a"), Same),
        row(
            "description and example",
            json!({"type": "string", "description": "d", "title": "t", "example": 1, "externalDocs": {"url": "x"}}),
            json!("a"),
            Same,
        ),
        row("a schema that is text", json!({"type": "object", "properties": {"a": "string"}}), json!({}), Same),
        row(
            "an embedded resource",
            json!({"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}),
            json!({"apiVersion": "v1", "kind": "Pod"}),
            Stricter(KEYWORD),
        ),
    ]
}

fn rules() -> Vec<Corner> {
    let count = object(json!({"a": {"type": "integer"}, "b": {"type": "integer"}}));
    let with = |rest: Value| {
        let mut schema = count.clone();
        schema["x-kubernetes-validations"] = json!([merged(json!({"rule": "self.a < self.b"}), rest)]);
        schema
    };
    let wrong = json!({"a": 2, "b": 1});
    let texts = json!({"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self.startsWith('a')"}]}});
    let map = json!({"type": "object", "maxProperties": 3, "additionalProperties": {"type": "integer", "x-kubernetes-validations": [{"rule": "self > 0"}]}});
    vec![
        row("a rule that holds", with(json!({})), json!({"a": 1, "b": 2}), Same),
        row("a rule that does not", with(json!({})), wrong.clone(), Same),
        row("a message", with(json!({"message": "a below b"})), wrong.clone(), Same),
        row(
            "a message expression",
            with(json!({"messageExpression": "'a is ' + string(self.a)"})),
            wrong.clone(),
            Same,
        ),
        row(
            "a message expression that fails",
            with(json!({"messageExpression": "string(self.a / 0)"})),
            wrong.clone(),
            Same,
        ),
        row("a message expression that is no text", with(json!({"messageExpression": "self.a"})), wrong.clone(), Same),
        row("a broken message expression", with(json!({"messageExpression": "'a"})), wrong.clone(), Same),
        row("an empty message", with(json!({"message": " "})), wrong.clone(), Same),
        row("a message of two lines", with(json!({"message": "a\nb"})), wrong.clone(), Same),
        row("a field path", with(json!({"fieldPath": ".a"})), wrong.clone(), Same),
        row("a field path in brackets", with(json!({"fieldPath": "['a']"})), wrong.clone(), Same),
        row("an unknown field path", with(json!({"fieldPath": ".zz"})), wrong.clone(), Same),
        row("a broken field path", with(json!({"fieldPath": "a"})), wrong.clone(), Same),
        row("a field path without a name", with(json!({"fieldPath": "."})), wrong.clone(), Same),
        row("a reason", with(json!({"reason": "FieldValueForbidden"})), wrong.clone(), Same),
        row("an unknown reason", with(json!({"reason": "Because"})), wrong.clone(), Same),
        row("an unknown word in a rule", with(json!({"mesage": "x"})), wrong.clone(), Stricter(KEYWORD)),
        row("an empty rule", with(json!({"rule": " "})), wrong.clone(), Same),
        row("optional oldSelf that is not used", with(json!({"optionalOldSelf": true})), wrong.clone(), Same),
        row("a missing key in a rule", with(json!({})), json!({"a": 1}), Same),
        row("has() on a missing key", with(json!({"rule": "!has(self.b) || self.a < self.b"})), json!({"a": 1}), Same),
        row(
            "a whole float in a rule",
            ruled(object(json!({"a": {"type": "integer"}})), "self.a == 1"),
            json!({"a": 1.0}),
            Same,
        ),
        row(
            "a whole float as integer or string in a rule",
            ruled(object(json!({"a": {"x-kubernetes-int-or-string": true}})), "type(self.a) != bool"),
            json!({"a": 1.0}),
            Same,
        ),
        row("has() on a key that is there", with(json!({"rule": "has(self.b)"})), json!({"a": 1, "b": 2}), Same),
        row("rules and a wrong type", with(json!({})), json!({"a": "x", "b": 1}), Same),
        row("a rule on items", texts, json!(["ab", "ba", "a"]), Same),
        row("a rule on the values of a map", map, json!({"a": 1, "b": -1}), Same),
        row(
            "a rule on a scalar",
            json!({"type": "integer", "x-kubernetes-validations": [{"rule": "self % 2 == 0"}]}),
            json!(3),
            Same,
        ),
        row(
            "a rule below allOf",
            json!({"type": "integer", "allOf": [{"x-kubernetes-validations": [{"rule": "self > 0"}]}]}),
            json!(3),
            Same,
        ),
        row(
            "a rule on nothing typed",
            json!({"x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-validations": [{"rule": "true"}]}),
            json!(3),
            Same,
        ),
        row(
            "a rule on an open object",
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-validations": [{"rule": "self.a > 0"}]}),
            json!({"a": 1}),
            Same,
        ),
        row(
            "a costly rule",
            ruled(
                json!({"type": "array", "items": {"type": "string"}}),
                "self.all(a, self.all(b, self.all(c, a + b != c)))",
            ),
            json!(["a"]),
            Beyond(COST),
        ),
        row(
            "a costly rule that fails",
            ruled(
                json!({"type": "array", "items": {"type": "string"}}),
                "self.all(a, self.all(b, self.all(c, a + b == c)))",
            ),
            json!(["a"]),
            Beyond(COST),
        ),
        row(
            "a rule that is no list",
            json!({"type": "integer", "x-kubernetes-validations": {"rule": "true"}}),
            json!(3),
            Same,
        ),
    ]
}

fn transitions() -> Vec<Corner> {
    let a = json!({"type": "integer"});
    let rule = |rule: &str, rest: Value| {
        let mut schema = object(json!({"a": a, "b": a}));
        schema["x-kubernetes-validations"] = json!([merged(json!({ "rule": rule }), rest)]);
        schema
    };
    let up = rule("self.a >= oldSelf.a", json!({}));
    let optional = rule("!oldSelf.hasValue() || self.a > oldSelf.value().a", json!({"optionalOldSelf": true}));
    let list = |list_type: Value, item_rule: &str| {
        let mut schema = json!({"type": "array", "maxItems": 5, "items": {"type": "object", "required": ["k"], "properties": {"k": {"type": "string", "maxLength": 9}, "v": a}}});
        schema["items"]["x-kubernetes-validations"] = json!([{ "rule": item_rule }]);
        merged(schema, list_type)
    };
    let keyed =
        list(json!({"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), "self.v >= oldSelf.v");
    vec![
        row("oldSelf on create", up.clone(), json!({"a": 1}), Same),
        change("oldSelf, upwards", up.clone(), json!({"a": 1}), json!({"a": 2}), Same),
        change("oldSelf, downwards", up.clone(), json!({"a": 2}), json!({"a": 1}), Same),
        change("oldSelf without the key", up, json!({"b": 2}), json!({"a": 1}), Same),
        row("optional oldSelf on create", optional.clone(), json!({"a": 1}), Same),
        change("optional oldSelf, upwards", optional.clone(), json!({"a": 1}), json!({"a": 2}), Same),
        change("optional oldSelf, downwards", optional, json!({"a": 2}), json!({"a": 1}), Same),
        row(
            "optional oldSelf that has to be",
            rule("oldSelf.hasValue()", json!({"optionalOldSelf": true})),
            json!({"a": 1}),
            Same,
        ),
        row(
            "optional oldSelf or a value",
            rule("oldSelf.orValue(self) == self", json!({"optionalOldSelf": true})),
            json!({"a": 1}),
            Same,
        ),
        change(
            "oldSelf by key",
            keyed.clone(),
            json!([{"k": "x", "v": 1}, {"k": "y", "v": 5}]),
            json!([{"k": "y", "v": 6}, {"k": "x", "v": 0}]),
            Same,
        ),
        change("oldSelf of a new item", keyed, json!([{"k": "x", "v": 1}]), json!([{"k": "z", "v": 0}]), Same),
        row("oldSelf in a plain list", list(json!({}), "self.v >= oldSelf.v"), json!([]), Same),
        row("oldSelf in a plain list, unused", list(json!({}), "self.v >= 0"), json!([{"k": "x", "v": 1}]), Same),
        row(
            "oldSelf below an atomic map",
            object(
                json!({"m": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"a": ruled(json!({"type": "integer"}), "self >= oldSelf")}}}),
            ),
            json!({}),
            Same,
        ),
        change(
            "oldSelf of a scalar in a map",
            json!({"type": "object", "maxProperties": 5, "additionalProperties": ruled(json!({"type": "integer"}), "self >= oldSelf")}),
            json!({"a": 5}),
            json!({"a": 4, "b": 1}),
            Same,
        ),
        change(
            "an immutable value",
            json!({"type": "string", "maxLength": 9, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}),
            json!("a"),
            json!("b"),
            Same,
        ),
        change("an immutable object", rule("self == oldSelf", json!({})), json!({"a": 1}), json!({"a": 2}), Same),
        change(
            "what was wrong before",
            rule("self.a > 5", json!({"rule": "self.a > 5 || !has(self.b)"})),
            json!({"a": 1}),
            json!({"a": 1, "b": 1}),
            Same,
        ),
        change(
            "a default in the old value",
            rule("self.a >= oldSelf.a", json!({})),
            json!({"a": 1, "b": 1}),
            json!({"a": 1}),
            Same,
        ),
        // Named here, shown by hand: the server cannot be brought to store what is wrong without changing its schema.
        row(
            "ratcheting",
            json!({"type": "string", "format": "unknown-for-ratcheting", "description": RATCHET}),
            json!("a"),
            Stricter(FORMAT),
        ),
    ]
}
