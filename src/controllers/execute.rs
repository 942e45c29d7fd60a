//! Carries out the actions of a plan, one after the other, without making a choice.
//! Must not go on after an action that failed: what it stood for is observed anew.

mod writes;

use std::collections::BTreeMap;
use std::sync::Arc;

use rekindle_core::contract::body::Reason as PushReason;
use rekindle_core::ids::{ObjectName, VersionNumber};
use rekindle_core::policy::Mode;
use rekindle_core::reason::Reason;
use rekindle_core::reconcile::plan::{Action, Because, Note};
use rekindle_core::record::{NewVersion, Recorded};
use rekindle_core::retry;
use rekindle_core::target::{Endpoint, Payload, Running, TargetKey};
use rekindle_core::time::Timestamp;
use tokio::sync::mpsc;

use super::shipments::Cargo;
use super::view::Snapshot;
use super::worker::{News, Worker};
use crate::ports::{Announcement, Clock, Cluster, ClusterError, Push, Shipment, Sighting, Sink as _};

/// Keys are read again when they are older than this, behind the back of a push.
const KEYS_FRESH_FOR: std::time::Duration = std::time::Duration::from_secs(60);

/// Kinds of actions that failed and wait before they are tried again, and what is said of them meanwhile.
#[derive(Debug, Default)]
pub(super) struct Holdoff {
    failed: BTreeMap<&'static str, Failure>,
}

#[derive(Debug)]
struct Failure {
    attempts: u32,
    until: Timestamp,
    trouble: Option<Because>,
}

impl Holdoff {
    /// The earliest time at which something that failed is due again.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.failed.values().map(|failure| failure.until).filter(|until| *until > now).min()
    }

    /// What could not be done and will be tried again.
    pub(super) fn trouble(&self) -> Option<&Because> {
        self.failed.values().find_map(|failure| failure.trouble.as_ref())
    }

    /// Forgets what the plan no longer asks for, and says whether that was shown as a trouble: it is none any more.
    fn keep_wanted(&mut self, actions: &[Action]) -> bool {
        let had_trouble = self.trouble().is_some();
        self.failed.retain(|kind, _| *kind == KEYS || actions.iter().any(|action| kind_of(action) == Some(kind)));
        had_trouble && self.trouble().is_none()
    }

    fn holds(&self, kind: &'static str, now: Timestamp) -> bool {
        self.failed.get(kind).is_some_and(|failure| failure.until > now)
    }

    fn failed(&mut self, kind: &'static str, now: Timestamp, trouble: Option<Because>) -> bool {
        let attempts = self.failed.get(kind).map_or(1, |failure| failure.attempts.saturating_add(1));
        let pause = retry::RECORD.pause(attempts, retry::seed_of([kind.as_bytes()]));
        self.failed.insert(kind, Failure { attempts, until: now.after(pause), trouble });
        attempts == 1
    }

    pub(super) fn succeeded(&mut self, kind: &'static str) {
        self.failed.remove(kind);
    }
}

pub(super) const KEYS: &str = "keys";
pub(super) const PUSH: &str = "push";
const ACTIVE_COPY: &str = "active copy";
const RESTORE: &str = "restore";
const PRUNE: &str = "prune";

/// Under which name an action waits when it failed.
fn kind_of(action: &Action) -> Option<&'static str> {
    match action {
        Action::Push { .. } => Some(PUSH),
        Action::WriteActiveCopy { .. } => Some(ACTIVE_COPY),
        Action::RestoreSource { .. } => Some(RESTORE),
        Action::Prune(_) => Some(PRUNE),
        Action::Record { .. } | Action::Remember(_) | Action::Announce { .. } => None,
    }
}

/// What an action came to.
enum Outcome {
    Done,
    /// Nothing was changed that another round would see.
    Quiet,
    Failed,
}

impl<C: Cluster, P: Push, K: Clock> Worker<C, P, K> {
    /// Carries out the actions; says whether another round has something new to look at.
    pub(super) async fn execute(&mut self, snapshot: &Snapshot, actions: Vec<Action>) -> bool {
        let mut changed = self.holdoff.keep_wanted(&actions);
        for action in actions {
            match self.carry_out(snapshot, action).await {
                Outcome::Done => changed = true,
                Outcome::Quiet => {}
                Outcome::Failed => return changed,
            }
        }
        changed
    }

