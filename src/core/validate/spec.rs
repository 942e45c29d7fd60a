//! What a ConfigSchema says, in the core's own form, and what can be wrong with it.
//! Must not know custom resources; `convert` makes this from one.

use std::fmt;

use crate::finding::Severity;
use crate::format::Dialect;
use crate::value::Value;

/// What to do with a key that the schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownFields {
    /// An error: most unknown keys are misspelled ones.
    #[default]
    Deny,
    /// Nothing.
    Allow,
    /// A warning.
    Warn,
}

/// All rules for a configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SchemaSpec {
    /// Rules for documents by name; a document follows every entry that matches its name.
    pub documents: Vec<DocumentRules>,
    /// Rules for the merged tree.
    pub merged: Option<MergedRules>,
    /// What to do with keys that no schema names.
    pub unknown_fields: UnknownFields,
    /// Which YAML the application reads.
    pub dialect: Dialect,
}

/// Rules for the documents whose name matches.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DocumentRules {
    /// A glob over document names: `*` and `?` match any characters, `[ab]` one of a set, `{a,b}` either.
    pub pattern: String,
    /// Whether at least one document must match.
    pub required: bool,
    /// A structural OpenAPI v3 schema, as custom resource definitions have it.
    pub schema: Option<Value>,
    /// CEL rules; `self` is the document.
    pub rules: Vec<CelRule>,
}

/// Rules for the merged tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MergedRules {
    /// A structural OpenAPI v3 schema.
    pub schema: Option<Value>,
    /// CEL rules; `self` is the tree.
    pub rules: Vec<CelRule>,
    /// Keys that need other keys.
    pub dependencies: Vec<KeyDependency>,
}

/// When one key is set, others must be.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyDependency {
    /// The path of the key; it counts as set when it is there and neither null nor `false`.
    pub when: String,
    /// The paths that must then be there and not null.
    pub requires: Vec<String>,
    /// How much a breach weighs.
    pub severity: Severity,
}

/// A rule in CEL.
#[derive(Debug, Clone, PartialEq)]
pub struct CelRule {
    /// The expression; false is a finding. At most 4 KiB.
    pub rule: String,
    /// What the finding says; without it, the rule itself.
    pub message: Option<String>,
    /// An expression for what the finding says. Used only when its result cannot hold a value of the configuration.
    pub message_expression: Option<String>,
    /// The field below `self` that the finding points to, such as `.pool.size` or `.pools['main']`.
    pub field_path: Option<String>,
    /// Whether the rule is evaluated, with `oldSelf` an optional, when there is no older value.
    pub optional_old_self: bool,
    /// How much a breach weighs.
    pub severity: Severity,
}

impl CelRule {
    /// A rule with severity Error and nothing else said.
    #[must_use]
    pub fn new(rule: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            message: None,
            message_expression: None,
            field_path: None,
            optional_old_self: false,
            severity: Severity::Error,
        }
    }
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaFault {
    /// Where in the spec: `documents[0].schema.properties[pool].pattern`, `merged.rules[1].rule`.
    pub place: String,
    /// Where in the text of a rule or pattern, both beginning with 1, when it is known.
    pub position: Option<(u32, u32)>,
    /// What is wrong, in lower case.
    pub message: String,
    /// What to do, when there is something to say.
    pub hint: Option<String>,
}

impl SchemaFault {
    /// A fault at a place.
    #[must_use]
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), position: None, message: message.into(), hint: None }
    }

    /// With this advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// At this line and column of the text at the place.
    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        self.position = Some((line, column));
        self
    }
}

/// `merged.rules[1].rule:1:7: unknown function 'foo'; use one of …`
impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SchemaFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_where_and_what_to_do() {
        let fault = SchemaFault::new("merged.rules[1].rule", "unknown function 'foo'").at(1, 7).hint("use size()");
        assert_eq!(fault.to_string(), "merged.rules[1].rule:1:7: unknown function 'foo'; use size()");
        assert_eq!(SchemaFault::new("merged", "x").to_string(), "merged: x");
    }
}
