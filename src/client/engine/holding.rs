//! What holds reloads, as the status shows it, and who goes on when nothing holds them any more.
//! Must not decide whether they are held: `safety` does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, watch};

use super::Status;
use crate::safety::{Event, Safeguard, Settings};

/// Told when something begins or ceases to hold reloads, for a log.
pub(crate) type HoldListener = Arc<dyn Fn(&Event) + Send + Sync>;

/// The safeguard of one engine, and whether contents wait for it.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) safeguard: Safeguard,
    /// What the sources hold waits until nothing holds reloads.
    waits: AtomicBool,
    /// Something holds reloads, so that somebody is to look for its end.
    begun: Arc<Notify>,
}

impl Holding {
    pub(super) fn new(settings: Settings, status: watch::Sender<Status>, listener: Option<HoldListener>) -> Self {
        let begun = Arc::new(Notify::new());
        let bell = begun.clone();
        let safeguard = Safeguard::new(settings, move |event| {
            // Before the status, so that whoever waits for that finds the log written.
            if let Some(listener) = &listener {
                let _a_panic_of_the_listener_is_its_own = catch_unwind(AssertUnwindSafe(|| listener(event)));
            }
            status.send_modify(|status| show(event, status));
            if let Event::Began(_) = event {
                bell.notify_one();
            }
        });
        Self { safeguard, waits: AtomicBool::new(false), begun }
    }

    /// Notes whether contents of the files wait.
    pub(super) fn note(&self, waits: bool) {
        self.waits.store(waits, Ordering::SeqCst);
        if waits {
            self.begun.notify_one();
        }
    }

    /// Waits until reloads were held and are not any more; says whether contents waited for that.
    pub(super) async fn released(&self) -> bool {
        self.begun.notified().await;
        self.safeguard.released().await;
        self.waits.swap(false, Ordering::SeqCst)
    }
}

fn show(event: &Event, status: &mut Status) {
    match event {
        Event::Began(hold) => status.holds.push(hold.why.clone()),
        Event::Ended(ended) => status.holds.retain(|why| why != ended),
    }
}
