//! The handle of a subscription.
//! Must not know what it stands for.

use std::fmt;

/// A subscription; dropping it ends it.
///
/// After the drop no new call begins; one that is under way ends at its next await, and what waits is thrown away.
#[must_use = "dropping it unsubscribes; `detach` keeps it for good"]
pub struct Subscription {
    leave: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Subscription {
    pub(super) fn new(leave: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { leave: Some(Box::new(leave)) }
    }

    /// Keeps the subscription for as long as the notifier lives.
    pub fn detach(mut self) {
        self.leave = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(leave) = self.leave.take() {
            leave();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
