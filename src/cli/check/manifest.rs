//! Reads manifests: the ConfigSchema to check against, and ConfigMaps to check.
//! Must not read documents; those are the business of the core.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::ConfigMap;
use rekindle_api::{ConfigSchema, definitions, names};
use rekindle_core::configuration::Configuration;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::Rule;
use rekindle_core::format::{self, Dialect};
use rekindle_core::validate::{DocumentRules, SchemaSpec, compile};
use serde_json::Value;

use super::CheckError;
use super::sources::read_file;
use crate::convert::schema::schema_spec;

pub(super) fn fault(path: &Path, problem: impl ToString) -> CheckError {
    CheckError::Manifest { path: path.to_owned(), problem: problem.to_string() }
}

/// The objects in a text of any number of YAML or JSON documents, those of a `List` one by one.
fn objects(text: &str) -> Result<Vec<Value>, String> {
    let objects: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| explain(text, &error.to_string()))?;
    let items = |mut object: Value| {
        let is_list = is(&object, "kind", "List") && is(&object, "apiVersion", "v1");
        match object.get_mut("items") {
            Some(Value::Array(items)) if is_list => std::mem::take(items),
            _ => vec![object],
        }
    };
    Ok(objects.into_iter().flat_map(items).filter(|object| !object.is_null()).collect())
}

/// What is wrong with a manifest in the words of findings, which name no options of a library.
fn explain(text: &str, error: &str) -> String {
    let name = DocumentName::parse("manifest.yaml").ok();
    let findings = name.and_then(|name| format::parse(&name, text.as_bytes(), Dialect::default()).err());
    match findings.and_then(|findings| findings.into_iter().find(|finding| finding.rule != Rule::Unsupported)) {
        Some(finding) => {
            let place = finding.position.map(|at| format!("{}:{}: ", at.line, at.column)).unwrap_or_default();
            let hint = finding.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{place}{}{hint}", finding.message)
        }
        None => error.lines().next().unwrap_or_default().to_owned(),
    }
}

fn is(object: &Value, key: &str, text: &str) -> bool {
    object.get(key).and_then(Value::as_str) == Some(text)
}

/// Reads the one ConfigSchema in a file.
pub(super) fn read_schema(path: &Path) -> Result<SchemaSpec, CheckError> {
    let content = read_file(path)?;
    let text = std::str::from_utf8(&content).map_err(|_| fault(path, "it is not text in UTF-8"))?;
    let objects = objects(text).map_err(|problem| fault(path, problem))?;
    let mut schemas: Vec<_> = objects.into_iter().filter(|object| is(object, "kind", "ConfigSchema")).collect();
    let (Some(schema), true) = (schemas.pop(), schemas.is_empty()) else {
        return Err(fault(path, "it must hold one object of kind ConfigSchema"));
    };
    let version = format!("{}/{}", names::GROUP, names::VERSION);
    if !is(&schema, "apiVersion", &version) {
        return Err(fault(path, format!("the apiVersion of its ConfigSchema must be {version}")));
    }
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
///
/// # Errors
/// One of them is none that the API server would take: it must not pass for a document that nobody asks about.
pub(super) fn config_maps(text: &str) -> Result<Option<Vec<ConfigMap>>, String> {
    let Ok(objects) = objects(text) else { return Ok(None) };
    let maps = objects.into_iter().filter(|object| is(object, "kind", "ConfigMap") && is(object, "apiVersion", "v1"));
    let maps: Vec<ConfigMap> = maps.map(config_map).collect::<Result<_, _>>()?;
    Ok(Some(maps).filter(|maps| !maps.is_empty()))
}

/// No message holds a value.
fn config_map(object: Value) -> Result<ConfigMap, String> {
    let entries = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    if let Some((key, _)) = entries("data").find(|(_, value)| !value.is_string()) {
        return Err(format!("data[{key}]: must be text; put it in quotes"));
    }
    let is_base64 = |value: &Value| value.as_str().is_some_and(|text| BASE64_STANDARD.decode(text).is_ok());
    if let Some((key, _)) = entries("binaryData").find(|(_, value)| !is_base64(value)) {
        return Err(format!("binaryData[{key}]: must be base64"));
    }
    serde_json::from_value(object).map_err(|_| "it is no ConfigMap as the API server knows it".to_owned())
}
