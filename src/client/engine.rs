//! Takes what the sources hold to where it runs: judge, compare, ask, put in place, tell.
//! Must not know where contents come from, nor when.
//!
//! # Guarantees
//! Contents go through one at a time. Whatever is refused, for whatever reason, changes nothing: the last good
//! configuration runs on, and the status says what was refused and why. What differs only in comments, order or
//! quoting makes no version.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::digest::Digest;
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::ids::VersionNumber;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::directory::Contents;
use crate::notify::{Notifier, Vetoed};
use crate::provider::sources::{Accepted, Sources, summary};
use crate::store::{Snapshot, Store};

#[cfg(test)]
mod tests;

/// How long reading and checking may take, unless the builder says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// Why contents did not come to run. The last good configuration runs on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// They cannot be read, or a check refuses them.
    #[error("{}", summary(.0))]
    Findings(Vec<Finding>),
    /// Reading and checking took too long. Nothing else is checked until that has ended.
    #[error("checking took longer than {0:?}")]
    TookTooLong(Duration),
    /// One who has a say does not agree.
    #[error(transparent)]
    Vetoed(#[from] Vetoed),
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
    /// How many contents came to run since the start.
    pub applied: u64,
    /// How many were refused.
    pub refused: u64,
    /// How many meant what ran already.
    pub unchanged: u64,
}

/// Told of every outcome, for a log.
pub(crate) type Listener = Arc<dyn Fn(&Outcome) + Send + Sync>;

pub(crate) struct Engine {
    sources: Arc<Sources>,
    store: Arc<Store>,
    active: Mutex<Active>,
    status: watch::Sender<Status>,
    notifier: Option<Notifier<Snapshot>>,
    deadline: Duration,
    listener: Option<Listener>,
}

struct Active {
    accepted: Arc<Accepted>,
    /// A judgement that took too long and still goes on.
    stuck: Option<JoinHandle<Judged>>,
}

type Judged = Result<Accepted, Vec<Finding>>;

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("sources", &self.sources).field("store", &self.store).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(
        sources: Arc<Sources>,
        store: Arc<Store>,
        accepted: Arc<Accepted>,
        notifier: Option<Notifier<Snapshot>>,
        deadline: Duration,
        listener: Option<Listener>,
    ) -> Self {
        let running = store.load();
        let status = watch::Sender::new(Status {
            version: running.version(),
            digest: running.digest(),
            warnings: accepted.warnings.clone(),
            refusal: None,
            applied: 0,
            refused: 0,
            unchanged: 0,
        });
        let active = Mutex::new(Active { accepted, stuck: None });
        Self { sources, store, active, status, notifier, deadline, listener }
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Reads the sources now and takes what they hold.
    pub(crate) async fn read(&self) -> Outcome {
        let sources = self.sources.clone();
        match spawn_blocking(move || sources.read()).await {
            Ok(contents) => self.offer(contents).await,
            Err(_) => self.end(Outcome::Refused(Refusal::Findings(vec![interrupted()])), &[]),
        }
    }

    /// Takes these contents, or says why not.
    pub(crate) async fn offer(&self, contents: Contents) -> Outcome {
        // Held to the end, so that contents go through one at a time.
        let mut active = self.active.lock().await;
        let accepted = match self.judge(&mut active, contents).await {
            Err(refusal) => return self.end(Outcome::Refused(refusal), &[]),
            Ok(accepted) if accepted.tree == active.accepted.tree => return self.end(Outcome::Unchanged, &[]),
            Ok(accepted) => accepted,
        };
        let before = self.store.load();
        let next = accepted.snapshot(before.version().next());
        let prepared = match &self.notifier {
            None => None,
            Some(notifier) => match notifier.prepare(before, next.clone()).await {
                Ok(prepared) => Some(prepared),
                Err(vetoed) => return self.end(Outcome::Refused(vetoed.into()), &[]),
            },
        };
        // From here to the end of the commit nothing can be interrupted: commit goes on by itself once it is polled.
        self.store.put(next.clone());
        active.accepted = Arc::new(accepted);
        if let Some(prepared) = prepared {
            prepared.commit().await;
        }
        self.end(Outcome::Applied(next), &active.accepted.warnings)
    }

    pub(crate) fn notifier(&self) -> Option<&Notifier<Snapshot>> {
        self.notifier.as_ref()
    }

    async fn judge(&self, active: &mut Active, contents: Contents) -> Result<Accepted, Refusal> {
        if let Some(stuck) = &mut active.stuck {
            let _ended = timeout(self.deadline, stuck).await.map_err(|_| Refusal::TookTooLong(self.deadline))?;
            active.stuck = None;
        }
        let (sources, running) = (self.sources.clone(), active.accepted.clone());
        // Checks of the application may block, and a large document takes its time.
        let mut judging =
            spawn_blocking(move || sources.judge(&contents, Some((&running.configuration, &running.tree))));
        match timeout(self.deadline, &mut judging).await {
            Ok(Ok(judged)) => judged.map_err(Refusal::Findings),
            Ok(Err(_)) => Err(Refusal::Findings(vec![interrupted()])),
            Err(_) => {
                active.stuck = Some(judging);
                Err(Refusal::TookTooLong(self.deadline))
            }
        }
    }

    fn end(&self, outcome: Outcome, warnings: &[Finding]) -> Outcome {
        // Before the status, so that whoever waits for that finds the log written.
        if let Some(listener) = &self.listener {
            let told = std::panic::AssertUnwindSafe(|| listener(&outcome));
            let _a_panic_of_the_listener_is_its_own = std::panic::catch_unwind(told);
        }
        self.status.send_modify(|status| match &outcome {
            Outcome::Unchanged => {
                status.refusal = None;
                status.unchanged += 1;
            }
            Outcome::Applied(snapshot) => {
                status.refusal = None;
                status.applied += 1;
                status.version = snapshot.version();
                status.digest = snapshot.digest();
                status.warnings = warnings.to_vec();
            }
            Outcome::Refused(refusal) => {
                status.refused += 1;
                status.refusal = Some(refusal.clone());
            }
        });
        outcome
    }
}

fn interrupted() -> Finding {
    Finding::error(Rule::CustomFailed, "reading and checking were interrupted")
}
