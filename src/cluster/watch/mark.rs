//! How far a watch has told, as the highest resource version that reached the sink.
//! Must not know what was told.
//!
//! Assumption: resource versions of one kind are numbers that rise with every write, and a watch tells of them in their
//! order (Kubernetes API concepts, "Resource versions").

use std::sync::Arc;

use rekindle_core::ids::Namespace;
use tokio::sync::watch;

/// One watch's mark; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Mark(Arc<watch::Sender<u64>>);

/// The marks of one kind, one for each place that is watched; none stands for all namespaces.
pub(super) type Marks = Vec<(Option<Namespace>, Mark)>;

/// What is no number is reached by every mark.
pub(super) fn number(resource_version: Option<&str>) -> u64 {
    resource_version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

impl Mark {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }

    /// The sink was told of this.
    pub(super) fn reach(&self, resource_version: Option<&str>) {
        let reached = number(resource_version);
        self.0.send_if_modified(|mark| {
            let further = reached > *mark;
            *mark = reached.max(*mark);
            further
        });
    }

    /// Waits until the sink was told of this.
    pub(super) async fn reached(&self, resource_version: u64) {
        // The sender is held here, so the channel cannot close.
        let _ = self.0.subscribe().wait_for(|mark| *mark >= resource_version).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mark_only_rises_and_whoever_waits_is_woken() {
        let mark = Mark::new();
        mark.reach(Some("7"));
        mark.reach(Some("3"));
        mark.reach(Some("no number"));
        mark.reached(7).await;
        let waiting = tokio::spawn({
            let mark = mark.clone();
            async move { mark.reached(8).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        mark.reach(Some("12"));
        waiting.await.unwrap();
    }
}