    async fn carry_out(&mut self, snapshot: &Snapshot, action: Action) -> Outcome {
        match action {
            Action::Record { version, warm } => self.record(snapshot, *version, warm).await,
            Action::Push { version, reason, targets } => self.push(snapshot, version, reason, targets).await,
            Action::Remember(note) => {
                if matches!(note, Note::Tripped { .. }) {
                    self.shared.metrics.tripped();
                }
                self.ledger.remember(&note);
                Outcome::Done
            }
            Action::WriteActiveCopy { name, version } => self.write_active_copy(snapshot, &name, version).await,
            Action::RestoreSource { documents, .. } => self.restore_source(snapshot, &documents).await,
            Action::Prune(number) => self.prune(number).await,
            Action::Announce { warning, reason, message } => {
                self.announce(snapshot, Announcement { warning, reason, message });
                Outcome::Quiet
            }
        }
    }

    async fn record(&mut self, snapshot: &Snapshot, version: NewVersion, warm: Vec<Endpoint>) -> Outcome {
        let shared = self.shared.clone();
        let write = shared.cluster.record(&snapshot.policy, &version);
        // While the API server writes, connections are opened and the body is encoded. Nobody waits for a connection
        // but the push that needs it: one dead pod would delay all the others.
        let prepare = async {
            let push = shared.push.clone();
            self.tasks.spawn(async move { push.warm(&warm).await });
            tokio::task::yield_now().await;
            self.prepare(&Recorded::from(&version), &version.documents, version.origin.push_reason());
        };
        let (result, ()) = tokio::join!(write, prepare);
        match result {
            Ok(recorded) => {
                tracing::info!(policy = %self.id, version = %recorded.number, digest = %recorded.digest, "recorded a version");
                self.shared.metrics.recorded(&recorded.origin);
                self.ledger.recorded(recorded.number);
                self.memory.recorded(recorded.running());
                let number = recorded.number;
                shared.view.saw(Sighting::Version(self.id.clone(), number, Some(Box::new(recorded))));
                Outcome::Done
            }
            Err(error) => self.record_failed(version.number, &error).await,
        }
    }

    async fn record_failed(&mut self, number: VersionNumber, error: &ClusterError) -> Outcome {
        self.shared.metrics.api_error();
        tracing::warn!(policy = %self.id, error = %error, "a version could not be recorded");
        let lasting = match error {
            ClusterError::Exists { .. } => self.count_on(number, error).await.err(),
            _ => Some(error.to_string()),
        };
        match lasting {
            None => self.ledger.record_failure = None,
            Some(message) => self.ledger.record_failed(message, self.shared.clock.now()),
        }
        Outcome::Done
    }

    /// Another writer took the number: the history is read afresh and the next round counts on from there. Fails when
    /// that would not help.
    async fn count_on(&self, taken: VersionNumber, error: &ClusterError) -> Result<(), String> {
        let versions = self.shared.cluster.versions(&self.id).await.map_err(|error| error.to_string())?;
        let readable = versions.iter().any(|version| version.number >= taken);
        for version in versions {
            let number = version.number;
            self.shared.view.saw(Sighting::Version(self.id.clone(), number, Some(Box::new(version))));
        }
        if readable {
            return Ok(());
        }
        Err(format!("{error} and cannot be read as a version of this policy: find out who made it, and delete it"))
    }

    /// Encodes and signs a version; none without keys.
    fn prepare(
        &mut self,
        version: &Recorded,
        documents: &rekindle_core::document::Documents,
        reason: PushReason,
    ) -> Option<Arc<Shipment>> {
        let now = self.shared.clock.now();
        let (keys, _) = self.keys.as_ref()?;
        let cargo = Cargo { policy: &self.id, version, documents, reason, epoch: self.shared.leadership.epoch() };
        match self.shipments.prepare(&cargo, keys, now) {
            Ok(shipment) => Some(shipment),
            Err(error) => {
                tracing::error!(policy = %self.id, version = %version.number, error = %error, "a version could not be encoded");
                None
            }
        }
    }

    async fn push(
        &mut self,
        snapshot: &Snapshot,
        number: VersionNumber,
        reason: PushReason,
        targets: Vec<(TargetKey, ObjectName, Endpoint)>,
    ) -> Outcome {
        let now = self.shared.clock.now();
        if self.holdoff.holds(PUSH, now) {
            return Outcome::Quiet;
        }
        let signed = targets.iter().any(|(.., endpoint)| endpoint.payload == Payload::Content);
        if signed && !self.have_keys().await {
            return Outcome::Failed;
        }
        let Some(version) = snapshot.history.get(&number).cloned() else { return Outcome::Failed };
        let shipment = if signed { self.shipment_of(snapshot, &version, reason) } else { Some(notice(&version)) };
        let Some(shipment) = shipment else {
            self.holdoff.failed(PUSH, now, None);
            return Outcome::Failed;
        };
        self.holdoff.succeeded(PUSH);
        let keys = self.send(shipment, version.running(), targets);
        for key in &keys {
            self.ledger.pushed(key, number);
        }
        Outcome::Done
    }

