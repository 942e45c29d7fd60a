//! The pusher: carries one version to many targets over plain HTTP/1.1, each with one attempt and a deadline.
//! Must not know policies, versions' content or when to try again; it is told what to send where, and says what came
//! of it.

mod limits;

mod answer;

mod connection;

mod pool;

mod request;

mod delivery;

mod thread;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use futures::stream::Stream;
use rekindle_core::target::{Answer, Endpoint, TargetKey};
use tokio::sync::mpsc::{self, error::TrySendError};

use self::delivery::{Begun, Delivery, PushError};
use self::pool::Pool;
use self::request::{Letter, address};
use self::thread::Thread;
use crate::ports::{Push, Shipment};

/// So many bytes are written before other pushes get their turn.
const TURN: usize = 512 << 10;
/// So many answers are handed on together at most.
const BUNDLE: usize = 64;

/// What a pusher may use of the process and its peers; [`Settings::default`] is made for the operator.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How many connections may be open at once, idle ones included; at least one.
    pub connections: usize,
    /// How long a connection is kept without use.
    pub idle: Duration,
    /// How often idle connections are looked through for those to close.
    pub sweep: Duration,
    /// How long opening a connection ahead of a push may take.
    pub warming: Duration,
}

impl Default for Settings {
    /// As many connections as the process's limit of open files leaves room for, at most 4096.
    fn default() -> Self {
        Self {
            connections: limits::connections(),
            idle: Duration::from_secs(10 * 60),
            sweep: Duration::from_secs(5),
            warming: Duration::from_secs(2),
        }
    }
}

/// Pushes versions to targets, and keeps a connection open to each between pushes. Clones share their connections.
///
/// # Guarantees
/// - One attempt per target: after a connection from the pool proves stale before a byte of the answer came, a second
///   one on a fresh connection, for a push may be repeated. No redirect is followed, no name is resolved, no proxy asked.
/// - Each target has its own deadline, and none waits for another, as long as fewer targets hang than connections are
///   allowed; targets beyond that wait for a connection, those with a warm one go first.
/// - At most 64 KiB of an answer's body are read, and 16 KiB of its head.
///
/// # How
/// All sockets live on one thread with an event loop of its own: requests to all warm targets are written before the
/// first answer is read, and no other thread is woken for an answer meanwhile. That is worth half of the time on a
/// machine with two cores, and keeps pushes apart from whatever else the process computes.
#[derive(Debug, Clone)]
pub struct Pusher {
    inner: Arc<Inner>,
    thread: Arc<Thread>,
}

#[derive(Debug)]
struct Inner {
    pool: Pool,
    settings: Settings,
}

impl Pusher {
    /// Starts the thread, which ends when the last clone is dropped.
    ///
    /// # Errors
    /// When the thread or its event loop cannot be had.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let inner = Arc::new(Inner { pool: Pool::new(settings.connections, settings.idle), settings });
        let tended = Arc::clone(&inner);
        let thread = Thread::start("push", async move { tended.tend().await })?;
        Ok(Self { inner, thread: Arc::new(thread) })
    }

    /// How many connections are open, idle ones included.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.inner.pool.open()
    }
}

impl Push for Pusher {
    /// Begins at once to push to all targets, and sends each answer as it comes, with the time that it took; the
    /// future ends with the last.
    ///
    /// A receiver of answers that is full holds up only targets that have answered; one that is gone is ignored.
    /// Dropping the future ends all pushes under way and closes their connections.
    fn push(
        &self,
        shipment: Arc<Shipment>,
        targets: Vec<(TargetKey, Endpoint)>,
        answers: mpsc::Sender<(TargetKey, Answer, Duration)>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let inner = Arc::clone(&self.inner);
        self.thread.run(async move { inner.push(&shipment, targets, &answers).await })
    }

