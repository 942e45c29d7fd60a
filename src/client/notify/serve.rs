//! The task of one subscriber: one change after the other, repeated after a failure.
//! Must not know of other subscribers.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::retry::seed_of;
use rekindle_core::subscribe::Persistence;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::change::{Change, Compare};
use super::guard::guarded;
use super::inbox::Inbox;
use super::options::{Failure, Outcome};
use super::report::{Report, count};

#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) timeout: Duration,
    pub(super) persistence: Persistence,
}

pub(super) async fn run<T, F, Answer>(mut inbox: Inbox<T>, handler: F, terms: Terms)
where
    T: Compare,
    F: Fn(&Change<T>) -> Answer,
    Answer: Future<Output: Outcome>,
{
    let seed = seed_of([inbox.mailbox.name.as_bytes()]);
    while let Some(change) = inbox.next().await {
        let mut failures = 0;
        loop {
            let Err(trouble) = guarded(async { handler(&change).await }, terms.timeout).await else {
                count(&inbox.journal.counters.delivered);
                break;
            };
            failures += 1;
            let again = terms.persistence.pause(failures, seed);
            count(&inbox.journal.counters.failures);
            inbox.journal.tell(&Report::Failed { subscriber: Arc::clone(&inbox.mailbox.name), trouble, again });
            match again {
                Some(pause) => sleep(pause).await,
                None => {
                    count(&inbox.journal.counters.given_up);
                    break;
                }
            }
        }
    }
}

type Call = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// Runs a function on threads that may block, one call at a time also when one outlives its time limit.
pub(super) fn on_threads<T, F, Answer>(
    callback: F,
    runtime: Handle,
) -> impl Fn(&Change<T>) -> Call + Send + Sync + 'static
where
    T: Compare,
    F: Fn(&Change<T>) -> Answer + Send + Sync + 'static,
    Answer: Outcome,
{
    let callback = Arc::new(callback);
    let one = Arc::new(Semaphore::new(1));
    move |change| {
        let (callback, one, change, runtime) =
            (Arc::clone(&callback), Arc::clone(&one), change.clone(), runtime.clone());
        Box::pin(async move {
            let permit = one.acquire_owned().await;
            let call = runtime.spawn_blocking(move || {
                let _until_the_end = permit;
                callback(&change).outcome()
            });
            match call.await {
                Ok(outcome) => outcome,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(_) => Err(Failure::new("the runtime shuts down")),
                },
            }
        })
    }
}