    fn shipment_of(&mut self, snapshot: &Snapshot, version: &Recorded, reason: PushReason) -> Option<Arc<Shipment>> {
        let configuration = self.memory.active(snapshot)?.as_ref().ok()?.clone();
        self.prepare(version, configuration.documents(), reason)
    }

    /// Begins to push before anything else is done: the first bytes go out while the worker goes on with its round.
    fn send(
        &mut self,
        shipment: Arc<Shipment>,
        pushed: Running,
        targets: Vec<(TargetKey, ObjectName, Endpoint)>,
    ) -> Vec<TargetKey> {
        let keys: Vec<TargetKey> = targets.iter().map(|(key, ..)| key.clone()).collect();
        let targets = targets.into_iter().map(|(key, _, endpoint)| (key, endpoint)).collect();
        let (answers, mut answered) = mpsc::channel(1024);
        let (news, shared, asked) = (self.news.clone(), self.shared.clone(), keys.clone());
        // Another may lead by now: then nothing begins, and what is on its way is cut off.
        let begun = (!shared.leadership.is_over()).then(|| shared.push.push(shipment, targets, answers));
        self.tasks.spawn(async move {
            let sending = async {
                let Some(sending) = begun else { return };
                tokio::select! {
                    biased;
                    () = shared.leadership.over() => {}
                    () = sending => {}
                }
            };
            let passing_on = async {
                while let Some((key, answer, took)) = answered.recv().await {
                    shared.metrics.pushed(&answer, took);
                    let _ = news.send(News::Answered { key, pushed, answer }).await;
                }
            };
            tokio::join!(sending, passing_on);
            let _ = news.send(News::Ended { keys: asked, pushed }).await;
        });
        keys
    }

    /// Has the keys made and read before the first push needs them: pods that mount their Secret cannot start
    /// until it is there, and without pods there would never be a push. For the same reason it is looked at again
    /// when something happens after a while: somebody may have deleted it.
    pub(super) fn keys_ahead(&mut self, snapshot: &Snapshot) {
        let now = self.shared.clock.now();
        let signs = snapshot.policy.targets.as_ref().is_some_and(|rules| rules.payload == Payload::Content);
        let acts = snapshot.policy.mode == Mode::Enforce && !snapshot.history.is_empty();
        if !signs || !acts {
            return;
        }
        match &mut self.keys {
            Some((_, read)) if now.since(*read) > KEYS_FRESH_FOR => *read = now,
            None if !self.holdoff.holds(KEYS, now) => {
                // Until the keys come, this is an attempt that failed and is repeated after a pause.
                self.holdoff.failed(KEYS, now, None);
            }
            _ => return,
        }
        self.read_keys();
    }

    fn read_keys(&mut self) {
        let (cluster, id, news) = (self.shared.cluster.clone(), self.id.clone(), self.news.clone());
        self.tasks.spawn(async move {
            match cluster.push_keys(&id.namespace).await {
                Ok(keys) => drop(news.send(News::Keys(Box::new(keys))).await),
                Err(error) => tracing::warn!(policy = %id, error = %error, "push keys could not be read"),
            }
        });
    }

    /// Whether there are keys to sign with; reads them the first time, and again behind a push when they have aged.
    async fn have_keys(&mut self) -> bool {
        let now = self.shared.clock.now();
        if let Some((_, read)) = &self.keys {
            if now.since(*read) > KEYS_FRESH_FOR {
                self.read_keys();
            }
            return true;
        }
        match self.shared.cluster.push_keys(&self.id.namespace).await {
            Ok(keys) => {
                self.keys = Some((keys, now));
                true
            }
            Err(error) => {
                self.failed(PUSH, &error);
                false
            }
        }
    }

    /// Notes that an action failed: it waits before it is tried again, and the status says why.
    fn failed(&mut self, kind: &'static str, error: &ClusterError) {
        self.shared.metrics.api_error();
        let reason = match error {
            ClusterError::Forbidden { .. } => Reason::Forbidden,
            _ if kind == ACTIVE_COPY => Reason::ActiveCopyFailed,
            _ => Reason::RecordFailed,
        };
        let trouble = Because::new(reason, error.to_string());
        if self.holdoff.failed(kind, self.shared.clock.now(), Some(trouble)) {
            tracing::warn!(policy = %self.id, action = kind, error = %error, "an action failed and will be tried again");
        }
    }
}

/// A notice carries nothing; the digest names what it is about.
fn notice(version: &Recorded) -> Arc<Shipment> {
    Arc::new(Shipment { body: bytes::Bytes::new(), signature: String::new(), digest: version.digest })
}
