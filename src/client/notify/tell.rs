//! Hands a change to the queue of each subscriber that it touches.
//! Must not know what subscribers do with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::change::{Compare, Step};
use super::mailbox::{Mailbox, Offered};
use super::report::{Report, count};
use super::{Notifier, Prepared, Shared, Vetoed};

/// What became of a published change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Published {
    /// So many paths differ; none when the two snapshots are the same, and then nobody is told.
    pub touched: usize,
    /// So many subscribers will be told, some of them merged with what waits.
    pub told: usize,
    /// For so many it was dropped.
    pub dropped: usize,
    /// Notification was shut down: nobody is told any more.
    pub closed: bool,
}

impl<T: Compare> Notifier<T> {
    /// Prepares a change and commits it at once, for those who put the new snapshot in place before, or have none.
    ///
    /// # Errors
    /// [`Vetoed`] when one who has a say does not agree; then nobody is told.
    pub async fn publish(&self, old: Arc<T>, new: Arc<T>) -> Result<Published, Vetoed> {
        Ok(self.prepare(old, new).await?.commit().await)
    }

    /// Asks those who have a say. Changes go through one at a time: this waits until the one before is committed or
    /// aborted.
    ///
    /// # Errors
    /// [`Vetoed`] when one does not agree; the others have been told to abort.
    pub async fn prepare(&self, old: Arc<T>, new: Arc<T>) -> Result<Prepared<T>, Vetoed> {
        let turn = Arc::clone(&self.shared.turn).lock_owned().await;
        Prepared::ask(Arc::clone(&self.shared), Arc::new(Step::between(old, new)), turn).await
    }
}

/// Subscribers whose queue is full and for whom the publisher waits. If it is dropped while it does, the change is
/// merged for them: nothing is lost by a caller that hangs up.
struct Owed<'step, T: Compare> {
    shared: &'step Shared<T>,
    step: &'step Arc<Step<T>>,
    mailboxes: Vec<(Arc<Mailbox<T>>, Duration)>,
}

impl<T: Compare> Drop for Owed<'_, T> {
    fn drop(&mut self) {
        for (mailbox, _) in self.mailboxes.drain(..) {
            self.shared.offer(&mailbox, self.step, true);
        }
    }
}

impl<T: Compare> Shared<T> {
    /// Nobody else may call it at the same time; whoever does holds the turn.
    pub(super) async fn tell(&self, step: &Arc<Step<T>>) -> Published {
        let mut published = Published { touched: step.touched.len(), ..Published::default() };
        let mut owed = Owed { shared: self, step, mailboxes: Vec::new() };
        {
            let registry = self.registry();
            if registry.closed {
                return Published { closed: true, ..published };
            }
            // Not under the lock: what is woken may subscribe or leave at once.
            let members = registry.subscribers_of(&step.touched);
            drop(registry);
            for member in members {
                match self.offer(&member.mailbox, step, false) {
                    Offered::Taken | Offered::Merged => published.told += 1,
                    Offered::Dropped => published.dropped += 1,
                    Offered::Full(at_most) => owed.mailboxes.push((member.mailbox, at_most)),
                    Offered::Gone => {}
                }
            }
        }
        count(&self.journal.counters.published);
        if owed.mailboxes.is_empty() {
            return published;
        }
        let start = Instant::now();
        while let Some((mailbox, at_most)) = owed.mailboxes.first().cloned() {
            let room = self.wait_for_room(&mailbox, step, start + at_most).await;
            owed.mailboxes.remove(0);
            if !room {
                self.journal.tell(&Report::Blocked { subscriber: Arc::clone(&mailbox.name), waited: at_most });
                self.offer(&mailbox, step, true);
            }
            published.told += 1;
        }
        published
    }

    /// True once it was taken in, or nobody reads it any more.
    async fn wait_for_room(&self, mailbox: &Arc<Mailbox<T>>, step: &Arc<Step<T>>, deadline: Instant) -> bool {
        let taken = async {
            while matches!(self.offer(mailbox, step, false), Offered::Full(_)) {
                mailbox.room.notified().await;
            }
        };
        timeout_at(deadline, taken).await.is_ok()
    }

    fn offer(&self, mailbox: &Mailbox<T>, step: &Arc<Step<T>>, forced: bool) -> Offered {
        let offered = mailbox.offer(step, || self.clock.now(), forced);
        match offered {
            Offered::Merged => count(&self.journal.counters.merged),
            Offered::Dropped => {
                count(&self.journal.counters.dropped);
                self.journal.tell(&Report::Dropped { subscriber: Arc::clone(&mailbox.name) });
            }
            Offered::Taken | Offered::Full(_) | Offered::Gone => {}
        }
        offered
    }
}
