//! A policy as the core understands it: which sources, which schema, which targets, when to trip.
//! Must not know how it is written down; defaults and bounds of the custom resource are already applied.

use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::breaker::BreakerRules;
use crate::document::DocumentName;
use crate::ids::{ObjectName, PolicyId, Uid};
use crate::target::endpoint::TargetRules;
use crate::time::Timestamp;

/// What an author wants to happen with a configuration.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its place.
    pub id: PolicyId,
    /// Its unique id, for owner references.
    pub uid: Uid,
    /// When it was created; of two policies that name one pod, the older wins.
    pub created: Timestamp,
    /// The generation of the specification that this is.
    pub generation: i64,
    /// Where authors write, 1 to 8; later lie over earlier.
    pub sources: Vec<Source>,
    /// The schema that the configuration must satisfy; none means that every parsable configuration is valid.
    pub schema: Option<ObjectName>,
    /// The pods to reach; none means that versions are recorded and pushed to nobody.
    pub targets: Option<TargetRules>,
    /// When a version counts as hurting.
    pub breaker: BreakerRules,
    /// What happens then.
    pub revert: RevertRules,
    /// The ConfigMap that receives the proven content.
    pub active_copy: Option<ObjectName>,
    /// How many versions are kept, at least 2.
    pub history_limit: usize,
    /// Whether to act.
    pub mode: Mode,
}

/// Where authors write.
#[derive(Debug, Clone)]
pub enum Source {
    /// Entries of a ConfigMap in the policy's namespace.
    ConfigMap {
        /// Its name.
        name: ObjectName,
        /// Which of its keys are documents.
        include: Include,
    },
    /// Files of a directory below the operator's files root.
    Files {
        /// The directory, relative to the files root, without `..`.
        path: String,
    },
}

/// A choice of document names by globs; the empty choice takes every name.
#[derive(Debug, Clone, Default)]
pub struct Include {
    globs: Option<GlobSet>,
}

impl Include {
    /// Compiles the patterns.
    ///
    /// # Errors
    /// The pattern that is not a glob, and why.
    pub fn parse<'text>(patterns: impl IntoIterator<Item = &'text str>) -> Result<Self, String> {
        let mut builder = GlobSetBuilder::new();
        let mut any = false;
        for pattern in patterns {
            any = true;
            let glob = Glob::new(pattern).map_err(|error| format!("`{pattern}` is not a glob: {}", error.kind()))?;
            builder.add(glob);
        }
        let globs = builder.build().map_err(|error| format!("the globs are too large together: {}", error.kind()))?;
        Ok(Self { globs: any.then_some(globs) })
    }

    /// Whether a document of this name belongs to the source.
    #[must_use]
    pub fn takes(&self, name: &DocumentName) -> bool {
        self.globs.as_ref().is_none_or(|globs| globs.is_match(name.as_str()))
    }
}

/// What happens when a version hurts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevertRules {
    /// Whether pods are returned to last-good without a person.
    pub automatic: bool,
    /// Whether the author's ConfigMap is written back as well, once.
    pub restore_source: bool,
}

/// Whether to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Validate, record, push, revert.
    Enforce,
    /// Decide and report; touch nothing.
    Observe,
    /// Hold everything as it is.
    Paused,
}

/// How long the deadline of one write to the cluster is, at most.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_choice_takes_everything_and_globs_narrow_it() -> Result<(), String> {
        let name = |text: &str| DocumentName::parse(text).map_err(|error| error.to_string());
        assert!(Include::default().takes(&name("a.txt")?));
        let include = Include::parse(["*.yaml", ".env*"])?;
        assert!(include.takes(&name("app.yaml")?) && include.takes(&name(".env.local")?));
        assert!(!include.takes(&name("a.txt")?));
        assert!(Include::parse(["a["]).is_err_and(|error| error.contains("`a[` is not a glob")));
        Ok(())
    }
}
