//! What is told of reloading: how contents ended, why they were refused, and where everything stands.
//! Must not know how it comes about.

use std::sync::Arc;
use std::time::Duration;

use rekindle_core::digest::Digest;
use rekindle_core::finding::Finding;
use rekindle_core::ids::VersionNumber;

use crate::notify::Vetoed;
use crate::provider::sources::{Accepted, summary};
use crate::safety::{Held, Why};
use crate::store::Snapshot;

/// Why contents did not come to run. The last good configuration runs on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// They cannot be read, or a check refuses them.
    #[error("{}", summary(.0))]
    Findings(Vec<Finding>),
    /// Reading and checking took too long. Nothing else is checked until that has ended.
    #[error("checking took longer than {0:?}")]
    TookTooLong(Duration),
    /// They are valid, and reloads are held. They are looked at again when nothing holds them any more.
    #[error(transparent)]
    Held(#[from] Held),
    /// One who has a say does not agree.
    #[error(transparent)]
    Vetoed(#[from] Vetoed),
    /// The operator's push of this version decides what runs, and the files hold something else.
    #[error("version {0} of the operator runs, and the files hold something else")]
    Pushed(VersionNumber),
    /// Somebody rolled back from it, and the files did not change since.
    #[cfg(feature = "versions")]
    #[error("version {0} was rolled back from, and the files still hold it")]
    SetAside(VersionNumber),
}

/// What became of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// They mean what runs already.
    Unchanged,
    /// They run, as this version.
    Applied(Arc<Snapshot>),
    /// They were refused.
    Refused(Refusal),
}

/// Where reloading stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The version that runs.
    pub version: VersionNumber,
    /// Its digest.
    pub digest: Digest,
    /// What the checks warned of when it came to run.
    pub warnings: Vec<Finding>,
    /// Why what the sources hold now does not run; none when it does.
    pub refusal: Option<Refusal>,
    /// Everything that held reloads at the last look, in the order in which it began; empty when they may go on. Each
    /// change looks, and while something holds, it is looked for its end.
    pub holds: Vec<Why>,
    /// Why the version that runs could not be kept, so that it cannot be returned to; none when it was.
    #[cfg(feature = "versions")]
    pub unkept: Option<String>,
    /// The operator's version that was taken last. From the first on, files are not followed any more. None before.
    pub pushed: Option<VersionNumber>,
    /// How many contents came to run since the start.
    pub applied: u64,
    /// How many were refused.
    pub refused: u64,
    /// How often contents that may run were held.
    pub held: u64,
    /// How many meant what ran already.
    pub unchanged: u64,
}

/// Told of every outcome, for a log.
pub(crate) type Listener = Arc<dyn Fn(&Outcome) + Send + Sync>;

impl Status {
    /// Where it stands at the start.
    pub(super) fn starting(running: &Snapshot, accepted: &Accepted, refusal: Option<Refusal>) -> Self {
        Self {
            version: running.version(),
            digest: running.digest(),
            warnings: accepted.warnings.clone(),
            refusal,
            holds: Vec::new(),
            #[cfg(feature = "versions")]
            unkept: None,
            pushed: None,
            applied: 0,
            refused: 0,
            held: 0,
            unchanged: 0,
        }
    }

    /// Where it stands after this.
    pub(super) fn follow(&mut self, outcome: &Outcome, warnings: &[Finding]) {
        match outcome {
            Outcome::Unchanged => {
                self.refusal = None;
                self.unchanged += 1;
            }
            Outcome::Applied(snapshot) => {
                self.refusal = None;
                self.applied += 1;
                self.version = snapshot.version();
                self.digest = snapshot.digest();
                self.warnings = warnings.to_vec();
            }
            Outcome::Refused(refusal) => {
                match refusal {
                    Refusal::Held(_) => self.held += 1,
                    _ => self.refused += 1,
                }
                self.refusal = Some(refusal.clone());
            }
        }
    }
}
