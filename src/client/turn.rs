//! Whose turn it is: one application at a time, the newest push waiting, every push answered exactly once.
//! Must not know HTTP or signatures; what it is given has been verified.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rekindle_core::contract::fence::{Fence, Judgment};
use rekindle_core::ids::Epoch;
use rekindle_core::target::Running;
use tokio::sync::oneshot;
use tokio::task::JoinError;
use tokio::time::timeout;

use crate::update::{Apply, Refusal, Update};

#[cfg(test)]
mod tests;

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It runs.
    Ack,
    /// It is older than what runs or is about to run.
    Stale(&'static str),
    /// The application does not take it.
    Nack(String),
}

/// A verdict, and what runs at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    pub verdict: Verdict,
    pub running: Option<Running>,
}

const OLDER: &str = "it is older than what runs, or another content under the same number";
const OVERTAKEN: &str = "a newer version overtook it";

pub(crate) struct Turn<A> {
    application: Arc<A>,
    deadline: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fence: Fence,
    /// What is being applied.
    current: Option<Job>,
    /// What is applied next.
    next: Option<(Epoch, Update, Job)>,
}

/// A version, and everybody who pushed it and waits for the verdict.
struct Job {
    version: Running,
    waiting: Vec<oneshot::Sender<Decided>>,
}

impl Job {
    fn answer(&mut self, decided: &Decided) {
        for waiting in self.waiting.drain(..) {
            // Whoever hung up does not want to know.
            let _gone = waiting.send(decided.clone());
        }
    }
}

impl<A: Apply> Turn<A> {
    pub(crate) fn new(application: A, deadline: Duration, running: Option<Running>) -> Self {
        let fence = Fence { running, ..Fence::default() };
        let state = Mutex::new(State { fence, ..State::default() });
        Self { application: Arc::new(application), deadline, state }
    }

    pub(crate) fn running(&self) -> Option<Running> {
        self.state().fence.running
    }

    /// Takes a push. The verdict comes through the channel; it closes without one only when the runtime ends.
    pub(crate) fn submit(self: &Arc<Self>, epoch: Epoch, update: Update) -> oneshot::Receiver<Decided> {
        let (sender, receiver) = oneshot::channel();
        let version = update.running();
        let mut job = Job { version, waiting: vec![sender] };
        let mut state = self.state();
        match state.place(epoch, &update) {
            Place::Answer(verdict) => job.answer(&Decided { verdict, running: state.fence.running }),
            Place::JoinCurrent => state.current.iter_mut().for_each(|current| current.waiting.append(&mut job.waiting)),
            Place::JoinNext => state.next.iter_mut().for_each(|(latest, _, next)| {
                *latest = epoch;
                next.waiting.append(&mut job.waiting);
            }),
            Place::Next => {
                let overtaken = state.next.replace((epoch, update, job));
                let running = state.fence.running;
                if let Some((_, _, mut overtaken)) = overtaken {
                    overtaken.answer(&Decided { verdict: Verdict::Stale(OVERTAKEN), running });
                }
            }
            Place::Start => {
                state.current = Some(job);
                drop(state);
                // Of its own, so that a caller who hangs up does not stop the application half-way.
                tokio::spawn(Arc::clone(self).run(update));
            }
        }
        receiver
    }

    async fn run(self: Arc<Self>, first: Update) {
        let mut update = first;
        loop {
            let version = update.running();
            let application = Arc::clone(&self.application);
            let mut task = tokio::spawn(async move { application.apply(update).await });
            let (applied, verdict) = match timeout(self.deadline, &mut task).await {
                Ok(ended) => conclude(ended),
                Err(_) => {
                    task.abort();
                    let late = Verdict::Nack(format!("the application took longer than {:?}", self.deadline));
                    self.answer_current(late.clone());
                    // Nothing else may be applied before this one has really ended; it may still have got through.
                    match conclude(task.await) {
                        (false, _) => (false, late),
                        through => through,
                    }
                }
            };
            match self.finish(applied.then_some(version), verdict) {
                Some(next) => update = next,
                None => return,
            }
        }
    }

    fn answer_current(&self, verdict: Verdict) {
        let mut state = self.state();
        let decided = Decided { verdict, running: state.fence.running };
        state.current.iter_mut().for_each(|current| current.answer(&decided));
    }

    /// Notes what runs now, answers, and takes what waits.
    fn finish(&self, applied: Option<Running>, verdict: Verdict) -> Option<Update> {
        let mut state = self.state();
        state.fence.running = applied.or(state.fence.running);
        let running = state.fence.running;
        if let Some(mut current) = state.current.take() {
            current.answer(&Decided { verdict, running });
        }
        let (epoch, update, mut job) = state.next.take()?;
        match state.fence.judge(epoch, job.version) {
            Judgment::Apply => {
                state.current = Some(job);
                Some(update)
            }
            // A later leader spoke while it waited.
            Judgment::Stale | Judgment::AlreadyRunning => {
                job.answer(&Decided { verdict: Verdict::Stale(OLDER), running });
                None
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a push belongs.
enum Place {
    Answer(Verdict),
    JoinCurrent,
    JoinNext,
    Next,
    Start,
}

impl State {
    fn place(&mut self, epoch: Epoch, update: &Update) -> Place {
        let version = update.running();
        match self.fence.judge(epoch, version) {
            Judgment::Stale => return Place::Answer(Verdict::Stale(OLDER)),
            Judgment::AlreadyRunning => return Place::Answer(Verdict::Ack),
            Judgment::Apply => {}
        }
        match (&self.current, &self.next) {
            (None, _) => Place::Start,
            (Some(current), _) if current.version == version => Place::JoinCurrent,
            (_, Some((_, _, next))) if next.version == version => Place::JoinNext,
            (_, Some((_, _, next))) if version.version <= next.version.version => {
                Place::Answer(Verdict::Stale(OVERTAKEN))
            }
            (Some(current), _) if version.version <= current.version.version => {
                Place::Answer(Verdict::Stale(OVERTAKEN))
            }
            _ => Place::Next,
        }
    }
}

/// Whether the version runs, and the verdict. What a panic says is not passed on: it may hold a value.
fn conclude(ended: Result<Result<(), Refusal>, JoinError>) -> (bool, Verdict) {
    match ended {
        Ok(Ok(())) => (true, Verdict::Ack),
        Ok(Err(refusal)) => (false, Verdict::Nack(refusal.to_string())),
        Err(error) if error.is_panic() => {
            (false, Verdict::Nack("the application panicked while it applied it".to_owned()))
        }
        Err(_) => (false, Verdict::Nack("the application was stopped while it applied it".to_owned())),
    }
}
