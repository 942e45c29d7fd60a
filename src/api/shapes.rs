//! Schemas of the kinds of text and list that several fields share: names, digests, durations, conditions.
//! Rules are in CEL where a pattern's own message would be unreadable. Must not know which field uses what.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The longest name that still leaves room for `-v` and the largest number in a name of 253 characters.
pub const POLICY_NAME_MAX: u32 = 240;
/// The largest version number; a history that gives one number a second reaches it after 31 years.
pub const NUMBER_MAX: u64 = 999_999_999;

fn subdomain(max: u32) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": max,
        "x-kubernetes-validations": [{
            "rule": r"self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
            "message": "must be an object name: lower case letters, digits, `-` and `.`, beginning and ending with \
                        a letter or digit",
        }],
    })
}

/// The name of any object.
pub fn object_name(_: &mut SchemaGenerator) -> Schema {
    subdomain(253)
}

/// The name of a ReloadPolicy.
pub fn policy_name(_: &mut SchemaGenerator) -> Schema {
    subdomain(POLICY_NAME_MAX)
}

/// The number of a version.
pub fn number(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer", "format": "int64", "minimum": 1, "maximum": NUMBER_MAX})
}

/// A digest in its text form.
pub fn digest(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 71,
        "pattern": "^sha256:[0-9a-f]{64}$",
    })
}

/// Globs over document names; document names have no `/`.
pub fn globs(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "minItems": 1, "maxItems": 32, "items": glob_schema()})
}

/// One glob over document names.
pub fn glob(_: &mut SchemaGenerator) -> Schema {
    glob_schema()
}

fn glob_schema() -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 253,
        "x-kubernetes-validations": [{
            "rule": "!self.contains('/')",
            "message": "must be a glob over document names, which hold no `/`, such as `*.yaml`",
        }],
    })
}

/// How long one push may take.
pub fn push_timeout(_: &mut SchemaGenerator) -> Schema {
    duration("100ms", "60s")
}

/// How long an open breaker stays open.
pub fn open_for(_: &mut SchemaGenerator) -> Schema {
    duration("1s", "24h")
}

fn duration(min: &str, max: &str) -> Schema {
    json_schema!({
        "type": "string",
        "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": format!(
                "self.matches('^([0-9]{{1,6}}(h|ms|m|s))+$') \
                 && duration(self) >= duration('{min}') && duration(self) <= duration('{max}')"
            ),
            "message": format!("must be a duration from {min} to {max}, such as `500ms`, `2s` or `1m30s`"),
        }],
    })
}

/// A port by number or by the name that a container gives it.
pub fn port(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 15,
        "x-kubernetes-validations": [{
            "rule": "type(self) == int ? int(self) >= 1 && int(self) <= 65535 \
                     : string(self).matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && string(self).matches('[a-z]') \
                     && !string(self).contains('--')",
            "message": "must be a number from 1 to 65535 or the name of a container's port",
        }],
    })
}

/// An object of any content that is checked elsewhere.
pub fn free_form(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// A word of the catalogue of reasons.
pub fn word(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Z][A-Za-z]*$"})
}

/// The standard list of conditions.
pub fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": {"type": "string", "maxLength": 64, "description": "What is being said."},
                "status": {"type": "string", "enum": ["True", "False", "Unknown"], "description": "Whether it holds."},
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Z][A-Za-z]*$",
                    "description": "Why, as one word of the catalogue of reasons.",
                },
                "message": {"type": "string", "maxLength": 4096, "description": "Why, for people."},
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "description": "When the status last changed.",
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation of the specification that this was said about.",
                },
            },
        },
    })
}
