//! Everything that a decision may look at.
//! Must not hold anything that the shell did not observe or remember.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::ledger::Ledger;
use super::plan::Because;
use crate::configuration::Configuration;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::ids::{ObjectName, PolicyId, VersionNumber};
use crate::policy::Policy;
use crate::record::{Recorded, RollbackRequest, SeenSource};
use crate::target::Target;
use crate::validate::Schema;
use crate::version::content::UnpackError;

/// What was seen of a policy and of everything around it.
#[derive(Debug)]
pub struct Observed<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What the sources hold and how that was judged.
    pub assessment: &'a Assessment,
    /// The schema in use, for rollbacks.
    pub schema: &'a SchemaState,
    /// Every recorded version.
    pub history: &'a BTreeMap<VersionNumber, Arc<Recorded>>,
    /// The documents of the newest version, opened and checked; none when there is no version.
    pub active: Option<&'a Result<Arc<Configuration>, ActiveProblem>>,
    /// What is remembered between rounds.
    pub ledger: &'a Ledger,
    /// The pods that the policy owns.
    pub targets: &'a [Target],
    /// Pods that it selects and an older policy owns.
    pub taken: &'a BTreeMap<ObjectName, PolicyId>,
    /// The rollbacks that name the policy.
    pub rollbacks: &'a [RollbackRequest],
    /// The digest of the copy of the proven content as it is in the cluster; none when there is no copy.
    pub active_copy: Option<Digest>,
    /// What the shell could not do and will try again; shown first.
    pub trouble: Option<&'a Because>,
}

/// Why the newest version cannot be pushed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActiveProblem {
    /// The record does not hold what its digest says.
    #[error("the record is damaged: {0}")]
    Damaged(UnpackError),
    /// The record holds documents that no longer parse.
    #[error("the record no longer parses")]
    Unparsable,
}

/// The schema that a policy names.
#[derive(Debug, Clone)]
pub enum SchemaState {
    /// It names none.
    None,
    /// There is no such schema.
    Missing,
    /// The schema itself is broken; its own status says where.
    Broken,
    /// It can be used.
    Ready(Arc<Schema>),
}

/// What the sources hold, and whether it may go out.
#[derive(Debug, Clone)]
pub enum Assessment {
    /// A source does not exist.
    SourceMissing {
        /// Which, in words.
        source: String,
    },
    /// A source holds something that is not a set of documents.
    SourceUnreadable {
        /// Why.
        findings: Vec<Finding>,
    },
    /// The schema cannot be used, so nothing can be judged.
    Unjudged {
        /// What the sources hold.
        digest: Digest,
    },
    /// It must not go out.
    Invalid {
        /// What the sources hold.
        digest: Digest,
        /// Why, errors and warnings.
        findings: Vec<Finding>,
    },
    /// It may go out.
    Valid(Candidate),
}

/// A configuration that may go out.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The configuration.
    pub configuration: Arc<Configuration>,
    /// Where it was read.
    pub seen: Vec<SeenSource>,
    /// Warnings only.
    pub warnings: Vec<Finding>,
}

impl Assessment {
    /// What the sources hold, as far as they could be read.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::SourceMissing { .. } | Self::SourceUnreadable { .. } => None,
            Self::Unjudged { digest } | Self::Invalid { digest, .. } => Some(*digest),
            Self::Valid(candidate) => Some(candidate.configuration.digest()),
        }
    }
}

/// What one source holds.
#[derive(Clone)]
pub enum SourceState {
    /// It does not exist.
    Missing,
    /// It holds something that is not a set of documents.
    Unreadable(Vec<Finding>),
    /// It was read.
    Read {
        /// Its documents.
        documents: Arc<BTreeMap<crate::document::DocumentName, bytes::Bytes>>,
        /// Where they were read.
        seen: SeenSource,
    },
}

/// Names and sizes, never a content.
impl fmt::Debug for SourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::Unreadable(findings) => f.debug_tuple("Unreadable").field(findings).finish(),
            Self::Read { documents, seen } => {
                let sizes: BTreeMap<_, _> = documents.iter().map(|(name, content)| (name, content.len())).collect();
                f.debug_struct("Read").field("documents", &sizes).field("seen", seen).finish()
            }
        }
    }
}
