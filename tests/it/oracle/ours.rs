//! What our own validation says to a case.

use std::collections::BTreeMap;

use bytes::Bytes;
use rekindle_core::configuration::Configuration;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::{Severity, any_error};
use rekindle_core::format::Dialect;
use rekindle_core::validate::{DocumentRules, SchemaSpec, compile};
use serde_json::Value;

use super::{Case, Verdict};

const NAME: &str = "case.json";

pub fn ask(case: &Case) -> Verdict {
    let rules =
        DocumentRules { pattern: NAME.to_owned(), schema: Some(case.schema.clone()), ..DocumentRules::default() };
    let schema = match compile(&SchemaSpec { documents: vec![rules], ..SchemaSpec::default() }) {
        Ok(schema) => schema,
        Err(faults) => return Verdict::RefusesSchema(faults.iter().map(|fault| format!("{fault}; ")).collect()),
    };
    let old = case.old.as_ref().map(configuration);
    let findings = schema.validate(&configuration(&case.value), old.as_ref());
    if !any_error(&findings) {
        return Verdict::Accepts;
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let paths = errors.map(|finding| super::server::plain(&finding.path.to_string())).collect();
    Verdict::Refuses(paths, findings.iter().map(|finding| format!("{finding}; ")).collect())
}

fn configuration(value: &Value) -> Configuration {
    let name = DocumentName::parse(NAME).unwrap_or_else(|error| panic!("{error}"));
    let documents = Documents::join([BTreeMap::from([(name, Bytes::from(value.to_string()))])]);
    Configuration::parse(documents, Dialect::Yaml12).unwrap_or_else(|findings| panic!("{findings:?}"))
}
