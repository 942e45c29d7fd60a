//! What an application itself demands of a configuration, besides its being readable.
//! Must not decide what becomes of a configuration that is refused.
//!
//! All checks run and all their findings are collected. A check that panics refuses the configuration, and harms
//! neither the other checks nor what runs.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rekindle_core::configuration::Configuration;
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::tree::{ReadError, Tree};
use serde::de::DeserializeOwned;

#[cfg(test)]
mod tests;

/// A configuration that may come to run, beside the one that runs.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The documents and the merged tree.
    pub configuration: &'a Configuration,
    /// The tree as it will be read.
    pub tree: &'a Tree,
    /// The same of what runs; none at the start.
    pub running: Option<&'a Configuration>,
}

impl Candidate<'_> {
    /// A value of the candidate, as in [`crate::store::Snapshot::get`].
    ///
    /// # Errors
    /// [`ReadError`] names the path and the type that was expected there, never a value.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ReadError> {
        self.tree.read(path)
    }
}

/// One check: what it finds wrong, as errors that refuse the configuration and as warnings that do not.
///
/// Findings reach logs, so they must not hold values of the configuration.
pub trait Check: Send + Sync {
    /// Looks at a candidate.
    fn check(&self, candidate: &Candidate<'_>) -> Vec<Finding>;
}

impl<F: Fn(&Candidate<'_>) -> Vec<Finding> + Send + Sync> Check for F {
    fn check(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        self(candidate)
    }
}

/// Checks in the order in which they run.
#[derive(Clone, Default)]
pub struct Checks(Vec<(String, Arc<dyn Check>)>);

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Checks {
    /// Adds a check; its name says in findings who speaks.
    pub fn add(&mut self, name: impl Into<String>, check: impl Check + 'static) {
        self.0.push((name.into(), Arc::new(check)));
    }

    /// Adds a ConfigSchema, as the operator and `rekindle check` ask it: documents by their names, and the merged tree.
    #[cfg(feature = "schema")]
    pub(crate) fn add_schema(&mut self, schema: rekindle_core::validate::Schema) {
        self.add("schema", move |candidate: &Candidate<'_>| {
            schema.validate(candidate.configuration, candidate.running)
        });
    }

    /// Adds the check that a section can be read as `T`, so that no later read of it fails.
    pub fn add_type<T: DeserializeOwned + 'static>(&mut self, path: impl Into<String>) {
        let path = path.into();
        self.add(format!("type of {path}"), move |candidate: &Candidate<'_>| match candidate.get::<T>(&path) {
            Ok(_) => Vec::new(),
            Err(error) => vec![Finding::error(Rule::Custom, error.to_string())],
        });
    }

    /// Everything that all checks find.
    #[must_use]
    pub fn run(&self, candidate: &Candidate<'_>) -> Vec<Finding> {
        let found = self.0.iter().map(|(name, check)| {
            // A check sees the candidate only through shared references, and what it owns is its own affair.
            catch_unwind(AssertUnwindSafe(|| check.check(candidate)))
                .unwrap_or_else(|_| vec![Finding::error(Rule::CustomFailed, format!("the check {name:?} panicked"))])
        });
        found.flatten().collect()
    }
}
