//! One policy's worker: waits for news, observes, decides, executes and reports, round after round until it rests.
//! Must not decide anything itself.

use std::sync::Arc;
use std::time::Duration;

use rekindle_core::contract::signature::PushKeys;
use rekindle_core::ids::{PolicyId, Uid};
use rekindle_core::reconcile::decide;
use rekindle_core::reconcile::ledger::Ledger;
use rekindle_core::reconcile::observed::Observed;
use rekindle_core::reconcile::plan::Plan;
use rekindle_core::target::address::AddressRules;
use rekindle_core::target::{Answer, Running, TargetKey};
use rekindle_core::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::execute::{self, Holdoff};
use super::memory::Memory;
use super::reporter::{self, Reporter, Wanted};
use super::shipments::Shipments;
use super::view::{Snapshot, View};
use crate::leadership::Leadership;
use crate::metrics::Metrics;
use crate::ports::{Clock, Cluster, ClusterError, Files, Push};

/// After so many rounds without rest something is wrong; the worker then waits a moment and says so.
const ROUNDS: usize = 40;
const BREATH: Duration = Duration::from_secs(1);
/// So long answers are gathered before they are looked at, unless all have come.
const BUNDLE: Duration = Duration::from_millis(5);
/// How long a worker that is told to stop waits for pushes under way, and then for its last writes.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What all workers share.
pub struct Shared<C, P, K> {
    /// The picture.
    pub view: Arc<View>,
    /// The cluster.
    pub cluster: Arc<C>,
    /// The pusher.
    pub push: Arc<P>,
    /// The clock.
    pub clock: Arc<K>,
    /// Which addresses may be pushed to.
    pub addresses: AddressRules,
    /// Whether this replica leads; nothing is decided when it does not.
    pub leadership: Leadership,
    /// What is counted.
    pub metrics: Metrics,
    /// The directories of files.
    pub files: Arc<dyn Files>,
}

impl<C, P, K> Shared<C, P, K> {
    /// The same for another time in office.
    pub(super) fn under(&self, leadership: Leadership) -> Self {
        Self {
            view: self.view.clone(),
            cluster: self.cluster.clone(),
            push: self.push.clone(),
            clock: self.clock.clone(),
            addresses: self.addresses,
            leadership,
            metrics: self.metrics.clone(),
            files: self.files.clone(),
        }
    }
}

/// News for a worker from the tasks that it started.
#[derive(Debug)]
pub(super) enum News {
    /// A target answered.
    Answered { key: TargetKey, pushed: Running, answer: Answer },
    /// A push ended without an answer from these targets, because its task ended early.
    Ended { keys: Vec<TargetKey>, pushed: Running },
    /// Statuses were written, or not.
    Wrote { written: Box<Wanted>, succeeded: bool },
    /// The push keys were read again.
    Keys(Box<PushKeys>),
}

/// One policy's worker.
pub(super) struct Worker<C, P, K> {
    pub(super) id: PolicyId,
    /// Which of the policies that ever bore this name.
    policy: Option<Uid>,
    pub(super) shared: Arc<Shared<C, P, K>>,
    pub(super) ledger: Ledger,
    pub(super) memory: Memory,
    pub(super) shipments: Shipments,
    pub(super) keys: Option<(PushKeys, Timestamp)>,
    pub(super) holdoff: Holdoff,
    pub(super) news: mpsc::Sender<News>,
    pub(super) tasks: JoinSet<()>,
    reporter: Reporter,
}

