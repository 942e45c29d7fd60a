//! Reads a schema as it is written (OpenAPI v3, structural, as custom resource definitions have it) into nodes.
//! What the API server would refuse in a definition is a fault here, with its place. Must not know values.

use serde_json::Map;

use super::formats::{Format, TextFormat};
use super::pattern::{MAX_TOGETHER, Pattern};
use super::schema::{Additional, Bound, ListType, Node, Type};
use super::spec::SchemaFault;
use crate::value::Value;

mod checks;
mod fields;

/// How deep a schema may be nested.
const MAX_DEPTH: usize = 64;
/// How many nodes a schema may have.
const MAX_NODES: usize = 20_000;

/// Keywords that say nothing about values.
const NOTES: [&str; 5] = ["description", "title", "example", "externalDocs", "$schema"];
/// Keywords that shape a value and so have no place below a junctor.
const SHAPE: [&str; 12] = [
    "type",
    "default",
    "title",
    "description",
    "nullable",
    "additionalProperties",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-rekindle-secret",
];

/// Keywords that constrain values anywhere.
const CONSTRAINTS: [&str; 23] = [
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
    "enum",
    "properties",
    "items",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "x-kubernetes-validations",
];

/// Where in the schema something is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// It shapes values.
    Spine,
    /// Below `allOf` or `anyOf`: it only constrains them.
    Nested,
    /// Below `oneOf` or `not`, where a stricter check would let more through.
    Negated,
}

/// Reads a schema, or says everything that is wrong with it. Rules in it are read when they are compiled.
pub(crate) fn read(schema: &Value, place: &str) -> Result<Node, Vec<SchemaFault>> {
    let mut reader = Reader { faults: Vec::new(), nodes: 0, patterns: 0 };
    let node = reader.node(schema, place, Level::Spine, 0);
    if reader.faults.is_empty() {
        reader.check_complete(&node, place);
        reader.check_defaults(&node, place);
    }
    if reader.faults.is_empty() { Ok(node) } else { Err(reader.faults) }
}

struct Reader {
    faults: Vec<SchemaFault>,
    nodes: usize,
    /// What the patterns take together, in bytes.
    patterns: usize,
}

type Fields = Map<String, Value>;

impl Reader {
    fn fault(&mut self, place: &str, message: impl Into<String>, hint: &str) {
        let fault = SchemaFault::new(place, message);
        self.faults.push(if hint.is_empty() { fault } else { fault.hint(hint) });
    }

