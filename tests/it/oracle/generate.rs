//! Schemas and documents from a seed: everything that structural schemas can say, and values that nearly satisfy it.

use serde_json::{Map, Value, json};

use super::Case;

/// Numbers from a seed (splitmix64).
pub struct Random {
    state: u64,
    /// Whether numbers are whole or have a point. Mixing them meets quirks that `corners` names.
    whole: bool,
}

impl Random {
    pub fn new(seed: u64) -> Self {
        let mut random = Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), whole: true };
        random.whole = random.next().is_multiple_of(2);
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn number(&mut self) -> Value {
        if self.whole { json!(self.pick(&WHOLES)) } else { json!(self.pick(&FLOATS)) }
    }

    pub fn pick<'all, T>(&mut self, all: &'all [T]) -> &'all T {
        &all[self.below(all.len())]
    }
}

const KEYS: [&str; 6] = ["a", "b", "size", "a-b", "x.y", "namespace"];
const TEXTS: [&str; 24] = [
    "",
    "a",
    "ab",
    "abc",
    "é",
    "日本語",
    "a1",
    "10",
    "1.5",
    "true",
    "2024-02-29",
    "2023-02-29",
    "1h30m",
    "5 days",
    "10.0.0.1",
    "010.0.0.1",
    "::1",
    "10.0.0.0/8",
    "a@b.de",
    "not an email",
    "aGk=",
    "AA:BB:CC:DD:EE:FF",
    "2024-01-02T03:04:05Z",
    "example.com",
];
const FORMATS: [&str; 14] = [
    "date",
    "date-time",
    "duration",
    "email",
    "ipv4",
    "ipv6",
    "cidr",
    "uuid",
    "byte",
    "hostname",
    "uri",
    "mac",
    "hexcolor",
    "k8s-short-name",
];
const PATTERNS: [&str; 10] = ["^a", "b$", "^[a-z]+$", "[0-9]", r"^\d+$", "^(a|b)*$", r"\w", "é", "^.{2,3}$", "^[^a]*$"];
const WHOLES: [i64; 9] = [-7, -1, 0, 1, 2, 3, 5, 10, 3_000_000_000];
const FLOATS: [f64; 8] = [-1.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.25, 1e20];

/// The case of a seed.
pub fn case(seed: u64) -> Case {
    let mut random = Random::new(seed);
    let schema = schema(&mut random, 3);
    let value = value(&mut random, &schema);
    Case::new(format!("seed {seed}"), schema, value)
}

fn schema(random: &mut Random, depth: usize) -> Value {
    let kinds: &[&str] = if depth == 0 {
        &["string", "integer", "number", "boolean", "int-or-string"]
    } else {
        &[
            "object",
            "object",
            "object",
            "map",
            "array",
            "array",
            "string",
            "integer",
            "number",
            "boolean",
            "int-or-string",
            "unknown",
        ]
    };
    let mut schema = match *random.pick(kinds) {
        "object" => object(random, depth),
        "map" => json!({"type": "object", "additionalProperties": schema_of(random, depth)}),
        "array" => array(random, depth),
        "int-or-string" => json!({"x-kubernetes-int-or-string": true}),
        "unknown" => json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        kind => json!({"type": kind}),
    };
    constrain(random, &mut schema);
    if random.chance(10) {
        schema["nullable"] = json!(true);
    }
    if random.chance(20) {
        junctor(random, &mut schema);
    }
    schema
}

fn schema_of(random: &mut Random, depth: usize) -> Value {
    schema(random, depth.saturating_sub(1))
}

