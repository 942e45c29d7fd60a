//! Tells subscribers of changes, each by itself: what one does, fails to do or takes its time for touches no other.
//! Must not know where changes come from, nor what a configuration holds.
//!
//! # The way of a change
//! 1. **Prepare.** Those who have a say ([`Participant`]) and whom the change touches are asked, one priority after the
//!    other, all of one priority at the same time. A veto, a panic or a missed time limit ends it: whoever was asked
//!    and has not refused by itself is told to abort, and everything is as it was.
//! 2. **Put in place.** The caller holds a [`Prepared`] and makes the new snapshot the current one.
//! 3. **Commit.** [`Prepared::commit`] tells those who were asked, then hands the change to each subscriber's queue,
//!    the most urgent first. Dropping it instead aborts.
//!
//! # Guarantees
//! Changes go through one at a time, in the order in which they were prepared, and each subscriber is told in that
//! order. A subscriber has at most one call under way. With [`Overfull::LatestWins`] no path that differs is ever left
//! out: what waits is merged, and the last snapshot told is the last one published.
//!
//! # Assumptions
//! Calls give way at their awaits; code that blocks a thread belongs into [`Notifier::on_change_blocking`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use rekindle_client::notify::{Notifier, Options, Value};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let notifier = Notifier::new();
//! let mut changes = notifier.stream(Options::new("pool", "database.**")?);
//! let _log = notifier.on_change(Options::new("log", "*")?, |change| println!("{change:?}"));
//!
//! let old = Arc::new(Value::from_iter([("database", 1), ("cache", 1)]));
//! let new = Arc::new(Value::from_iter([("database", 2), ("cache", 1)]));
//! notifier.publish(old, new).await?;
//!
//! let change = changes.next().await.ok_or("the notifier ended")?;
//! assert_eq!(change.touched().map(ToString::to_string).collect::<Vec<_>>(), ["database"]);
//! # Ok(()) }
//! ```

use std::fmt;
use std::future::Future;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

mod change;
mod guard;
mod inbox;
mod mailbox;
mod options;
mod registry;
mod report;
mod serve;
mod subscription;
mod tell;
mod veto;

#[cfg(test)]
mod tests;

pub use change::{Change, Compare};
pub use inbox::Changes;
pub use options::{Failure, Options, Outcome};
pub use rekindle_core::priority::Priority;
pub use rekindle_core::retry::Backoff;
pub use rekindle_core::subscribe::{Gathering, InvalidPattern, Overfull, Pattern, Patterns, Persistence};
pub use rekindle_core::value::{Path, Value};
pub use report::{Report, Stats, Trouble};
pub use subscription::Subscription;
pub use tell::Published;
pub use veto::{Participant, Prepared, Vetoed};

use inbox::{Clock, Inbox};
use mailbox::Mailbox;
use registry::{Member, Registry};
use report::Journal;

/// Where subscribers meet changes. Clones are the same notifier; when the last one is dropped, subscribers are told
/// of what waits for them and then end.
pub struct Notifier<T: Compare> {
    shared: Arc<Shared<T>>,
}

pub(in crate::notify) struct Shared<T: Compare> {
    registry: Mutex<Registry<T>>,
    journal: Arc<Journal>,
    clock: Clock,
    runtime: Handle,
    /// Held from prepare to commit: changes go through one at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// What a shutdown left undone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flushed {
    /// So many subscribers were told of everything.
    pub complete: usize,
    /// These were still busy at the deadline and were stopped.
    pub unfinished: Vec<Arc<str>>,
}

impl<T: Compare> Notifier<T> {
    /// A notifier without subscribers, for the runtime that it is called in.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    #[must_use]
    pub fn new() -> Self {
        Self::build(Handle::current(), Journal::default())
    }

    /// The same, with somebody who is told of what goes wrong, for logs and metrics. It is called in between other
    /// work and must be quick; a panic of it is ignored.
    ///
    /// # Panics
    /// Outside of a tokio runtime with time enabled.
    #[must_use]
    pub fn with_reports(listener: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        Self::build(Handle::current(), Journal { listener: Some(Box::new(listener)), ..Journal::default() })
    }

