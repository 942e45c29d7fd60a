//! Those who have a say in a change: all agree, or everything stays as it was.
//! Must not know what they agree to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinSet;

use super::change::{Change, Compare, Step};
use super::guard::guarded;
use super::options::{Failure, Options};
use super::registry::Member;
use super::report::{Report, Trouble, count};
use super::subscription::Subscription;
use super::tell::Published;
use super::{Notifier, Shared};

/// One who has a say in each change that touches its patterns.
///
/// # Guarantees
/// After `prepare` agreed, exactly one of `commit` and `abort` follows before the next `prepare`. After it refused,
/// nothing follows. After it panicked or took too long, which count as a refusal, `abort` follows: it may have
/// prepared something.
///
/// # Assumptions
/// `prepare` changes nothing that can be seen, and `commit` cannot fail: whatever may fail is done in `prepare`.
pub trait Participant<T>: Send + Sync + 'static {
    /// Whether the change can be taken; what is needed for it is made ready.
    fn prepare(&self, change: Change<T>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The change is in place: use what was made ready.
    fn commit(&self, change: Change<T>) -> impl Future<Output = ()> + Send;

    /// The change will not come: throw away what was made ready.
    fn abort(&self, change: Change<T>) -> impl Future<Output = ()> + Send;
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("asking `{by}` whether it takes the change: {trouble}")]
pub struct Vetoed {
    /// The name of the first who did not agree, in order of priority and age.
    pub by: Arc<str>,
    /// Why not.
    pub trouble: Trouble,
}

type Answer<'call> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'call>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Prepare,
    Commit,
    Abort,
}

/// A participant whose type is forgotten.
trait Ask<T>: Send + Sync {
    fn ask(&self, phase: Phase, change: Change<T>) -> Answer<'_>;
}

impl<T: Compare, P: Participant<T>> Ask<T> for P {
    fn ask(&self, phase: Phase, change: Change<T>) -> Answer<'_> {
        Box::pin(async move {
            match phase {
                Phase::Prepare => return self.prepare(change).await,
                Phase::Commit => self.commit(change).await,
                Phase::Abort => self.abort(change).await,
            }
            Ok(())
        })
    }
}

pub(super) struct Voter<T> {
    options: Options,
    participant: Box<dyn Ask<T>>,
}

impl<T: Compare> Voter<T> {
    async fn ask(&self, phase: Phase, step: Arc<Step<T>>) -> Result<(), Trouble> {
        let change = Change { step, patterns: Arc::new(self.options.patterns.clone()), merged: 1, missed: 0 };
        guarded(self.participant.ask(phase, change), self.options.timeout).await
    }
}

impl<T: Compare> Notifier<T> {
    /// Gives somebody a say in the changes of its patterns. Of the options, those count that name it, place it and
    /// limit its time, which holds for each of its three calls.
    pub fn participate(&self, options: Options, participant: impl Participant<T>) -> Subscription {
        let patterns = options.patterns.clone();
        let priority = options.priority;
        let voter = Arc::new(Voter { options, participant: Box::new(participant) });
        let mut registry = self.shared.registry();
        let member = registry.member(priority, voter);
        registry.enter_voter(&member, &patterns);
        drop(registry);
        let shared = Arc::downgrade(&self.shared);
        Subscription::new(move || {
            if let Some(shared) = shared.upgrade() {
                shared.registry().remove_voter(&member, &patterns);
            }
        })
    }
}

/// A change that all agreed to. Put the new snapshot in place, then [`commit`](Self::commit); dropping it aborts.
///
/// The next change waits for it.
#[must_use = "dropping it aborts the change"]
pub struct Prepared<T: Compare> {
    /// None once it is committed or aborted.
    open: Option<Open<T>>,
}

struct Open<T: Compare> {
    shared: Arc<Shared<T>>,
    step: Arc<Step<T>>,
    /// Those who are to hear of the end.
    asked: Vec<Arc<Voter<T>>>,
    /// Those who have not answered yet.
    calls: JoinSet<Answered<T>>,
    turn: OwnedMutexGuard<()>,
}

/// Who answered, and what: the position is the place in the order of those who are asked together.
struct Answered<T> {
    position: usize,
    voter: Arc<Voter<T>>,
    answer: Result<(), Trouble>,
}

