//! Runs what a subscriber does, so that neither a panic nor a delay gets out.
//! Must not know what it does.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::options::Outcome;
use super::report::Trouble;

/// Drives a future to its end, its panic, or its time limit.
pub(super) async fn guarded<F>(future: F, limit: Duration) -> Result<(), Trouble>
where
    F: Future,
    F::Output: Outcome,
{
    let mut future = pin!(future);
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(|ctx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(ctx))) {
        Err(_) => Poll::Ready(Err(Trouble::Panicked)),
        Ok(Poll::Ready(answer)) => Poll::Ready(answer.outcome().map_err(Trouble::Refused)),
        // Most are ready at once; only who is not costs a timer.
        Ok(Poll::Pending) => {
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(limit)));
            timer.as_mut().poll(ctx).map(|()| Err(Trouble::Late(limit)))
        }
    })
    .await
}