    /// Opens a connection to each endpoint that has none, ahead of a push; ends when each is open or has failed.
    ///
    /// A push that starts meanwhile waits for the connection that is being opened, and does not open another.
    async fn warm(&self, endpoints: &[Endpoint]) {
        let addresses: Vec<_> = endpoints.iter().map(address).collect();
        let inner = Arc::clone(&self.inner);
        let warming = async move {
            let within = inner.settings.warming;
            let mut opening: FuturesUnordered<_> =
                addresses.into_iter().map(|address| inner.pool.warm(address, within)).collect();
            while opening.next().await.is_some() {}
        };
        self.thread.run(warming).await;
    }
}

impl Inner {
    async fn push(
        &self,
        shipment: &Shipment,
        targets: Vec<(TargetKey, Endpoint)>,
        answers: &mpsc::Sender<(TargetKey, Answer, Duration)>,
    ) {
        let letter = match Letter::of(shipment) {
            Ok(letter) => letter,
            Err(error) => {
                for (key, _) in targets {
                    let answer = Answer::Failed { reason: error.to_string() };
                    // The receiver is gone when nobody wants to know any more.
                    let _ = answers.send((key, answer, Duration::ZERO)).await;
                }
                return;
            }
        };
        let mut begun = Vec::with_capacity(targets.len());
        let mut written = 0;
        for (key, endpoint) in self.warm_ones_first(targets) {
            let delivery = Delivery { pool: &self.pool, letter: &letter, endpoint };
            let beginning = delivery.begin();
            written += beginning.written();
            begun.push((key, delivery, beginning));
            if written >= TURN {
                written = 0;
                tokio::task::yield_now().await;
            }
        }
        // Lets the event loop see which answers are there, so that most are read without anybody being woken for them.
        tokio::task::yield_now().await;
        let finishing: FuturesUnordered<_> = begun
            .into_iter()
            .map(|(key, delivery, begun)| async move {
                let (answer, took) = conclude(&delivery, begun).await;
                (key, answer, took)
            })
            .collect();
        forward(finishing.ready_chunks(BUNDLE), answers).await;
    }

    /// Closes idle connections that are too old or that the other side has closed, for ever.
    async fn tend(&self) {
        let mut ticks = tokio::time::interval(self.settings.sweep);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.pool.sweep();
        }
    }

    fn warm_ones_first(&self, mut targets: Vec<(TargetKey, Endpoint)>) -> Vec<(TargetKey, Endpoint)> {
        if targets.len() > self.settings.connections {
            let warm = self.pool.warm_addresses();
            targets.sort_by_key(|(_, endpoint)| !warm.contains(&address(endpoint)));
        }
        targets
    }
}

/// Hands on answers as they come, those that are there at the same time together: whoever waits for them is woken for
/// each bundle and not for each answer. While the receiver is full, the pushes go on.
async fn forward<T>(finishing: impl Stream<Item = Vec<T>>, answers: &mpsc::Sender<T>) {
    let mut finishing = pin!(finishing.fuse());
    let mut outbox = VecDeque::new();
    loop {
        while let Some(answer) = outbox.pop_front() {
            if let Err(TrySendError::Full(answer)) = answers.try_send(answer) {
                outbox.push_front(answer);
                break;
            }
        }
        tokio::select! {
            Some(bundle) = finishing.next() => outbox.extend(bundle),
            permit = answers.reserve(), if !outbox.is_empty() => match (permit, outbox.pop_front()) {
                (Ok(permit), Some(answer)) => permit.send(answer),
                // Nobody wants to know any more.
                _ => outbox.clear(),
            },
            else => break,
        }
    }
}

async fn conclude(delivery: &Delivery<'_>, begun: Begun) -> (Answer, Duration) {
    let (reply, took) = delivery.finish(begun).await;
    let answer = match reply {
        Ok(reply) => delivery.letter.interpret(delivery.endpoint.payload, &reply),
        Err(error) => Answer::Failed { reason: describe(&error) },
    };
    (answer, took)
}

/// The error and what it came from, on one line.
fn describe(error: &PushError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
