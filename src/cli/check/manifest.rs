//! Reads manifests: the ConfigSchema to check against, and ConfigMaps to check.
//! Must not read documents; those are the business of the core.

use std::fs;
use std::path::Path;

use k8s_openapi::api::core::v1::ConfigMap;
use rekindle_api::{ConfigSchema, definitions};
use rekindle_core::configuration::Configuration;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::format::Dialect;
use rekindle_core::validate::{DocumentRules, SchemaSpec, compile};
use serde_json::Value;

use super::CheckError;
use crate::convert::schema::schema_spec;

fn fault(path: &Path, problem: impl ToString) -> CheckError {
    CheckError::Manifest { path: path.to_owned(), problem: problem.to_string() }
}

/// The objects in a text of any number of YAML or JSON documents.
fn objects(text: &str) -> Result<Vec<Value>, String> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    Ok(objects.into_iter().filter(|object| !object.is_null()).collect())
}

fn is(object: &Value, key: &str, text: &str) -> bool {
    object.get(key).and_then(Value::as_str) == Some(text)
}

/// Reads the one ConfigSchema in a file.
pub(super) fn read_schema(path: &Path) -> Result<SchemaSpec, CheckError> {
    let text = fs::read_to_string(path).map_err(|source| CheckError::Read { path: path.to_owned(), source })?;
    let objects = objects(&text).map_err(|problem| fault(path, problem))?;
    let mut schemas = objects.into_iter().filter(|object| is(object, "kind", "ConfigSchema"));
    let (Some(schema), None) = (schemas.next(), schemas.next()) else {
        return Err(fault(path, "it must hold one object of kind ConfigSchema"));
    };
    check_spelling(schema.get("spec").unwrap_or(&Value::Null)).map_err(|problem| fault(path, problem))?;
    let schema: ConfigSchema = serde_json::from_value(schema).map_err(|error| fault(path, error))?;
    Ok(schema_spec(&schema.spec))
}

/// Holds the specification to the definition of its kind, as the API server does when it is applied: a misspelled key
/// would else be a rule that is never asked.
fn check_spelling(spec: &Value) -> Result<(), String> {
    let definition = definitions().into_iter().find(|definition| definition.spec.names.kind == "ConfigSchema");
    let definition = definition.and_then(|definition| serde_json::to_value(definition).ok()).unwrap_or_default();
    let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    let rules = DocumentRules { pattern: "*".to_owned(), schema: schema.cloned(), ..DocumentRules::default() };
    let schema = compile(&SchemaSpec { documents: vec![rules], ..SchemaSpec::default() })
        .map_err(|faults| faults.first().map(ToString::to_string).unwrap_or_default())?;
    let name = DocumentName::parse("spec.json").map_err(|error| error.to_string())?;
    let documents = Documents::join([[(name, spec.to_string().into())].into()]);
    let findings = match Configuration::parse(documents, Dialect::Yaml12) {
        Ok(spec) => schema.validate(&spec, None),
        Err(findings) => findings,
    };
    match findings.first() {
        None => Ok(()),
        Some(first) => {
            let path = if first.path.is_root() { String::new() } else { format!(".{}", first.path) };
            let hint = first.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
            Err(format!("spec{path}: {}{hint}", first.message))
        }
    }
}

/// The ConfigMaps in a text; none if it is no manifest of any.
pub(super) fn config_maps(text: &str) -> Option<Vec<ConfigMap>> {
    let objects = objects(text).ok()?;
    let maps = objects.into_iter().filter(|object| is(object, "kind", "ConfigMap") && is(object, "apiVersion", "v1"));
    let maps: Vec<ConfigMap> = maps.filter_map(|object| serde_json::from_value(object).ok()).collect();
    Some(maps).filter(|maps| !maps.is_empty())
}
