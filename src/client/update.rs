//! What an application sees of a push, and what it may answer.
//! Must not know HTTP; an update never shows the content of its documents when it is printed.

use std::fmt;
use std::future::Future;

use rekindle_core::contract::body::{Body, Reason};
use rekindle_core::digest::Digest;
use rekindle_core::document::Documents;
use rekindle_core::ids::{PolicyId, VersionNumber};
use rekindle_core::target::Running;

/// A version that the operator wants this process to run.
#[derive(Clone, PartialEq, Eq)]
pub struct Update {
    /// On whose behalf it was pushed.
    pub policy: PolicyId,
    /// Its number; rises with every update, also when older content comes back.
    pub version: VersionNumber,
    /// The digest of the documents, checked.
    pub digest: Digest,
    /// Why it was pushed.
    pub reason: Reason,
    /// Paths that differ from the version before; a hint, and when empty anything may have changed.
    pub changed: Vec<String>,
    /// The documents, in the order in which they are to be merged: later over earlier.
    pub documents: Documents,
}

impl Update {
    /// The content of one document as text; none when there is no such document, or when it is not UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(name)?).ok()
    }

    /// The content of one document.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.documents.iter().find(|(document, _)| document.as_str() == name).map(|(_, content)| content.as_ref())
    }

    /// What runs once this is applied.
    #[must_use]
    pub fn running(&self) -> Running {
        Running { version: self.version, digest: self.digest }
    }
}

impl From<Body> for Update {
    fn from(body: Body) -> Self {
        let Body { policy, version, digest, epoch: _, reason, changed, documents } = body;
        Self { policy, version, digest, reason, changed, documents }
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.documents.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Update")
            .field("policy", &format_args!("{}", self.policy))
            .field("version", &self.version.0)
            .field("digest", &self.digest)
            .field("reason", &self.reason)
            .field("documents", &names)
            .finish_non_exhaustive()
    }
}

/// Why an application cannot run a version. People read it in the policy's status: never put a value into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// A reason in one line, such as `pool is above what the license allows`; cut after 512 characters.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The application's side: takes a version or refuses it.
///
/// # Guarantees
/// At most one application runs at a time. A version is handed over once per push that is newer than what runs; after
/// a refusal the same version may come again. A process that has just started gets what the policy calls for.
///
/// # Assumptions
/// When it answers `Ok`, the new configuration runs; when it refuses, panics or exceeds the deadline, the one before
/// runs on. So build the new state first, and put it in place last, in one step. At the deadline the future is
/// dropped at its next `await`; code that never awaits cannot be interrupted, and nothing else is applied meanwhile.
pub trait Apply: Send + Sync + 'static {
    /// Takes the update, or refuses it.
    fn apply(&self, update: Update) -> impl Future<Output = Result<(), Refusal>> + Send;
}

impl<F, Answer> Apply for F
where
    F: Fn(Update) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<(), Refusal>> + Send,
{
    fn apply(&self, update: Update) -> impl Future<Output = Result<(), Refusal>> + Send {
        self(update)
    }
}
