//! Tells what became of contents: who counts, the log, and then the status.
//! Must not know what they were.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rekindle_core::finding::Finding;
use rekindle_core::ids::VersionNumber;
use tokio::sync::watch;

use super::stats::Meter;
use super::{Listener, Outcome, Status};

/// Clones tell the same.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) status: watch::Sender<Status>,
    pub(super) listener: Option<Listener>,
    pub(super) meter: Arc<Meter>,
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Teller").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Teller {
    pub(super) fn end(&self, outcome: &Outcome, warnings: &[Finding]) {
        self.meter.ended(outcome);
        // Before the status, so that whoever waits for that finds the log written.
        if let Some(listener) = &self.listener {
            let _a_panic_of_the_listener_is_its_own = catch_unwind(AssertUnwindSafe(|| listener(outcome)));
        }
        self.status.send_modify(|status| status.follow(outcome, warnings));
    }

    /// Why what runs could not be kept, if it could not.
    pub(super) fn kept(&self, unkept: Option<String>) {
        #[cfg(feature = "versions")]
        self.status.send_modify(|status| status.unkept = unkept);
        #[cfg(not(feature = "versions"))]
        let _nothing_is_kept = unkept;
    }

    /// A version of the operator was taken.
    pub(super) fn pushed(&self, version: VersionNumber) {
        self.status.send_modify(|status| status.pushed = Some(version));
    }
}
