//! Whether this replica leads, as everybody sees it who acts on its behalf: an epoch, and a time at which it is over
//! unless it is prolonged.
//! Must not know how a leader is found; it ends by itself, even when nobody who could prolong it gets to run.

use std::future::pending;

use rekindle_core::ids::Epoch;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// One time in office. Clones speak of the same one.
#[derive(Debug, Clone)]
pub struct Leadership {
    epoch: Epoch,
    /// None when there is no election, so that it is never over.
    until: Option<watch::Receiver<Instant>>,
}

/// The other end of a [`Leadership`]: whoever holds it says how long it lasts. Dropping it ends nothing before its time.
#[derive(Debug)]
pub struct Tenure(watch::Sender<Instant>);

impl Leadership {
    /// Of a replica that has no rivals: it is never over.
    #[must_use]
    pub fn sole(epoch: Epoch) -> Self {
        Self { epoch, until: None }
    }

    /// Until this moment, unless it is prolonged.
    #[must_use]
    pub fn until(epoch: Epoch, end: Instant) -> (Self, Tenure) {
        let (sender, receiver) = watch::channel(end);
        (Self { epoch, until: Some(receiver) }, Tenure(sender))
    }

    /// Of a replica that does not lead: it is over already.
    #[must_use]
    pub fn none() -> Self {
        Self::until(Epoch(0), Instant::now()).0
    }

    /// Goes out with every push.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.until.as_ref().is_some_and(|until| *until.borrow() <= Instant::now())
    }

    /// Returns when it is over.
    pub async fn over(&self) {
        let Some(until) = &self.until else { return pending().await };
        let mut until = until.clone();
        loop {
            let end = *until.borrow_and_update();
            if end <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(end) => {}
                changed = until.changed() => if changed.is_err() {
                    // Nobody can prolong it any more.
                    return sleep_until(end).await;
                }
            }
        }
    }
}

impl Tenure {
    /// From now on it is over at this moment.
    pub fn prolong(&self, end: Instant) {
        self.0.send_replace(end);
    }

    /// It is over now.
    pub fn end(self) {
        self.0.send_replace(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[tokio::test]
    async fn it_is_over_at_its_time_though_nobody_says_so() {
        let end = soon();
        let (leadership, tenure) = Leadership::until(Epoch(3), end);
        assert!(!leadership.is_over());
        drop(tenure);
        leadership.over().await;
        assert!(Instant::now() >= end && leadership.is_over());
    }

    #[tokio::test]
    async fn it_lasts_longer_when_it_is_prolonged_while_somebody_waits_for_its_end() {
        let (leadership, tenure) = Leadership::until(Epoch(3), soon());
        let later = soon() + Duration::from_millis(100);
        let waiting = tokio::spawn({
            let leadership = leadership.clone();
            async move {
                leadership.over().await;
                Instant::now()
            }
        });
        tokio::task::yield_now().await;
        tenure.prolong(later);
        assert!(waiting.await.unwrap() >= later);
    }

    #[tokio::test]
    async fn it_can_be_ended_before_its_time() {
        let (leadership, tenure) = Leadership::until(Epoch(3), Instant::now() + Duration::from_secs(3600));
        tenure.end();
        leadership.over().await;
        assert!(leadership.is_over());
        Leadership::none().over().await;
        assert!(!Leadership::sole(Epoch(1)).is_over());
    }
}
