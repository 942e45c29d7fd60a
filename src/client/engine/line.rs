//! The line of versions that what runs belongs to: its numbers, what is held back, what is kept.
//! Must not decide any of it: `versions` does. Without that feature numbers go up by one and nothing is kept.

use rekindle_core::document::Documents;
use rekindle_core::ids::VersionNumber;
use rekindle_core::target::Running;

use super::Refusal;
use crate::directory::Contents;
use crate::provider::sources::{Judged, Sources, Started};

#[cfg(feature = "versions")]
use std::sync::Arc;

#[cfg(feature = "versions")]
use rekindle_core::digest::Digest;
#[cfg(feature = "versions")]
use tokio::task::spawn_blocking;

#[cfg(feature = "versions")]
use crate::versions::{
    Admission, Cause, Limits, LocalOrigin, NotFromSource, PlanError, RollbackPlan, RollbackTo, Start, Versions,
};

/// The versions of this process.
#[derive(Clone)]
pub(crate) struct Line {
    #[cfg(feature = "versions")]
    pub(crate) versions: Arc<Versions>,
}

#[cfg(not(feature = "versions"))]
impl Line {
    pub(crate) fn new() -> Self {
        Self {}
    }

    pub(crate) fn start(&self, _: &Sources, judged: Judged) -> Started {
        judged.map(|accepted| (accepted, VersionNumber(1), None))
    }

    pub(crate) fn next(&self, running: VersionNumber) -> VersionNumber {
        running.next()
    }

    pub(crate) fn hold_back(&self, _: &Sources, _: &Contents) -> Option<Refusal> {
        None
    }

    pub(crate) async fn keep(&self, _: Documents, _: Option<Running>) -> Option<String> {
        None
    }
}

#[cfg(feature = "versions")]
impl Line {
    /// Versions in memory only.
    pub(crate) fn new() -> Self {
        Self { versions: Arc::new(Versions::in_memory(Limits::default())) }
    }

    /// What to begin with: what the sources hold, or, if that may not run, the last good version of the last run.
    pub(crate) fn start(&self, sources: &Sources, judged: Judged) -> Started {
        let held = match &judged {
            Ok(accepted) => Ok(accepted.configuration.documents().clone()),
            Err(findings) => Err(findings.clone()),
        };
        let (version, documents, because) = match self.versions.start(held)? {
            Start::Source(documents) => {
                let accepted = judged?;
                let number = match self.versions.admit(Digest::of(&documents)) {
                    Admission::Active(number) => number,
                    _ => match self.versions.record(&documents, LocalOrigin::Source, Cause::default()) {
                        Ok(recorded) => recorded.version.number,
                        // Too large to be kept, and no reason not to run.
                        Err(_) => self.versions.next_number(),
                    },
                };
                return Ok((accepted, number, None));
            }
            Start::LastGood { version, documents, because } => (version, documents, because),
        };
        let files = documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        match (sources.judge(&Contents::Read(files), None), because) {
            (Ok(accepted), NotFromSource::Unreachable(findings)) => {
                Ok((accepted, version.number, Some(Refusal::Findings(findings))))
            }
            (Ok(accepted), NotFromSource::SetAside) => {
                let left = judged.ok().and_then(|held| self.set_aside(Digest::of(held.configuration.documents())));
                Ok((accepted, version.number, left.map(Refusal::SetAside)))
            }
            (Err(_), NotFromSource::Unreachable(findings)) | (Err(findings), NotFromSource::SetAside) => Err(findings),
        }
    }

    /// The number that the next version gets, above the one that runs in any case.
    pub(crate) fn next(&self, running: VersionNumber) -> VersionNumber {
        self.versions.next_number().max(running.next())
    }

    /// Looks at what the sources hold; why it is not to be taken up, if somebody rolled back from it.
    pub(crate) fn hold_back(&self, sources: &Sources, contents: &Contents) -> Option<Refusal> {
        let Contents::Read(files) = contents else { return None };
        self.set_aside(Digest::of(&sources.layout.documents(files))).map(Refusal::SetAside)
    }

    fn set_aside(&self, held: Digest) -> Option<VersionNumber> {
        match self.versions.admit(held) {
            Admission::SetAside { version } => Some(version),
            Admission::New | Admission::Active(_) => None,
        }
    }

    /// Keeps what runs now, whether from files or as what was pushed; why that failed, if it did.
    pub(crate) async fn keep(&self, documents: Documents, pushed: Option<Running>) -> Option<String> {
        let versions = self.versions.clone();
        let (origin, cause) = match pushed {
            None => (LocalOrigin::Source, Cause::default()),
            Some(Running { version, .. }) => {
                (LocalOrigin::Push, Cause::because(format!("version {version} of the operator")))
            }
        };
        let kept = spawn_blocking(move || versions.record(&documents, origin, cause));
        trouble(kept.await.ok()?)
    }

    /// Bytes of memory that the versions take.
    pub(crate) fn memory(&self) -> usize {
        self.versions.memory()
    }

    pub(crate) fn plan(&self, to: RollbackTo, cause: Cause) -> Result<RollbackPlan, PlanError> {
        self.versions.plan(to, cause)
    }

    /// Keeps a rollback that was carried out; why that failed, if it did.
    pub(crate) async fn complete(&self, plan: RollbackPlan) -> Option<String> {
        let versions = self.versions.clone();
        let kept = spawn_blocking(move || versions.complete(plan));
        trouble(kept.await.ok()?)
    }
}

#[cfg(feature = "versions")]
fn trouble(kept: Result<crate::versions::Recorded, rekindle_core::version::content::PackError>) -> Option<String> {
    match kept {
        Ok(recorded) => recorded.disk.err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}
