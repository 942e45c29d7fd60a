//! Validation: whether a configuration satisfies a schema, and if not, where and why.
//! Must not know where either came from. No finding holds a value of the configuration.
//!
//! Flow: [`compile`] turns a [`SchemaSpec`] into a [`Schema`], once; [`Schema::validate`] then checks documents and
//! the merged tree: required documents, structure, unknown keys, dependencies between keys, rules in CEL.
//!
//! Guarantees: what the API server would refuse of a custom resource with the same schema is refused here (the
//! differences that are stricter are listed in `docs/validation.md`). Work is bounded by counted steps, so that no
//! schema and no document takes longer than a moment or ends the process.
//!
//! Assumptions: documents are parsed already, and no deeper than the formats allow.

use globset::{GlobBuilder, GlobMatcher};

use crate::configuration::Configuration;
use crate::document::DocumentName;
use crate::finding::{Finding, Rule};
use crate::format::{self, Dialect};
use crate::value::{Path, Value};

mod cel;
mod defaults;
mod dependencies;
mod finder;
mod formats;
mod guide;
mod manifest;
mod pattern;
mod read;
mod schema;
mod spec;
mod structural;
mod unknown;

pub use manifest::read_manifest;
pub use spec::{CelRule, DocumentRules, KeyDependency, MergedRules, SchemaFault, SchemaSpec, UnknownFields};

use cel::RuleTree;
use dependencies::Dependency;
use finder::{Finder, MAX_FINDINGS, Trail};
use schema::Node;

/// A schema, ready to validate with. Cheap to share in an `Arc`.
#[derive(Debug)]
pub struct Schema {
    documents: Vec<Document>,
    merged: Option<Merged>,
    unknown_fields: UnknownFields,
    dialect: Dialect,
}

#[derive(Debug)]
struct Document {
    pattern: String,
    matcher: GlobMatcher,
    required: bool,
    checks: Option<Checks>,
}

/// A schema and the rules in it and beside it.
#[derive(Debug)]
struct Checks {
    node: Node,
    rules: RuleTree,
}

#[derive(Debug)]
struct Merged {
    checks: Option<Checks>,
    dependencies: Vec<Dependency>,
}

/// Compiles a schema.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn compile(spec: &SchemaSpec) -> Result<Schema, Vec<SchemaFault>> {
    let mut faults = Vec::new();
    let mut documents = Vec::new();
    for (index, rules) in spec.documents.iter().enumerate() {
        let place = format!("documents[{index}]");
        let checks = compile_checks(rules.schema.as_ref(), &rules.rules, &place);
        let matcher = GlobBuilder::new(&rules.pattern).backslash_escape(false).build();
        match (checks, matcher) {
            (Ok(checks), Ok(glob)) => documents.push(Document {
                pattern: rules.pattern.clone(),
                matcher: glob.compile_matcher(),
                required: rules.required,
                checks,
            }),
            (checks, matcher) => {
                faults.extend(checks.err().unwrap_or_default());
                if matcher.is_err() || rules.pattern.is_empty() {
                    let fault = SchemaFault::new(format!("{place}.match"), "this is not a pattern for document names");
                    faults.push(fault.hint("use a name, or `*`, `?`, `[ab]` and `{a,b}` in it"));
                }
            }
        }
    }
    let merged = spec.merged.as_ref().and_then(|merged| {
        let checks = compile_checks(merged.schema.as_ref(), &merged.rules, "merged");
        let dependencies = dependencies::compile(&merged.dependencies, "merged.dependencies");
        match (checks, dependencies) {
            (Ok(checks), Ok(dependencies)) => Some(Merged { checks, dependencies }),
            (checks, dependencies) => {
                faults.extend(checks.err().unwrap_or_default());
                faults.extend(dependencies.err().unwrap_or_default());
                None
            }
        }
    });
    if faults.is_empty() {
        Ok(Schema { documents, merged, unknown_fields: spec.unknown_fields, dialect: spec.dialect })
    } else {
        Err(faults)
    }
}

