//! The CustomResourceDefinitions of all kinds, as the API server gets them.
//! Mends what the derived schemas say in another tongue than the API server; must not change what they mean.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use crate::{ConfigRollback, ConfigSchema, ConfigVersion, ReloadPolicy};

/// The definitions, in the order in which a reader meets the kinds.
#[must_use]
pub fn definitions() -> Vec<CustomResourceDefinition> {
    [ReloadPolicy::crd(), ConfigSchema::crd(), ConfigVersion::crd(), ConfigRollback::crd()]
        .into_iter()
        .map(mend)
        .collect()
}

fn mend(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut definition.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            mend_schema(schema);
        }
    }
    definition
}

/// Drops `nullable`, so that the API server treats null as absent, gives integers the formats that it knows, and lets
/// descriptions flow, because `kubectl explain` breaks lines itself.
fn mend_schema(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.title = None;
    schema.description = schema.description.take().map(|text| without_line_breaks(&text));
    schema.format = schema.format.take().map(|format| match format.as_str() {
        "uint32" | "uint64" => "int64".to_owned(),
        _ => format,
    });
    for child in schema.properties.iter_mut().flat_map(|properties| properties.values_mut()) {
        mend_schema(child);
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        mend_schema(values);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => mend_schema(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(mend_schema),
        None => {}
    }
}

fn without_line_breaks(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(schema: &Value, path: &str, problems: &mut Vec<String>) {
        let Some(object) = schema.as_object() else { return };
        let says = |key: &str| object.contains_key(key);
        let mut problem = |text: &str| problems.push(format!("{path}: {text}"));
        if says("nullable") {
            problem("is nullable");
        }
        match object.get("type").and_then(Value::as_str) {
            Some("string")
                if !says("maxLength") && !says("enum") && object.get("format") != Some(&"date-time".into()) =>
            {
                problem("is a text without a bound");
            }
            Some("array") if !says("maxItems") => problem("is a list without a bound"),
            Some("object") if says("additionalProperties") && !says("maxProperties") => {
                problem("is a map without a bound");
            }
            _ => {}
        }
        if !path.contains("metadata") && !says("description") && !path.ends_with("[]") && !path.ends_with("{}") {
            problem("is not described");
        }
        for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
            check(property, &format!("{path}.{name}"), problems);
        }
        for (key, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let Some(child) = object.get(key) {
                check(child, &format!("{path}{suffix}"), problems);
            }
        }
    }

    #[test]
    fn every_field_is_described_and_bounded() -> serde_json::Result<()> {
        let mut problems = Vec::new();
        for definition in definitions() {
            let kind = definition.spec.names.kind.clone();
            for version in definition.spec.versions {
                let schema = serde_json::to_value(version.schema)?;
                for part in ["spec", "status"] {
                    let place = format!("/openAPIV3Schema/properties/{part}");
                    let schema = schema.pointer(&place).cloned().unwrap_or_default();
                    assert!(schema.is_object(), "{kind}.{part}");
                    check(&schema, &format!("{kind}.{part}"), &mut problems);
                }
            }
        }
        assert_eq!(problems, Vec::<String>::new());
        Ok(())
    }
}