    fn node(&mut self, schema: &Value, place: &str, level: Level, depth: usize) -> Node {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            // Said once, or a schema that is too large would give as many faults as it has nodes.
            if depth > MAX_DEPTH || self.nodes == MAX_NODES + 1 {
                let message = format!("a schema may have {MAX_NODES} nodes, nested {MAX_DEPTH} deep");
                self.fault(place, message, "split it into several documents");
            }
            return Node::default();
        }
        let Value::Object(fields) = schema else {
            self.fault(place, "a schema must be an object", "write `{}` members such as `type: string`");
            return Node::default();
        };
        self.check_keywords(fields, place, level);
        let mut node = Node::default();
        self.read_shape(&mut node, fields, place);
        self.read_scalars(&mut node, fields, place, level);
        self.read_lists(&mut node, fields, place);
        self.read_children(&mut node, fields, place, level, depth);
        self.read_junctors(&mut node, fields, place, level, depth);
        if level == Level::Spine {
            self.check_shape(&node, fields, place);
        }
        node
    }

    fn check_keywords(&mut self, fields: &Fields, place: &str, level: Level) {
        const REFUSED: [(&str, &str); 9] = [
            ("$ref", "write the schema out in full"),
            ("definitions", "write the schema out in full"),
            ("id", "leave it out"),
            ("patternProperties", "use additionalProperties, and a rule for the keys"),
            ("additionalItems", "use items"),
            ("dependencies", "use merged.dependencies or a rule"),
            ("const", "use enum with one value"),
            ("if", "use a rule"),
            ("x-kubernetes-embedded-resource", "a configuration holds no Kubernetes objects; describe it as an object"),
        ];
        for key in fields.keys() {
            let key = key.as_str();
            let at = format!("{place}.{key}");
            if let Some((_, hint)) = REFUSED.iter().find(|(name, _)| *name == key) {
                self.fault(&at, format!("{key} is not supported"), hint);
            } else if !(CONSTRAINTS.contains(&key) || SHAPE.contains(&key) || NOTES.contains(&key)) {
                self.fault(
                    &at,
                    "this keyword is not known",
                    "see the structural schemas of custom resource definitions",
                );
            } else if level != Level::Spine && SHAPE.contains(&key) && !is_unset(fields.get(key)) {
                self.fault(
                    &at,
                    format!("{key} has no place below allOf, anyOf, oneOf and not"),
                    "say it outside of them",
                );
            } else if level != Level::Spine && key == "x-kubernetes-validations" {
                self.fault(&at, "rules have no place below allOf, anyOf, oneOf and not", "say them outside of them");
            }
        }
    }

    fn read_shape(&mut self, node: &mut Node, fields: &Fields, place: &str) {
        if let Some(text) = self.text(fields, "type", place) {
            node.kind = Type::parse(&text);
            if node.kind.is_none() {
                let message = format!("there is no type {text:?}");
                self.fault(&format!("{place}.type"), message, "use object, array, string, integer, number or boolean");
            }
        }
        node.nullable = self.flag(fields, "nullable", place);
        node.int_or_string = self.flag(fields, "x-kubernetes-int-or-string", place);
        if node.int_or_string {
            // It says what the type says, and more.
            node.kind = None;
        }
        node.preserve_unknown = self.flag(fields, "x-kubernetes-preserve-unknown-fields", place);
        if fields.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(false)) {
            self.fault(&format!("{place}.x-kubernetes-preserve-unknown-fields"), "must be true or left out", "");
        }
        node.secret = self.flag(fields, "x-rekindle-secret", place);
        node.default = fields.get("default").filter(|value| !value.is_null()).cloned();
    }

    fn read_scalars(&mut self, node: &mut Node, fields: &Fields, place: &str, level: Level) {
        if let Some(name) = self.text(fields, "format", place) {
            node.format = self.format(&name, node.kind, &format!("{place}.format"), level);
        }
        let exclusive = |fields: &Fields, key: &str| fields.get(key) == Some(&Value::Bool(true));
        self.flag(fields, "exclusiveMinimum", place);
        self.flag(fields, "exclusiveMaximum", place);
        let bound = |value: Option<f64>, exclusive: bool| value.map(|value| Bound { value, exclusive });
        let minimum = self.number(fields, "minimum", place, node.kind);
        node.numbers.minimum = bound(minimum, exclusive(fields, "exclusiveMinimum"));
        let maximum = self.number(fields, "maximum", place, node.kind);
        node.numbers.maximum = bound(maximum, exclusive(fields, "exclusiveMaximum"));
        node.numbers.multiple_of = self.number(fields, "multipleOf", place, node.kind);
        if node.numbers.multiple_of.is_some_and(|step| step <= 0.0) {
            self.fault(&format!("{place}.multipleOf"), "must be greater than 0", "");
        }
        node.length = self.counts(fields, "minLength", "maxLength", place);
        node.item_count = self.counts(fields, "minItems", "maxItems", place);
        node.key_count = self.counts(fields, "minProperties", "maxProperties", place);
        if let Some(pattern) = self.text(fields, "pattern", place).filter(|pattern| !pattern.is_empty()) {
            node.pattern = self.pattern(&pattern, &format!("{place}.pattern"));
        }
        match fields.get("enum") {
            None | Some(Value::Null) => {}
            // The server takes an empty list for none.
            Some(Value::Array(values)) => node.allowed = Some(values.clone()).filter(|values| !values.is_empty()),
            Some(_) => self.fault(&format!("{place}.enum"), "must be a list of values", ""),
        }
    }

    fn pattern(&mut self, source: &str, place: &str) -> Option<Pattern> {
        // Said once; those after it are not even compiled.
        if self.patterns > MAX_TOGETHER {
            return None;
        }
        match Pattern::compile(source) {
            Ok(pattern) => {
                self.patterns += pattern.size();
                if self.patterns > MAX_TOGETHER {
                    self.fault(place, "the patterns up to here are too large together", "use fewer or simpler ones");
                }
                Some(pattern)
            }
            Err(fault) => {
                let hint = "write it in Go's RE2 syntax";
                self.faults.push(SchemaFault::new(place, fault.message).at(1, fault.column).hint(hint));
                None
            }
        }
    }

    fn format(&mut self, name: &str, kind: Option<Type>, place: &str, level: Level) -> Option<Format> {
        let found = match (kind, name) {
            (Some(Type::Integer), "int32") => Some(Format::Int32),
            (Some(Type::Integer), "int64") => Some(Format::Int64),
            (Some(Type::Number), "float") => Some(Format::Float),
            (Some(Type::Number), "double") => Some(Format::Double),
            (None | Some(Type::String), _) => TextFormat::parse(name).map(Format::Text),
            _ => None,
        };
        match found {
            None => {
                let known: Vec<&str> = TextFormat::NAMES.iter().map(|(name, _)| *name).collect();
                let hint = format!("texts have {}; integers int32, int64; numbers float, double", known.join(", "));
                self.fault(
                    place,
                    format!("format {name:?} is not known for this type, so it would check nothing"),
                    &hint,
                );
            }
            Some(Format::Text(format)) if !format.is_exact() && level == Level::Negated => {
                let message = format!("format {name:?} cannot be used below oneOf and not");
                self.fault(place, message, "it is checked more strictly here than in Kubernetes; use a pattern");
            }
            Some(_) => {}
        }
        found
    }

    fn read_lists(&mut self, node: &mut Node, fields: &Fields, place: &str) {
        node.unique_items = self.flag(fields, "uniqueItems", place);
        let keys = self.texts(fields, "x-kubernetes-list-map-keys", place);
        let at = format!("{place}.x-kubernetes-list-type");
        node.list_type = match self.text(fields, "x-kubernetes-list-type", place).as_deref() {
            None | Some("atomic") => ListType::Atomic,
            Some("set") => ListType::Set,
            Some("map") if !keys.is_empty() => ListType::Map(keys.clone()),
            Some("map") => {
                self.fault(
                    &at,
                    "a list of type map needs x-kubernetes-list-map-keys",
                    "name the keys that tell items apart",
                );
                ListType::Atomic
            }
            Some(_) => {
                self.fault(&at, "there is no such list type", "use atomic, set or map");
                ListType::Atomic
            }
        };
        if node.list_type != ListType::Atomic && node.kind != Some(Type::Array) {
            self.fault(&at, "only a list has a list type", "");
        }
        if !keys.is_empty() && !matches!(node.list_type, ListType::Map(_)) {
            self.fault(&format!("{place}.x-kubernetes-list-map-keys"), "only a list of type map has keys", "");
        }
        match self.text(fields, "x-kubernetes-map-type", place).as_deref() {
            None => {}
            Some("atomic" | "granular") if node.kind == Some(Type::Object) => {}
            Some(_) => self.fault(&format!("{place}.x-kubernetes-map-type"), "an object is atomic or granular", ""),
        }
        node.required = self.texts(fields, "required", place);
    }

    fn read_children(&mut self, node: &mut Node, fields: &Fields, place: &str, level: Level, depth: usize) {
        match fields.get("properties") {
            None | Some(Value::Null) => {}
            Some(Value::Object(properties)) => {
                for (key, schema) in properties {
                    let child = self.node(schema, &format!("{place}.properties[{key}]"), level, depth + 1);
                    node.properties.insert(key.clone(), child);
                }
            }
            Some(_) => self.fault(&format!("{place}.properties"), "must be an object of schemas", ""),
        }
        match fields.get("additionalProperties") {
            None | Some(Value::Null) => {}
            Some(Value::Bool(true)) => node.additional = Additional::Any,
            Some(Value::Bool(false)) => node.additional = Additional::None,
            Some(schema) => {
                let child = self.node(schema, &format!("{place}.additionalProperties"), level, depth + 1);
                node.additional = Additional::Schema(Box::new(child));
            }
        }
        match fields.get("items") {
            None | Some(Value::Null) => {}
            Some(Value::Array(_)) => self.fault(&format!("{place}.items"), "must be one schema, not a list", ""),
            Some(schema) => {
                node.items = Some(Box::new(self.node(schema, &format!("{place}.items"), level, depth + 1)));
            }
        }
    }

    fn read_junctors(&mut self, node: &mut Node, fields: &Fields, place: &str, level: Level, depth: usize) {
        let nested = if level == Level::Spine { Level::Nested } else { level };
        node.all_of = self.schemas(fields, "allOf", place, nested, depth);
        node.any_of = self.schemas(fields, "anyOf", place, nested, depth);
        node.one_of = self.schemas(fields, "oneOf", place, Level::Negated, depth);
        if let Some(schema) = fields.get("not").filter(|schema| !schema.is_null()) {
            let child = self.node(schema, &format!("{place}.not"), Level::Negated, depth + 1);
            node.not = Some(Box::new(child));
        }
    }

    fn schemas(&mut self, fields: &Fields, key: &str, place: &str, level: Level, depth: usize) -> Vec<Node> {
        let int_or_string = fields.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true));
        match fields.get(key) {
            None | Some(Value::Null) => Vec::new(),
            // The one form in which types may stand here; it repeats what int-or-string says.
            Some(schemas) if int_or_string && key == "anyOf" && says_int_or_string(schemas) => Vec::new(),
            Some(Value::Array(schemas)) => {
                let mut nodes = Vec::new();
                for (index, schema) in schemas.iter().enumerate() {
                    if int_or_string && key == "allOf" && index == 0 && is_int_or_string(schema) {
                        continue;
                    }
                    nodes.push(self.node(schema, &format!("{place}.{key}[{index}]"), level, depth + 1));
                }
                nodes
            }
            Some(_) => {
                self.fault(&format!("{place}.{key}"), "must be a list of schemas", "");
                Vec::new()
            }
        }
    }
}

/// The zero of its type, which the server takes for absent.
fn is_unset(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

fn says_int_or_string(schemas: &Value) -> bool {
    *schemas == serde_json::json!([{"type": "integer"}, {"type": "string"}])
}

fn is_int_or_string(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return false };
    fields.len() == 1 && fields.get("anyOf").is_some_and(says_int_or_string)
}

#[cfg(test)]
mod tests;
