//! ConfigSchema: its specification for the core's validator, and what that finds wrong with it for its status.
//! Must not judge it.

use rekindle_api as api;
use rekindle_core::finding::Severity;
use rekindle_core::format::Dialect;
use rekindle_core::reason::Reason;
use rekindle_core::status::Truth;
use rekindle_core::time::Timestamp;
use rekindle_core::validate::{
    CelRule, DocumentRules, KeyDependency, MergedRules, SchemaFault, SchemaSpec, UnknownFields,
};

use super::conditions::{Statement, merged};
use super::text::bounded;

const MAX_FAULTS: usize = 50;

/// The specification in the core's form; whether it is sound is for the core's compiler to say.
#[must_use]
pub fn schema_spec(spec: &api::ConfigSchemaSpec) -> SchemaSpec {
    SchemaSpec {
        documents: spec.documents.iter().map(document_rules).collect(),
        merged: spec.merged.as_ref().map(merged_rules),
        unknown_fields: match spec.unknown_fields {
            api::UnknownFields::Deny => UnknownFields::Deny,
            api::UnknownFields::Allow => UnknownFields::Allow,
            api::UnknownFields::Warn => UnknownFields::Warn,
        },
        dialect: match spec.yaml {
            api::YamlDialect::V1_1 => Dialect::Yaml11,
            api::YamlDialect::V1_2 => Dialect::Yaml12,
        },
    }
}

fn document_rules(rules: &api::DocumentRules) -> DocumentRules {
    DocumentRules {
        pattern: rules.match_.clone(),
        required: rules.required,
        schema: rules.schema.clone(),
        rules: rules.rules.iter().map(cel_rule).collect(),
    }
}

fn merged_rules(rules: &api::MergedRules) -> MergedRules {
    let dependency = |rule: &api::DependencyRule| KeyDependency {
        when: rule.when.clone(),
        requires: rule.requires.clone(),
        severity: severity(rule.severity),
    };
    MergedRules {
        schema: rules.schema.clone(),
        rules: rules.rules.iter().map(cel_rule).collect(),
        dependencies: rules.dependencies.iter().map(dependency).collect(),
    }
}

fn cel_rule(rule: &api::ValidationRule) -> CelRule {
    CelRule {
        rule: rule.rule.clone(),
        message: rule.message.clone(),
        message_expression: rule.message_expression.clone(),
        field_path: rule.field_path.clone(),
        optional_old_self: rule.optional_old_self,
        severity: severity(rule.severity),
    }
}

fn severity(severity: api::Severity) -> Severity {
    match severity {
        api::Severity::Error => Severity::Error,
        api::Severity::Warning => Severity::Warning,
    }
}

/// The status of a schema with these faults. It equals `before` when there is nothing new to say.
#[must_use]
pub fn schema_status(
    generation: i64,
    faults: &[SchemaFault],
    before: Option<&api::ConfigSchemaStatus>,
    now: Timestamp,
) -> api::ConfigSchemaStatus {
    let ready = match faults {
        [] => Statement {
            kind: "Ready",
            truth: Truth::True,
            reason: Reason::SchemaReady,
            message: "configurations can be checked against it".to_owned(),
        },
        [first, rest @ ..] => Statement {
            kind: "Ready",
            truth: Truth::False,
            reason: Reason::SchemaBroken,
            message: match rest.len() {
                0 => first.to_string(),
                more => format!("{first} (and {more} more)"),
            },
        },
    };
    let conditions = before.map(|before| before.conditions.as_slice()).unwrap_or_default();
    api::ConfigSchemaStatus {
        observed_generation: Some(generation),
        conditions: merged(conditions, [ready], Some(generation), now),
        faults: faults.iter().take(MAX_FAULTS).map(fault).collect(),
    }
}

fn fault(fault: &SchemaFault) -> api::SchemaFault {
    api::SchemaFault {
        place: bounded(&fault.place, 1024),
        line: fault.position.map(|(line, _)| line.max(1)),
        column: fault.position.map(|(_, column)| column.max(1)),
        message: bounded(&fault.message, 1024),
        hint: fault.hint.as_deref().map(|hint| bounded(hint, 1024)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_written_reaches_the_core() -> serde_json::Result<()> {
        let spec: api::ConfigSchemaSpec = serde_json::from_value(json!({
            "documents": [{
                "match": "*.yaml",
                "required": true,
                "schema": {"type": "object"},
                "rules": [{
                    "rule": "self.a", "message": "m", "messageExpression": "'e'", "fieldPath": ".a",
                    "optionalOldSelf": true, "severity": "Warning",
                }],
            }],
            "merged": {
                "schema": {"type": "object"},
                "rules": [{"rule": "true"}],
                "dependencies": [{"when": "a", "requires": ["b"], "severity": "Warning"}],
            },
            "unknownFields": "Warn",
            "yaml": "1.1",
        }))?;

        let rule = CelRule {
            message: Some("m".to_owned()),
            message_expression: Some("'e'".to_owned()),
            field_path: Some(".a".to_owned()),
            optional_old_self: true,
            severity: Severity::Warning,
            ..CelRule::new("self.a")
        };
        let dependency =
            KeyDependency { when: "a".to_owned(), requires: vec!["b".to_owned()], severity: Severity::Warning };
        let schema = Some(json!({"type": "object"}));
        let expected = SchemaSpec {
            documents: vec![DocumentRules {
                pattern: "*.yaml".to_owned(),
                required: true,
                schema: schema.clone(),
                rules: vec![rule],
            }],
            merged: Some(MergedRules { schema, rules: vec![CelRule::new("true")], dependencies: vec![dependency] }),
            unknown_fields: UnknownFields::Warn,
            dialect: Dialect::Yaml11,
        };
        assert_eq!(schema_spec(&spec), expected);
        let manifest = json!({"apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "spec": spec});
        let of_file = rekindle_core::validate::read_manifest(manifest.to_string().as_bytes());
        assert_eq!(of_file.as_ref(), Ok(&expected), "a program that reads the file sees the same");
        assert_eq!(schema_spec(&serde_json::from_value(json!({}))?), SchemaSpec::default());
        Ok(())
    }

    #[test]
    fn faults_are_shown_and_nothing_new_changes_nothing() {
        let faults = [
            SchemaFault::new("merged.rules[0].rule", "unknown function").at(1, 7).hint("use size()"),
            SchemaFault::new("merged.schema", "no type"),
        ];
        let broken = schema_status(3, &faults, None, Timestamp(1_000));

        let condition = &broken.conditions[0];
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "SchemaBroken"));
        assert_eq!(condition.message, "merged.rules[0].rule:1:7: unknown function; use size() (and 1 more)");
        assert_eq!((broken.faults[0].line, broken.faults[0].column), (Some(1), Some(7)));
        assert_eq!(schema_status(3, &faults, Some(&broken), Timestamp(9_000)), broken);

        let mended = schema_status(4, &[], Some(&broken), Timestamp(9_000));
        assert_eq!((mended.conditions[0].status.as_str(), mended.faults.len()), ("True", 0));
    }
}