fn compile_checks(schema: Option<&Value>, rules: &[CelRule], place: &str) -> Result<Option<Checks>, Vec<SchemaFault>> {
    let node = match schema {
        Some(schema) => read::read(schema, &format!("{place}.schema"))?,
        None if rules.is_empty() => return Ok(None),
        None => Node::anything(),
    };
    let mut faults = Vec::new();
    let rules = cel::compile(&node, schema, rules, place, &mut faults);
    if faults.is_empty() { Ok(Some(Checks { node, rules })) } else { Err(faults) }
}

impl Schema {
    /// Which YAML the documents are to be read as.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Everything that is wrong with a configuration; `old` is what it replaces, for rules about transitions.
    ///
    /// At most 500 findings, sorted by document and position.
    #[must_use]
    pub fn validate(&self, new: &Configuration, old: Option<&Configuration>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rules in &self.documents {
            let mut matched = false;
            for (name, value) in rules.matching(new) {
                matched = true;
                let old = old.and_then(|old| old.document(name));
                let found = self.check(rules.checks.as_ref(), value, old);
                findings.extend(placed(found, name, new));
            }
            // A document without a structure is there as well.
            matched |= new.documents().iter().any(|(name, _)| rules.matcher.is_match(name.as_str()));
            if rules.required && !matched {
                let message = format!("no document matches {}", rules.pattern);
                findings
                    .push(Finding::error(Rule::RequiredDocument, message).hint("add one to a source of the policy"));
            }
        }
        if let Some(merged) = &self.merged {
            findings.extend(self.check(merged.checks.as_ref(), new.tree(), old.map(Configuration::tree)));
            findings.extend(dependencies::check(&merged.dependencies, new.tree()));
        }
        findings.sort();
        findings.dedup();
        findings.truncate(MAX_FINDINGS);
        findings
    }

    fn check(&self, checks: Option<&Checks>, value: &Value, old: Option<&Value>) -> Vec<Finding> {
        let Some(Checks { node, rules }) = checks else { return Vec::new() };
        let mut finder = Finder::new();
        unknown::check(node, value, self.unknown_fields, &mut finder);
        let full = defaults::fill(node, value);
        let value = full.as_ref().unwrap_or(value);
        structural::check(node, value, &Trail::root(), &mut finder);
        // Rules may rely on the structure, so they come only when it holds.
        if !rules.is_empty() && !crate::finding::any_error(finder.findings()) {
            let old = old.map(|old| (defaults::fill(node, old), old));
            let old = old.as_ref().map(|(full, old)| full.as_ref().unwrap_or(old));
            cel::check(rules, node, value, old, &mut finder);
        }
        finder.into_findings()
    }

    /// The keys that are not set and for which the schema has a default: by document, none for the merged tree.
    ///
    /// A default says what the application assumes; nothing is ever written back.
    #[must_use]
    pub fn defaulted(&self, configuration: &Configuration) -> Vec<(Option<DocumentName>, Path)> {
        let mut paths = Vec::new();
        for rules in &self.documents {
            let Some(Checks { node, .. }) = &rules.checks else { continue };
            for (name, value) in rules.matching(configuration) {
                paths.extend(defaults::missing(node, value).into_iter().map(|path| (Some(name.clone()), path)));
            }
        }
        if let Some(Checks { node, .. }) = self.merged.as_ref().and_then(|merged| merged.checks.as_ref()) {
            paths.extend(defaults::missing(node, configuration.tree()).into_iter().map(|path| (None, path)));
        }
        paths.sort();
        paths.dedup();
        paths
    }
}

impl Document {
    fn matching<'all>(
        &'all self,
        configuration: &'all Configuration,
    ) -> impl Iterator<Item = (&'all DocumentName, &'all Value)> {
        configuration.parsed().filter(|(name, _)| self.matcher.is_match(name.as_str()))
    }
}

/// Finds the places in the document's text, which only findings need; one reading serves them all.
fn placed(found: Vec<Finding>, name: &DocumentName, configuration: &Configuration) -> Vec<Finding> {
    let content = configuration.documents().get(name).filter(|_| !found.is_empty());
    let places = content.and_then(|content| format::places(name, content));
    let placed = found.into_iter().map(|finding| {
        let position = places.as_ref().map(|places| places.find(&finding.path));
        Finding { position, ..finding.in_document(name) }
    });
    placed.collect()
}

#[cfg(test)]
mod tests;
