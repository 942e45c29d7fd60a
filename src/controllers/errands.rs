//! Small writes and reads that belong to no worker: each is tried until it succeeds, is hopeless, or is out of date.
//! Must not know what an errand is about.

use std::collections::BTreeMap;

use rekindle_core::ids::{Namespace, ObjectName};
use rekindle_core::retry;
use tokio::task::{AbortHandle, JoinSet};

use crate::ports::ClusterError;

/// What an errand is about: a newer one about the same takes its place.
pub(super) type About = (&'static str, Namespace, ObjectName);

/// The errands under way: never more than one for each thing that they are about.
#[derive(Debug, Default)]
pub(super) struct Errands {
    tasks: JoinSet<()>,
    latest: BTreeMap<About, AbortHandle>,
}

impl Errands {
    /// Does something behind the caller's back, and again with growing pauses while it may succeed later.
    pub(super) fn run<F, Made>(&mut self, about: About, make: F)
    where
        F: Fn() -> Made + Send + 'static,
        Made: Future<Output = Result<(), ClusterError>> + Send,
    {
        let what = about.0;
        let seed = retry::seed_of([what, about.1.as_str(), about.2.as_str()].map(str::as_bytes));
        let task = self.tasks.spawn(async move {
            let mut attempts: u32 = 0;
            while let Err(error) = make().await {
                attempts = attempts.saturating_add(1);
                let hopeless = matches!(error, ClusterError::Refused { .. } | ClusterError::Missing { .. });
                tracing::warn!(error = %error, errand = what, attempts, "an errand failed");
                if hopeless {
                    break;
                }
                tokio::time::sleep(retry::RECORD.pause(attempts, seed)).await;
            }
        });
        if let Some(before) = self.latest.insert(about, task) {
            before.abort();
        }
    }

    /// Ends an errand that nobody wants any more.
    pub(super) fn cancel(&mut self, about: &About) {
        if let Some(task) = self.latest.remove(about) {
            task.abort();
        }
    }

    /// Ends them all, and waits until they have ended.
    pub(super) async fn shutdown(&mut self) {
        self.latest.clear();
        self.tasks.shutdown().await;
    }

    /// Waits until an errand has ended; for ever when there is none.
    pub(super) async fn ended(&mut self) {
        if self.tasks.join_next().await.is_none() {
            return std::future::pending().await;
        }
        // What has ended is cleared away now and then: each time would be slow where there are many.
        if self.latest.len() > self.tasks.len().saturating_mul(2) {
            self.latest.retain(|_, task| !task.is_finished());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn about(name: &str) -> About {
        ("testing", Namespace::parse("shop").unwrap(), ObjectName::parse(name).unwrap())
    }

    #[tokio::test]
    async fn a_newer_errand_takes_the_place_of_the_one_before_and_nothing_is_left_of_those_that_ended() {
        let mut errands = Errands::default();
        let tries = Arc::new(AtomicUsize::new(0));
        for _ in 0..100 {
            let tries = tries.clone();
            errands.run(about("checkout"), move || {
                tries.fetch_add(1, Ordering::SeqCst);
                async { Err(ClusterError::Unavailable { what: "it".to_owned(), detail: "never".to_owned() }) }
            });
        }
        errands.run(about("other"), || async { Ok(()) });
        for _ in 0..100 {
            errands.ended().await;
        }
        assert_eq!(errands.tasks.len(), 1);
        errands.cancel(&about("checkout"));
        errands.ended().await;
        assert_eq!((errands.tasks.len(), errands.latest.len()), (0, 0));
        assert!(tries.load(Ordering::SeqCst) <= 101);
    }
}
