//! Keys that need other keys: when one is set, the others must be there.
//! Must not know schemas.

use super::spec::{KeyDependency, SchemaFault};
use crate::finding::{Finding, Rule, Severity};
use crate::value::{Path, Value};

/// A dependency, its paths read.
#[derive(Debug)]
pub(crate) struct Dependency {
    when: Path,
    requires: Vec<Path>,
    severity: Severity,
}

/// Reads the paths of dependencies.
pub(crate) fn compile(dependencies: &[KeyDependency], place: &str) -> Result<Vec<Dependency>, Vec<SchemaFault>> {
    let mut faults = Vec::new();
    let mut read = |text: &str, place: String| {
        let path = Path::parse(text).ok().filter(|path| !path.is_root());
        if path.is_none() {
            let fault = SchemaFault::new(place, format!("{text:?} is not a path"));
            faults.push(fault.hint("write it as `tls.cert`, `pools[0].size` or `[\"a.b\"].c`"));
        }
        path.unwrap_or_default()
    };
    let mut compiled = Vec::new();
    for (index, dependency) in dependencies.iter().enumerate() {
        let when = read(&dependency.when, format!("{place}[{index}].when"));
        let paths = dependency.requires.iter().enumerate();
        let requires = paths.map(|(number, text)| read(text, format!("{place}[{index}].requires[{number}]"))).collect();
        compiled.push(Dependency { when, requires, severity: dependency.severity });
    }
    if faults.is_empty() { Ok(compiled) } else { Err(faults) }
}

/// Finds the keys that are missing.
pub(crate) fn check(dependencies: &[Dependency], tree: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for dependency in dependencies {
        let is_set = |value: &Value| !value.is_null() && *value != Value::Bool(false);
        if !dependency.when.find(tree).is_some_and(is_set) {
            continue;
        }
        for path in &dependency.requires {
            if path.find(tree).is_none_or(Value::is_null) {
                let finding = Finding::error(Rule::Dependency, format!("is missing, and {} needs it", dependency.when));
                let hint = format!("add it, or remove {}", dependency.when);
                findings.push(Finding { severity: dependency.severity, ..finding.at(path.clone()).hint(hint) });
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests;