impl<C: Cluster, P: Push, K: Clock> Worker<C, P, K> {
    /// Works for one policy until it is told to stop or the policy is gone.
    pub(super) async fn run(id: PolicyId, shared: Arc<Shared<C, P, K>>, stop: CancellationToken) {
        let Some(bell) = shared.view.bell(&id) else { return };
        let seen = shared.view.snapshot(&id);
        let policy = seen.as_ref().map(|seen| seen.policy.uid.clone());
        let (history, open_for) = seen.map(|seen| (seen.history, seen.policy.breaker.open_for)).unwrap_or_default();
        let ledger = Ledger::restore(shared.view.seen_status(&id).as_ref(), &history, open_for);
        let (news, mut inbox) = mpsc::channel(4096);
        let mut worker = Self {
            id,
            policy,
            shared,
            ledger,
            memory: Memory::default(),
            shipments: Shipments::default(),
            keys: None,
            holdoff: Holdoff::default(),
            news,
            tasks: JoinSet::new(),
            reporter: Reporter::default(),
        };
        loop {
            while let Ok(news) = inbox.try_recv() {
                worker.take(news);
            }
            if worker.shared.view.snapshot(&worker.id).is_some_and(|snapshot| !worker.serves(&snapshot)) {
                break;
            }
            let again = worker.rounds(&mut inbox).await;
            let pause = again.map(|time| time.since(worker.shared.clock.now()).max(Duration::from_millis(1)));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(news) = inbox.recv() => {
                    worker.take(news);
                    worker.gather(&mut inbox).await;
                }
                () = bell.notified() => {}
                Some(_) = worker.tasks.join_next(), if !worker.tasks.is_empty() => {}
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
        worker.finish(inbox).await;
    }

    /// Whether it is still the same policy: one of the same name that comes after has a worker and a memory of its own.
    fn serves(&self, snapshot: &Snapshot) -> bool {
        self.policy.as_ref() == Some(&snapshot.policy.uid)
    }

    /// Rounds until there is nothing to do now; says when to look again.
    async fn rounds(&mut self, inbox: &mut mpsc::Receiver<News>) -> Option<Timestamp> {
        for _ in 0..ROUNDS {
            let snapshot = self.shared.view.snapshot(&self.id)?;
            let plan = self.decide(&snapshot)?;
            for because in &plan.because {
                tracing::debug!(policy = %self.id, reason = %because.reason, because = %because.message, "decided");
            }
            let Plan { actions, shown, again, .. } = plan;
            let now = self.shared.clock.now();
            self.reporter.want(shown, now);
            let did_something = self.execute(&snapshot, actions).await;
            self.keys_ahead(&snapshot);
            while let Ok(news) = inbox.try_recv() {
                self.take(news);
            }
            if !did_something {
                // Not before: a status that is written between a record and its push competes with the push.
                return [again, self.report(), self.holdoff.next(now)].into_iter().flatten().min();
            }
        }
        tracing::warn!(policy = %self.id, rounds = ROUNDS, "a policy does not come to rest");
        self.report();
        Some(self.shared.clock.now().after(BREATH))
    }

    fn decide(&mut self, snapshot: &Snapshot) -> Option<Plan> {
        self.memory.assessment(snapshot)?;
        self.memory.active(snapshot);
        self.memory.targets(snapshot, self.shared.addresses);
        let active_copy = self.memory.active_copy(snapshot);
        let known = self.memory.worked_out()?;
        self.ledger.forget(known.keys, &snapshot.history);
        let observed = Observed {
            policy: &snapshot.policy,
            assessment: known.assessment,
            schema: &snapshot.schema,
            history: &snapshot.history,
            active: known.active,
            ledger: &self.ledger,
            targets: known.targets,
            taken: known.taken,
            rollbacks: &snapshot.rollbacks,
            active_copy,
            trouble: self.holdoff.trouble(),
        };
        Some(decide(&observed, self.shared.clock.now()))
    }

    /// Takes the answers of a fan-out in bundles: a round for each of a thousand would only slow the others down.
    async fn gather(&mut self, inbox: &mut mpsc::Receiver<News>) {
        let end = tokio::time::Instant::now() + BUNDLE;
        while self.ledger.is_pushing() {
            match tokio::time::timeout_at(end, inbox.recv()).await {
                Ok(Some(news)) => self.take(news),
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn take(&mut self, news: News) {
        let now = self.shared.clock.now();
        match news {
            News::Answered { key, pushed, answer } => {
                tracing::debug!(policy = %self.id, version = %pushed.version, pod = %key.uid, ?answer, "answered");
                self.ledger.answered(&key, pushed, answer, now);
            }
            News::Ended { keys, pushed } => {
                for key in &keys {
                    if self.ledger.is_in_flight(key, pushed.version) {
                        let answer = Answer::Failed { reason: "the push ended before an answer came".to_owned() };
                        self.ledger.answered(key, pushed, answer, now);
                    }
                }
            }
            News::Wrote { written, succeeded } => self.reporter.wrote(*written, succeeded, now),
            News::Keys(keys) => {
                // What was signed with others is signed anew.
                self.shipments = Shipments::default();
                self.keys = Some((*keys, now));
                self.holdoff.succeeded(execute::KEYS);
                // A push that waited for them need not wait any longer.
                self.holdoff.succeeded(execute::PUSH);
            }
        }
    }

    /// Starts the writes of statuses that are due; says when others are.
    fn report(&mut self) -> Option<Timestamp> {
        let statuses = match self.reporter.due(self.ledger.is_pushing(), self.shared.clock.now()) {
            Ok(statuses) => statuses,
            Err(later) => return later,
        };
        let (cluster, id, news) = (self.shared.cluster.clone(), self.id.clone(), self.news.clone());
        let metrics = self.shared.metrics.clone();
        self.tasks.spawn(async move {
            let result = reporter::write(cluster, id.clone(), &statuses).await;
            if let Err(ClusterError::Conflict { what }) = &result {
                // The watch tells what it is by now, and the next write says the same.
                tracing::debug!(policy = %id, what, "somebody else wrote meanwhile; the status is written again");
            } else if let Err(error) = &result {
                metrics.api_error();
                tracing::warn!(policy = %id, error = %error, "statuses could not be written and will be written later");
            }
            let wrote = News::Wrote { written: Box::new(statuses), succeeded: result.is_ok() };
            // The worker is gone only when its policy is, or the operator ends.
            let _ = news.send(wrote).await;
        });
        None
    }

    /// Lets what is under way come to its end, and shows what it came to.
    async fn finish(mut self, mut inbox: mpsc::Receiver<News>) {
        let patience = tokio::time::sleep(LAST_WORDS);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                Some(news) = inbox.recv() => self.take(news),
                ended = self.tasks.join_next() => if ended.is_none() { break },
                () = &mut patience => break,
            }
        }
        while let Ok(news) = inbox.try_recv() {
            self.take(news);
        }
        let Some(snapshot) = self.shared.view.snapshot(&self.id) else { return };
        if !self.serves(&snapshot) {
            return;
        }
        let Some(plan) = self.decide(&snapshot) else { return };
        self.reporter.want(plan.shown, self.shared.clock.now());
        if let Some(statuses) = self.reporter.last_words() {
            let writes = reporter::write(self.shared.cluster.clone(), self.id.clone(), &statuses);
            if !matches!(tokio::time::timeout(LAST_WORDS, writes).await, Ok(Ok(()))) {
                tracing::warn!(policy = %self.id, "the last statuses could not be written; a restart asks again");
            }
        }
    }
}