impl<T: Compare> Prepared<T> {
    pub(super) async fn ask(
        shared: Arc<Shared<T>>,
        step: Arc<Step<T>>,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Self, Vetoed> {
        let voters = shared.registry().voters_of(&step.touched);
        let mut prepared = Self { open: Some(Open { shared, step, asked: Vec::new(), calls: JoinSet::new(), turn }) };
        for level in voters.chunk_by(|a, b| a.priority() == b.priority()) {
            let Some(open) = &mut prepared.open else { break };
            if let Err(vetoed) = open.ask_level(level).await {
                count(&open.shared.journal.counters.vetoed);
                let (subscriber, trouble) = (Arc::clone(&vetoed.by), vetoed.trouble.clone());
                open.shared.journal.tell(&Report::Vetoed { subscriber, trouble });
                prepared.abort().await;
                return Err(vetoed);
            }
        }
        Ok(prepared)
    }

    /// Tells those who were asked that the change is in place, and then the subscribers. Once begun it goes on to its
    /// end, also when this future is dropped; only for subscribers that block it does not wait then.
    pub async fn commit(mut self) -> Published {
        let Some(Open { shared, step, asked, turn, calls: _ }) = self.open.take() else { return Published::default() };
        if asked.is_empty() {
            return shared.tell(&step).await;
        }
        let runtime = shared.runtime.clone();
        let committing = runtime.spawn(async move {
            shared.settle(Phase::Commit, asked, &step).await;
            let published = shared.tell(&step).await;
            drop(turn);
            published
        });
        // It ends otherwise only with the runtime.
        committing.await.unwrap_or_default()
    }

    /// Tells those who were asked that the change will not come, and returns when they know.
    pub async fn abort(mut self) {
        if let Some(aborting) = self.open.take().and_then(Open::abort) {
            let _ended_with_the_runtime = aborting.await;
        }
    }

    /// The paths that differ, sorted.
    #[must_use]
    pub fn touched(&self) -> &[super::Path] {
        self.open.as_ref().map_or(&[], |open| &open.step.touched)
    }
}

impl<T: Compare> Open<T> {
    /// Asks all of one priority at the same time. The first in order who does not agree is named.
    async fn ask_level(&mut self, level: &[Member<Voter<T>>]) -> Result<(), Vetoed> {
        for (position, member) in level.iter().enumerate() {
            // Before it is asked, so that it hears of the end whatever happens meanwhile.
            self.asked.push(Arc::clone(&member.mailbox));
            let (voter, step) = (Arc::clone(&member.mailbox), Arc::clone(&self.step));
            let call = async move { Answered { position, answer: voter.ask(Phase::Prepare, step).await, voter } };
            self.calls.spawn_on(call, &self.shared.runtime);
        }
        let mut first: Option<(usize, Vetoed)> = None;
        while let Some(ended) = self.calls.join_next().await {
            // Panics are caught inside; the task itself ends early only with the runtime.
            let Ok(answered) = ended else { continue };
            self.forget_if_refused(&answered);
            let Answered { position, voter, answer: Err(trouble) } = answered else { continue };
            if first.as_ref().is_none_or(|(other, _)| position < *other) {
                first = Some((position, Vetoed { by: Arc::clone(&voter.options.name), trouble }));
            }
        }
        first.map_or(Ok(()), |(_, vetoed)| Err(vetoed))
    }

    /// Who refused has nothing to undo.
    fn forget_if_refused(&mut self, answered: &Answered<T>) {
        if matches!(answered.answer, Err(Trouble::Refused(_))) {
            self.asked.retain(|asked| !Arc::ptr_eq(asked, &answered.voter));
        }
    }

    /// Of its own, so that it goes on when the caller hangs up; the turn is held until all have heard.
    fn abort(mut self) -> Option<tokio::task::JoinHandle<()>> {
        let runtime = self.shared.runtime.clone();
        (!self.asked.is_empty()).then(|| {
            runtime.spawn(async move {
                // Nobody is told to abort while it is still preparing.
                self.calls.abort_all();
                while let Some(ended) = self.calls.join_next().await {
                    if let Ok(answered) = ended {
                        self.forget_if_refused(&answered);
                    }
                }
                let Self { shared, step, asked, turn, calls: _ } = self;
                shared.settle(Phase::Abort, asked, &step).await;
                drop(turn);
            })
        })
    }
}

impl<T: Compare> Drop for Prepared<T> {
    fn drop(&mut self) {
        drop(self.open.take().and_then(Open::abort));
    }
}

impl<T: Compare> Shared<T> {
    /// Tells all at the same time, and waits for each at most its time limit.
    async fn settle(&self, phase: Phase, asked: Vec<Arc<Voter<T>>>, step: &Arc<Step<T>>) {
        let mut calls = JoinSet::new();
        for voter in asked {
            let step = Arc::clone(step);
            calls.spawn(async move { (voter.ask(phase, step).await, Arc::clone(&voter.options.name)) });
        }
        while let Some(ended) = calls.join_next().await {
            if let Ok((Err(trouble), subscriber)) = ended {
                let committing = phase == Phase::Commit;
                self.journal.tell(&Report::Astray { subscriber, committing, trouble });
            }
        }
    }
}

impl<T: Compare> fmt::Debug for Prepared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("touched", &self.touched().len()).finish_non_exhaustive()
    }
}
