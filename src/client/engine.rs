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
//!
//! Files are followed until the operator pushes. From then on what was pushed runs: a mounted copy of it that arrives
//! late must not take its place, and what the receiver says of what runs must be true.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::digest::Digest;
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::target::Running;
use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use crate::directory::Contents;
use crate::metrics::Metrics;
use crate::notify::{Notifier, Prepared};
use crate::provider::sources::{Accepted, Judged, Sources};
use crate::safety::{self, Intent, Permit, Safeguard};
use crate::store::{Snapshot, Store};
#[cfg(feature = "versions")]
use crate::versions::{Cause, RollbackFailed, RollbackTo};

pub(crate) mod holding;
pub(crate) mod line;
#[cfg(feature = "receiver")]
mod push;
mod stats;
mod status;
mod teller;

#[cfg(test)]
mod tests;

use holding::{HoldListener, Holding};
use line::Line;
#[cfg(feature = "receiver")]
pub use push::Pushes;
use stats::Meter;
pub use stats::{Durations, REMEMBERED, Stats};
pub(crate) use status::Listener;
pub use status::{Outcome, Refusal, Status};
use teller::Teller;

/// How long reading and checking may take, unless the builder says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

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
    pub(crate) metrics: Option<Box<dyn Metrics>>,
}

pub(crate) struct Engine {
    sources: Arc<Sources>,
    store: Arc<Store>,
    active: Arc<Mutex<Active>>,
    line: Line,
    teller: Teller,
    notifier: Option<Notifier<Snapshot>>,
    deadline: Duration,
    holding: Holding,
}

struct Active {
    accepted: Arc<Accepted>,
    /// What the operator pushed, if it did: its number, and the digest of what of it is read here.
    pushed: Option<Running>,
    /// A judgement that goes on although nobody waits for it any more.
    stuck: Option<JoinHandle<Judged>>,
}

/// Contents that are to run.
struct Offer {
    contents: Contents,
    /// What the operator pushed, if it did.
    pushed: Option<Running>,
    /// When they were there.
    since: Instant,
}

/// What may run, and everything that is needed to put it in place.
struct Ready {
    accepted: Accepted,
    next: Arc<Snapshot>,
    permit: Permit,
    prepared: Option<Prepared<Snapshot>>,
    /// When its contents were there.
    since: Instant,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("sources", &self.sources).field("store", &self.store).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(beginning: Beginning) -> Self {
        let Beginning {
            sources,
            store,
            accepted,
            line,
            refusal,
            notifier,
            deadline,
            listener,
            safety,
            hold_listener,
            metrics,
        } = beginning;
        let status = watch::Sender::new(Status::starting(&store.load(), &accepted, refusal));
        let holding = Holding::new(safety, status.clone(), hold_listener);
        let active = Arc::new(Mutex::new(Active { accepted, pushed: None, stuck: None }));
        let teller = Teller { status, listener, meter: Arc::new(Meter::new(metrics)) };
        Self { sources, store, active, line, teller, notifier, deadline, holding }
    }

    pub(crate) fn safeguard(&self) -> &Safeguard {
        &self.holding.safeguard
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.teller.status.subscribe()
    }

    pub(crate) fn stats(&self) -> Stats {
        let status = self.teller.status.borrow().clone();
        let meter = &self.teller.meter;
        Stats {
            reloads: status.applied,
            failures: status.refused,
            held: status.held,
            unchanged: status.unchanged,
            changes: meter.changes(),
            durations: meter.durations(),
            notifications: self.notifier.as_ref().map(Notifier::stats).unwrap_or_default(),
            #[cfg(feature = "versions")]
            versions_memory: self.line.memory(),
        }
    }

    pub(crate) fn notifier(&self) -> Option<&Notifier<Snapshot>> {
        self.notifier.as_ref()
    }

    /// Reads the sources again whenever something that was held may go on. Never ends.
    pub(crate) async fn go_on_when_released(&self) {
        loop {
            if self.holding.released().await {
                self.read().await;
            }
        }
    }

    /// Reads the sources now and takes what they hold.
    pub(crate) async fn read(&self) -> Outcome {
        let sources = self.sources.clone();
        match spawn_blocking(move || sources.read()).await {
            Ok(contents) => self.offer(contents).await,
            Err(_) => {
                let outcome = Outcome::Refused(Refusal::Findings(vec![interrupted()]));
                self.teller.end(&outcome, &[]);
                outcome
            }
        }
    }

    /// Takes these contents of the files, or says why not. Returns when everybody has been told.
    pub(crate) async fn offer(&self, contents: Contents) -> Outcome {
        let offer = Offer { contents, pushed: None, since: Instant::now() };
        let active = self.active.clone().lock_owned().await;
        let (outcome, telling) = self.go_through(active, offer).await;
        if let Some(telling) = telling {
            // It ends otherwise only with the runtime.
            let _ended = telling.await;
        }
        outcome
    }

    /// Judges contents and puts them in place. From that moment on there is nothing to wait for in here, so that a
    /// caller who gives up has either changed nothing or knows the outcome; the rest goes on by itself.
    async fn go_through(&self, mut active: OwnedMutexGuard<Active>, offer: Offer) -> (Outcome, Option<JoinHandle<()>>) {
        let Offer { contents, pushed, since } = offer;
        let ready = match self.examine(&mut active, contents, pushed).await {
            Ok(Some(accepted)) => self.prepare(accepted, Intent::Reload, since).await.map(Some),
            Ok(None) => Ok(None),
            Err(refusal) => Err(refusal),
        };
        let outcome = match ready {
            Ok(Some(ready)) => {
                self.settle(&mut active, pushed);
                let (line, documents) = (self.line.clone(), ready.accepted.configuration.documents().clone());
                let (applied, telling) = self.put(active, ready, async move { line.keep(documents, pushed).await });
                return (Outcome::Applied(applied), Some(telling));
            }
            Ok(None) => {
                self.settle(&mut active, pushed);
                Outcome::Unchanged
            }
            Err(refusal) => {
                if pushed.is_none() {
                    self.holding.note(matches!(refusal, Refusal::Held(_)));
                }
                Outcome::Refused(refusal)
            }
        };
        self.teller.end(&outcome, &[]);
        (outcome, None)
    }

