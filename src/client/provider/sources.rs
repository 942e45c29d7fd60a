//! Reads the files of a provider and judges what they give: the one way from a directory to a valid configuration.
//! Must not put anything in place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekindle_core::configuration::Configuration;
use rekindle_core::finding::{Finding, Rule, any_error};
use rekindle_core::ids::{InvalidName, VersionNumber};
use rekindle_core::layers::{InvalidSwitch, Layout, Variables};
use rekindle_core::tree::Tree;

use crate::directory::{Contents, Limits, read_wanted};
use crate::store::Snapshot;
use crate::validate::{Candidate, Checks};

/// Why there is no provider.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// A name among the settings cannot be used.
    #[error("use the settings")]
    Name(#[from] InvalidName),
    /// The variable that switches reloading on or off cannot be followed.
    #[error("find out whether to reload")]
    Switch(#[from] InvalidSwitch),
    /// The schema cannot be read.
    #[cfg(feature = "schema")]
    #[error("read the schema {}", path.display())]
    SchemaFile {
        /// Its file.
        path: PathBuf,
        /// Why not.
        source: Arc<std::io::Error>,
    },
    /// The schema cannot be used.
    #[cfg(feature = "schema")]
    #[error("use the schema {}: {}", path.display(), faults.first().map(ToString::to_string).unwrap_or_default())]
    Schema {
        /// Its file.
        path: PathBuf,
        /// Everything that is wrong with it.
        faults: Vec<rekindle_core::validate::SchemaFault>,
    },
    /// The configuration is refused.
    #[error("load the configuration from {}: {}", directory.display(), summary(findings))]
    Refused {
        /// Where it was to come from.
        directory: PathBuf,
        /// What is wrong with it, with warnings; at least one error.
        findings: Vec<Finding>,
    },
    /// Reloading needs a runtime of tokio around the call.
    #[error("start to reload: there is no tokio runtime here")]
    NoRuntime,
}

/// The first error, and how many more there are.
pub(crate) fn summary(findings: &[Finding]) -> String {
    let errors = || findings.iter().filter(|finding| any_error(std::slice::from_ref(finding)));
    match (errors().next(), errors().count()) {
        (None, _) => "it is refused".to_owned(),
        (Some(first), 1) => first.to_string(),
        (Some(first), count) => format!("{first} (and {} more)", count - 1),
    }
}

/// Where a configuration comes from, and what is demanded of it.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) directory: PathBuf,
    pub(crate) layout: Layout,
    pub(crate) variables: Variables,
    pub(crate) limits: Limits,
    pub(crate) checks: Checks,
}

/// A configuration that may run, or everything that is wrong with it.
pub(crate) type Judged = Result<Accepted, Vec<Finding>>;

/// What to begin with, its number, and why it is not what the sources hold.
#[cfg(feature = "watch")]
pub(crate) type Started = Result<(Accepted, VersionNumber, Option<crate::engine::Refusal>), Vec<Finding>>;

/// A configuration that may run.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) configuration: Configuration,
    pub(crate) tree: Tree,
    /// None of them is an error.
    pub(crate) warnings: Vec<Finding>,
}

impl Accepted {
    pub(crate) fn snapshot(&self, version: VersionNumber) -> Arc<Snapshot> {
        Arc::new(Snapshot::new(self.tree.clone(), version, self.configuration.digest()))
    }
}

impl Sources {
    /// Reads the files; waits on the file system.
    pub(crate) fn read(&self) -> Contents {
        // The program's own directory: its links may lead wherever the program may read.
        read_wanted(Path::new("/"), &self.directory, self.limits, &|name| self.layout.wants(name))
    }

    pub(crate) fn refused(&self, findings: Vec<Finding>) -> LoadError {
        LoadError::Refused { directory: self.directory.clone(), findings }
    }

    /// Judges what was read, beside what runs.
    pub(crate) fn judge(&self, contents: &Contents, running: Option<(&Configuration, &Tree)>) -> Judged {
        let files = match contents {
            Contents::Missing => {
                return Err(vec![Finding::error(Rule::NoDocuments, "the directory is not there")]);
            }
            Contents::Unreadable(findings) => return Err(findings.clone()),
            Contents::Read(files) => files,
        };
        let configuration = self.layout.lay(files, &self.variables)?;
        let tree = match running {
            Some((_, tree)) => tree.grown_to(configuration.tree()),
            None => Tree::from(configuration.tree()),
        };
        let running = running.map(|(configuration, _)| configuration);
        let findings = self.checks.run(&Candidate { configuration: &configuration, tree: &tree, running });
        if any_error(&findings) {
            return Err(findings);
        }
        Ok(Accepted { configuration, tree, warnings: findings })
    }
}