fn object(random: &mut Random, depth: usize) -> Value {
    let mut properties = Map::new();
    for _ in 0..=random.below(3) {
        let mut child = schema_of(random, depth);
        if random.chance(10) {
            let default = value(random, &child);
            // The server refuses defaults that do not satisfy their own schema; scalars without constraints do.
            if !default.is_object()
                && !default.is_array()
                && !default.is_null()
                && child.as_object().is_some_and(|child| child.len() == 1)
            {
                child["default"] = default;
            }
        }
        properties.insert((*random.pick(&KEYS)).to_owned(), child);
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if random.chance(40) {
        schema["required"] = json!([random.pick(&KEYS)]);
    }
    if random.chance(10) {
        schema["x-kubernetes-preserve-unknown-fields"] = json!(true);
    }
    schema
}

fn array(random: &mut Random, depth: usize) -> Value {
    match random.below(4) {
        0 => {
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": random.pick(&["string", "integer", "number"])}})
        }
        1 => json!({
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
            "items": {"type": "object", "required": ["a"], "properties": {"a": {"type": random.pick(&["string", "integer"])}, "b": {"type": "string"}}},
        }),
        _ => json!({"type": "array", "items": schema_of(random, depth)}),
    }
}

/// Adds constraints that fit the type, and now and then one that does not apply to it.
fn constrain(random: &mut Random, schema: &mut Value) {
    let kind = schema["type"].as_str().unwrap_or("integer").to_owned();
    let kind = if random.chance(5) {
        (*random.pick(&["string", "integer", "number", "array", "object"])).to_owned()
    } else {
        kind
    };
    let whole = schema["type"] == "integer";
    let count = |random: &mut Random| json!(random.below(4));
    for _ in 0..random.below(3) {
        match kind.as_str() {
            "string" => match random.below(5) {
                0 => schema["minLength"] = count(random),
                1 => schema["maxLength"] = count(random),
                2 => schema["pattern"] = json!(random.pick(&PATTERNS)),
                3 if matches!(schema["type"].as_str(), None | Some("string")) => {
                    schema["format"] = json!(random.pick(&FORMATS))
                }
                _ => schema["enum"] = json!([random.pick(&TEXTS), random.pick(&TEXTS)]),
            },
            "integer" | "number" => {
                let bound = if schema["type"] == "number" { random.number() } else { json!(random.pick(&WHOLES)) };
                match random.below(5) {
                    0 => schema["minimum"] = bound,
                    1 => schema["maximum"] = bound,
                    2 => {
                        schema["multipleOf"] =
                            if whole { json!(2) } else { json!(random.pick(&[0.5, 1.0, 1.5, 2.0, 0.1])) }
                    }
                    3 if schema.get("minimum").is_some() => schema["exclusiveMinimum"] = json!(true),
                    3 if schema.get("maximum").is_some() => schema["exclusiveMaximum"] = json!(true),
                    3 if whole => schema["format"] = json!("int32"),
                    _ if whole || random.whole => schema["enum"] = json!([random.pick(&WHOLES), random.pick(&WHOLES)]),
                    _ => schema["enum"] = json!([-1.5, random.pick(&[0.5, 3.25])]),
                }
            }
            "array" => {
                schema[*random.pick(&["minItems", "maxItems"])] = count(random);
            }
            "object" => {
                schema[*random.pick(&["minProperties", "maxProperties"])] = count(random);
            }
            _ => {}
        }
    }
}

/// Adds a junctor whose alternatives constrain the same value, or one of its keys.
fn junctor(random: &mut Random, schema: &mut Value) {
    let alternative = |random: &mut Random, schema: &Value| {
        let keys: Vec<&String> = schema["properties"].as_object().map(|keys| keys.keys().collect()).unwrap_or_default();
        if !keys.is_empty() && random.chance(60) {
            let key = (*random.pick(&keys)).clone();
            if random.chance(40) {
                return json!({"required": [key]});
            }
            let mut below = json!({"type": schema["properties"][&key]["type"]});
            constrain(random, &mut below);
            strip(&mut below);
            return json!({"properties": {key: below}});
        }
        let mut same = json!({"type": schema["type"]});
        constrain(random, &mut same);
        strip(&mut same);
        same
    };
    let name = *random.pick(&["allOf", "anyOf", "oneOf", "not"]);
    if name == "not" {
        schema["not"] = alternative(random, schema);
        return;
    }
    let alternatives: Vec<Value> = (0..=random.below(3)).map(|_| alternative(random, schema)).collect();
    schema[name] = json!(alternatives);
}

/// Takes away what has no place below a junctor, and the one format that is checked more strictly there.
fn strip(schema: &mut Value) {
    if let Value::Object(fields) = schema {
        fields.remove("type");
        if fields.get("format").is_some_and(|format| format == "email" || format == "int32") {
            fields.remove("format");
        }
    }
}

/// A value that looks like the schema, with mistakes now and then.
fn value(random: &mut Random, schema: &Value) -> Value {
    if random.chance(4) {
        return anything(random);
    }
    let allowed = schema["enum"].as_array().filter(|allowed| !allowed.is_empty());
    if let Some(allowed) = allowed.filter(|_| random.chance(70)) {
        return random.pick(allowed).clone();
    }
    if schema["nullable"] == true && random.chance(20) {
        return Value::Null;
    }
    match schema["type"].as_str() {
        Some("object") => {
            let mut fields = Map::new();
            if let Some(properties) = schema["properties"].as_object() {
                for (key, child) in properties {
                    if random.chance(75) {
                        fields.insert(key.clone(), value(random, child));
                    }
                }
            }
            if schema["additionalProperties"].is_object() {
                for _ in 0..random.below(3) {
                    fields.insert((*random.pick(&KEYS)).to_owned(), value(random, &schema["additionalProperties"]));
                }
            }
            if random.chance(if schema["x-kubernetes-preserve-unknown-fields"] == true { 50 } else { 4 }) {
                fields.insert("unknown".to_owned(), json!({"deep": [1]}));
            }
            Value::Object(fields)
        }
        Some("array") => Value::Array((0..random.below(4)).map(|_| value(random, &schema["items"])).collect()),
        Some("string") => json!(random.pick(&TEXTS)),
        Some("integer") => json!(random.pick(&WHOLES)),
        Some("number") => random.number(),
        Some("boolean") => json!(random.chance(50)),
        _ if random.chance(50) => json!(random.pick(&TEXTS)),
        _ => json!(random.pick(&WHOLES)),
    }
}

fn anything(random: &mut Random) -> Value {
    match random.below(7) {
        0 => json!(random.pick(&TEXTS)),
        1 | 2 => random.number(),
        3 => json!(true),
        4 => json!({}),
        5 => json!([]),
        _ => json!({"a": 1}),
    }
}
