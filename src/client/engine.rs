//! Takes what the sources hold to where it runs: judge, compare, mind the safeguard, ask, put in place, tell, keep.
//! Must not know where contents come from, nor when.
//!
//! # Guarantees
//! Contents go through one at a time. Whatever is refused, for whatever reason, changes nothing: the last good
//! configuration runs on, and the status says what was refused and why. What differs only in comments, order or
//! quoting makes no version.
//!
//! What is valid and yet held (see [`crate::safety`]) waits: once nothing holds it any more, the sources are read
//! again. Of what the safeguard lets go on, only a veto counts as a failure; what cannot be read or is not valid is
//! refused before, and counts neither for the breaker nor for the rate.

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
use crate::notify::{Notifier, Prepared, Vetoed};
use crate::provider::sources::{Accepted, Judged, Sources, summary};
use crate::safety::{self, Held, Intent, Permit, Safeguard, Why};
use crate::store::{Snapshot, Store};
#[cfg(feature = "versions")]
use crate::versions::{Cause, RollbackFailed, RollbackTo};

pub(crate) mod holding;
pub(crate) mod line;

#[cfg(test)]
mod tests;

use holding::{HoldListener, Holding};
use line::Line;

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
    /// They are valid, and reloads are held. They are looked at again when nothing holds them any more.
    #[error(transparent)]
    Held(#[from] Held),
    /// One who has a say does not agree.
    #[error(transparent)]
    Vetoed(#[from] Vetoed),
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

/// What an engine begins with.
pub(crate) struct Beginning {
    pub(crate) sources: Arc<Sources>,
    pub(crate) store: Arc<Store>,
    pub(crate) accepted: Arc<Accepted>,
    pub(crate) line: Line,
    /// Why it is not what the sources hold.
    pub(crate) refusal: Option<Refusal>,
    /// None where nothing is to change.
    pub(crate) notifier: Option<Notifier<Snapshot>>,
    pub(crate) deadline: Duration,
    pub(crate) listener: Option<Listener>,
    /// What holds reloads, and who is told of it.
    pub(crate) safety: safety::Settings,
    pub(crate) hold_listener: Option<HoldListener>,
}

pub(crate) struct Engine {
    sources: Arc<Sources>,
    store: Arc<Store>,
    active: Mutex<Active>,
    line: Line,
    status: watch::Sender<Status>,
    notifier: Option<Notifier<Snapshot>>,
    deadline: Duration,
    listener: Option<Listener>,
    holding: Holding,
}

struct Active {
    accepted: Arc<Accepted>,
    /// A judgement that took too long and still goes on.
    stuck: Option<JoinHandle<Judged>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("sources", &self.sources).field("store", &self.store).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let Beginning { sources, store, accepted, line, refusal, notifier, deadline, listener, safety, hold_listener } =
            beginning;
        let running = store.load();
        let status = watch::Sender::new(Status {
            version: running.version(),
            digest: running.digest(),
            warnings: accepted.warnings.clone(),
            refusal,
            holds: Vec::new(),
            #[cfg(feature = "versions")]
            unkept: None,
            applied: 0,
            refused: 0,
            held: 0,
            unchanged: 0,
        });
        let active = Mutex::new(Active { accepted, stuck: None });
        let holding = Holding::new(safety, status.clone(), hold_listener);
        Self { sources, store, active, line, status, notifier, deadline, listener, holding }
    }

    pub(crate) fn safeguard(&self) -> &Safeguard {
        &self.holding.safeguard
    }

    /// Reads the sources again whenever something that was held may go on. Never ends.
    pub(crate) async fn go_on_when_released(&self) {
        loop {
            if self.holding.released().await {
                self.read().await;
            }
        }
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

    /// Takes these contents of the sources, or says why not.
    pub(crate) async fn offer(&self, contents: Contents) -> Outcome {
        // Kept to the end, so that contents go through one at a time.
        let mut active = self.active.lock().await;
        let outcome = self.go_through(&mut active, contents).await;
        self.holding.note(&outcome);
        outcome
    }

    async fn go_through(&self, active: &mut Active, contents: Contents) -> Outcome {
        if let Some(refusal) = self.line.hold_back(&self.sources, &contents) {
            return self.end(Outcome::Refused(refusal), &[]);
        }
        let accepted = match self.judge(active, contents).await {
            Err(refusal) => return self.end(Outcome::Refused(refusal), &[]),
            Ok(accepted) if accepted.tree == active.accepted.tree => return self.end(Outcome::Unchanged, &[]),
            Ok(accepted) => accepted,
        };
        let applied = match self.take(active, accepted, Intent::Reload).await {
            Err(refusal) => return self.end(Outcome::Refused(refusal), &[]),
            Ok(applied) => applied,
        };
        let unkept = self.line.keep(&active.accepted.configuration).await;
        self.note(unkept);
        self.end(Outcome::Applied(applied), &active.accepted.warnings)
    }

    /// If nothing holds it: asks, puts in place and tells.
    async fn take(&self, active: &mut Active, accepted: Accepted, intent: Intent) -> Result<Arc<Snapshot>, Refusal> {
        let permit = self.safeguard().begin(intent)?;
        let before = self.store.load();
        let next = accepted.snapshot(self.line.next(before.version()));
        let (permit, prepared) = self.ask(permit, before, next.clone()).await?;
        // From here to the end of the commit nothing can be interrupted: commit goes on by itself once it is polled.
        self.store.put(next.clone());
        active.accepted = Arc::new(accepted);
        permit.applied();
        if let Some(prepared) = prepared {
            prepared.commit().await;
        }
        Ok(next)
    }

    /// Asks those who have a say. A veto is a failure: what was valid did not come to run.
    async fn ask(
        &self,
        permit: Permit,
        before: Arc<Snapshot>,
        next: Arc<Snapshot>,
    ) -> Result<(Permit, Option<Prepared<Snapshot>>), Vetoed> {
        let Some(notifier) = &self.notifier else { return Ok((permit, None)) };
        match notifier.prepare(before, next).await {
            Ok(prepared) => Ok((permit, Some(prepared))),
            Err(vetoed) => {
                permit.failed(vetoed.to_string());
                Err(vetoed)
            }
        }
    }

    /// Goes back to an older version: its files are judged as they are today, and run as a new version.
    #[cfg(feature = "versions")]
    pub(crate) async fn rollback(
        &self,
        to: RollbackTo,
        cause: Cause,
    ) -> Result<Arc<Snapshot>, RollbackFailed<Refusal>> {
        let mut active = self.active.lock().await;
        let plan = self.line.plan(to, cause)?;
        let refused = |source| RollbackFailed::Refused { of: plan.of, source };
        let files = plan.documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        let accepted = self.judge(&mut active, Contents::Read(files)).await.map_err(refused)?;
        let applied = self.take(&mut active, accepted, Intent::Rollback).await.map_err(refused)?;
        self.note(self.line.complete(plan).await);
        self.end(Outcome::Applied(applied.clone()), &active.accepted.warnings);
        Ok(applied)
    }

    fn note(&self, unkept: Option<String>) {
        #[cfg(feature = "versions")]
        self.status.send_modify(|status| status.unkept = unkept);
        #[cfg(not(feature = "versions"))]
        let _nothing_is_kept = unkept;
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
                match refusal {
                    Refusal::Held(_) => status.held += 1,
                    _ => status.refused += 1,
                }
                status.refusal = Some(refusal.clone());
            }
        });
        outcome
    }
}

fn interrupted() -> Finding {
    Finding::error(Rule::CustomFailed, "reading and checking were interrupted")
}
