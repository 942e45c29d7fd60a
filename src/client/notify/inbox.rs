//! A subscriber's end of its mailbox: the next change that is due, as a future and as a stream.
//! Must not know what is done with it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use rekindle_core::time::Timestamp;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};

use super::change::{Change, Compare};
use super::mailbox::{Look, Mailbox};
use super::report::{Journal, count};
use super::subscription::Subscription;

/// The time as the core takes it: milliseconds since notification began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(self) -> Timestamp {
        Timestamp(0).after(self.0.elapsed())
    }

    fn instant(self, at: Timestamp) -> Instant {
        self.0 + at.since(Timestamp(0))
    }
}

pub(super) struct Inbox<T> {
    pub(super) mailbox: Arc<Mailbox<T>>,
    pub(super) journal: Arc<Journal>,
    pub(super) clock: Clock,
    pub(super) runtime: Handle,
    pub(super) timer: Option<Pin<Box<Sleep>>>,
}

impl<T: Compare> Inbox<T> {
    pub(super) async fn next(&mut self) -> Option<Change<T>> {
        poll_fn(|ctx| self.poll_next(ctx)).await
    }

    fn poll_next(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Change<T>>> {
        loop {
            let clock = self.clock;
            match self.mailbox.look(|| clock.now(), ctx.waker()) {
                Look::Ended => return Poll::Ready(None),
                Look::Wait(None) => {
                    self.timer = None;
                    return Poll::Pending;
                }
                Look::Wait(Some(at)) => {
                    if self.poll_timer(at, ctx).is_pending() {
                        return Poll::Pending;
                    }
                    self.timer = None;
                }
                Look::Change(pending) => {
                    self.timer = None;
                    let merged = pending.count;
                    let step = pending.net();
                    if merged > 1 && !step.touched.iter().any(|path| self.mailbox.patterns.matches(path)) {
                        count(&self.journal.counters.undone);
                        continue;
                    }
                    let missed = self.mailbox.take_missed();
                    let patterns = Arc::clone(&self.mailbox.patterns);
                    return Poll::Ready(Some(Change { step, patterns, merged, missed }));
                }
            }
        }
    }

    fn poll_timer(&mut self, at: Timestamp, ctx: &mut Context<'_>) -> Poll<()> {
        let at = self.clock.instant(at);
        let timer = self.timer.get_or_insert_with(|| {
            // A stream may be polled outside of the runtime.
            let _inside = self.runtime.enter();
            Box::pin(sleep_until(at))
        });
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer.as_mut().poll(ctx)
    }
}

/// The changes of a subscription one by one, as a stream. Dropping it unsubscribes.
///
/// It ends when notification shuts down, after what waits has been given out.
pub struct Changes<T> {
    pub(super) inbox: Inbox<T>,
    pub(super) _subscription: Subscription,
}

impl<T: Compare> Changes<T> {
    /// The next change; none when there will be no more. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change<T>> {
        poll_fn(|ctx| self.poll(ctx)).await
    }

    fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Change<T>>> {
        let polled = self.inbox.poll_next(ctx);
        if matches!(polled, Poll::Ready(Some(_))) {
            count(&self.inbox.journal.counters.delivered);
        }
        polled
    }
}

impl<T: Compare> Stream for Changes<T> {
    type Item = Change<T>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(ctx)
    }
}

impl<T> fmt::Debug for Changes<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("subscriber", &self.inbox.mailbox.name).finish_non_exhaustive()
    }
}