    /// What may run and differs from what does; none if it means the same.
    async fn examine(
        &self,
        active: &mut Active,
        contents: Contents,
        pushed: Option<Running>,
    ) -> Result<Option<Accepted>, Refusal> {
        if pushed.is_none() {
            if let Some(decides) = active.pushed {
                let same = self.digest_of(&contents) == Some(decides.digest);
                return if same { Ok(None) } else { Err(Refusal::Pushed(decides.version)) };
            }
            if let Some(refusal) = self.line.hold_back(&self.sources, &contents) {
                return Err(refusal);
            }
        }
        let accepted = self.judge(active, contents).await?;
        Ok((accepted.tree != active.accepted.tree).then_some(accepted))
    }

    fn digest_of(&self, contents: &Contents) -> Option<Digest> {
        let Contents::Read(files) = contents else { return None };
        Some(Digest::of(&self.sources.layout.documents(files)))
    }

    /// Notes who decides from now on, and that no files wait.
    fn settle(&self, active: &mut Active, pushed: Option<Running>) {
        self.holding.note(false);
        if let Some(pushed) = pushed {
            active.pushed = Some(pushed);
            self.teller.pushed(pushed.version);
        }
    }

    /// If nothing holds it, asks those who have a say. A veto is a failure: what was valid did not come to run.
    async fn prepare(&self, accepted: Accepted, intent: Intent, since: Instant) -> Result<Ready, Refusal> {
        let permit = self.safeguard().begin(intent)?;
        let before = self.store.load();
        let next = accepted.snapshot(self.line.next(before.version()));
        let Some(notifier) = &self.notifier else {
            return Ok(Ready { accepted, next, permit, prepared: None, since });
        };
        match notifier.prepare(before, next.clone()).await {
            Ok(prepared) => Ok(Ready { accepted, next, permit, prepared: Some(prepared), since }),
            Err(vetoed) => {
                permit.failed(vetoed.to_string());
                Err(vetoed.into())
            }
        }
    }

    /// Puts it in place at once. What it gives goes on by itself and ends when everybody has been told and it is kept;
    /// no other contents go through before.
    fn put(
        &self,
        mut active: OwnedMutexGuard<Active>,
        ready: Ready,
        keeping: impl Future<Output = Option<String>> + Send + 'static,
    ) -> (Arc<Snapshot>, JoinHandle<()>) {
        let Ready { accepted, next, permit, prepared, since } = ready;
        self.store.put(next.clone());
        active.accepted = Arc::new(accepted);
        permit.applied();
        let (teller, applied) = (self.teller.clone(), next.clone());
        let telling = tokio::spawn(async move {
            let touched = prepared.as_ref().map_or(0, |prepared| prepared.touched().len());
            if let Some(prepared) = prepared {
                prepared.commit().await;
            }
            teller.kept(keeping.await);
            teller.meter.applied(touched, since.elapsed());
            teller.end(&Outcome::Applied(applied), &active.accepted.warnings);
        });
        (next, telling)
    }

    /// Goes back to an older version: its files are judged as they are today, and run as a new version.
    #[cfg(feature = "versions")]
    pub(crate) async fn rollback(
        &self,
        to: RollbackTo,
        cause: Cause,
    ) -> Result<Arc<Snapshot>, RollbackFailed<Refusal>> {
        let since = Instant::now();
        let mut active = self.active.clone().lock_owned().await;
        let plan = self.line.plan(to, cause)?;
        let of = plan.of;
        let refused = |source| RollbackFailed::Refused { of, source };
        if let Some(decides) = active.pushed {
            return Err(refused(Refusal::Pushed(decides.version)));
        }
        let files = plan.documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        let accepted = self.judge(&mut active, Contents::Read(files)).await.map_err(refused)?;
        let ready = self.prepare(accepted, Intent::Rollback, since).await.map_err(refused)?;
        let line = self.line.clone();
        let (applied, telling) = self.put(active, ready, async move { line.complete(plan).await });
        let _ended = telling.await;
        Ok(applied)
    }

    async fn judge(&self, active: &mut Active, contents: Contents) -> Result<Accepted, Refusal> {
        if let Some(stuck) = &mut active.stuck {
            let _ended = timeout(self.deadline, stuck).await.map_err(|_| Refusal::TookTooLong(self.deadline))?;
            active.stuck = None;
        }
        let (sources, running) = (self.sources.clone(), active.accepted.clone());
        // Checks of the application may block, and a large document takes its time. Noted before it is waited for, so
        // that nothing is heaped upon it when the caller gives up.
        let judging = active
            .stuck
            .insert(spawn_blocking(move || sources.judge(&contents, Some((&running.configuration, &running.tree)))));
        let judged = timeout(self.deadline, judging).await.map_err(|_| Refusal::TookTooLong(self.deadline))?;
        active.stuck = None;
        judged.unwrap_or_else(|_| Err(vec![interrupted()])).map_err(Refusal::Findings)
    }
}

fn interrupted() -> Finding {
    Finding::error(Rule::CustomFailed, "reading and checking were interrupted")
}