    fn build(runtime: Handle, journal: Journal) -> Self {
        let shared = Shared {
            registry: Mutex::default(),
            journal: Arc::new(journal),
            clock: Clock::start(),
            runtime,
            turn: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Calls an async function for each change.
    pub fn subscribe<F, Answer>(&self, options: Options, handler: F) -> Subscription
    where
        F: Fn(Change<T>) -> Answer + Send + Sync + 'static,
        Answer: Future<Output: Outcome> + Send + 'static,
    {
        self.serve(options, move |change: &Change<T>| handler(change.clone()))
    }

    /// Calls a function for each change. It must not block; see [`Self::on_change_blocking`].
    pub fn on_change<F, Answer>(&self, options: Options, callback: F) -> Subscription
    where
        F: Fn(&Change<T>) -> Answer + Send + Sync + 'static,
        Answer: Outcome,
    {
        self.serve(options, move |change: &Change<T>| std::future::ready(callback(change)))
    }

    /// Calls a function for each change on a thread where it may block. One that takes longer than its time limit runs
    /// on, and no other call begins before it has ended.
    pub fn on_change_blocking<F, Answer>(&self, options: Options, callback: F) -> Subscription
    where
        F: Fn(&Change<T>) -> Answer + Send + Sync + 'static,
        Answer: Outcome,
    {
        let runtime = self.shared.runtime.clone();
        self.serve(options, serve::on_threads(callback, runtime))
    }

    fn serve<F, Answer>(&self, options: Options, handler: F) -> Subscription
    where
        F: Fn(&Change<T>) -> Answer + Send + Sync + 'static,
        Answer: Future<Output: Outcome> + Send + 'static,
    {
        let mailbox = Arc::new(Mailbox::new(&options));
        let inbox = self.shared.inbox(&mailbox);
        let terms = serve::Terms { timeout: options.timeout, persistence: options.persistence };
        self.shared.join(&options, &mailbox, Some(serve::run(inbox, handler, terms)))
    }

    /// Gives out the changes as a stream.
    pub fn stream(&self, options: Options) -> Changes<T> {
        let mailbox = Arc::new(Mailbox::new(&options));
        let inbox = self.shared.inbox(&mailbox);
        let subscription = self.shared.join(&options, &mailbox, None::<std::future::Ready<()>>);
        Changes { inbox, _subscription: subscription }
    }

    /// Ends notification: takes no more changes, tells subscribers of what waits for them, gathered or not, and
    /// returns when all are done or the time is over; then whoever is still busy is stopped. Streams end once they
    /// have given out what waits; nobody waits for their readers.
    ///
    /// A change that is being prepared or committed ends first; its participants' time limits come on top.
    pub async fn shutdown(&self, within: Duration) -> Flushed {
        let deadline = Instant::now() + within;
        let turn = self.shared.turn.lock().await;
        let members = self.shared.registry().close();
        drop(turn);
        let mut flushed = Flushed::default();
        for (name, task) in members {
            let mut task: JoinHandle<()> = task;
            if tokio::time::timeout_at(deadline, &mut task).await.is_ok() {
                flushed.complete += 1;
            } else {
                task.abort();
                flushed.unfinished.push(name);
            }
        }
        flushed
    }

    /// What became of everything so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let registry = self.shared.registry();
        Stats { subscribers: registry.len(), waiting: registry.waiting(), ..self.shared.journal.stats() }
    }
}

impl<T: Compare> Shared<T> {
    fn registry(&self) -> MutexGuard<'_, Registry<T>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inbox(&self, mailbox: &Arc<Mailbox<T>>) -> Inbox<T> {
        Inbox {
            mailbox: Arc::clone(mailbox),
            journal: Arc::clone(&self.journal),
            clock: self.clock,
            runtime: self.runtime.clone(),
            timer: None,
        }
    }

    /// Enters a subscriber; what comes after shutdown ends at once.
    fn join(
        self: &Arc<Self>,
        options: &Options,
        mailbox: &Arc<Mailbox<T>>,
        task: Option<impl Future<Output = ()> + Send + 'static>,
    ) -> Subscription {
        let mut registry = self.registry();
        let member = registry.member(options.priority, Arc::clone(mailbox));
        // Spawned under the lock, so that it is never in the registry without its task.
        registry.enter(member.clone(), &options.patterns, task.map(|task| self.runtime.spawn(task)));
        drop(registry);
        let shared = Arc::downgrade(self);
        let patterns = options.patterns.clone();
        Subscription::new(move || {
            member.mailbox.close();
            if let Some(shared) = shared.upgrade() {
                shared.leave(&member, &patterns);
            }
        })
    }

    fn leave(&self, member: &Member<Mailbox<T>>, patterns: &Patterns) {
        let task = self.registry().remove(member, patterns);
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl<T: Compare> Drop for Shared<T> {
    fn drop(&mut self) {
        // The tasks run on by themselves until their queues are empty.
        drop(self.registry().close());
    }
}

impl<T: Compare> Default for Notifier<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Compare> Clone for Notifier<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<T: Compare> fmt::Debug for Notifier<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let published = self.shared.journal.counters.published.load(Relaxed);
        f.debug_struct("Notifier").field("published", &published).finish_non_exhaustive()
    }
}
