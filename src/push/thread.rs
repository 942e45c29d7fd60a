//! A thread with an event loop of its own, and futures that run on it on behalf of tasks elsewhere.
//! Must not know what they do.

use std::future::Future;
use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// So many events are taken from the system at once: answers of a thousand targets come in a few bundles.
const EVENTS: usize = 1024;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Thread {
    handle: Handle,
    /// Its end is the thread's.
    _stop: oneshot::Sender<()>,
}

impl Thread {
    /// Starts it; `background` runs on it until it ends.
    pub(super) fn start(name: &str, background: impl Future<Output = ()> + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().max_io_events_per_tick(EVENTS).build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = background => {}
                    // An error: the sender was dropped, which is what is waited for.
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { handle, _stop: stop })
    }

    /// Starts a future on the thread at once. What comes back waits for its end, and ends it when dropped.
    pub(super) fn run<W>(&self, work: W) -> impl Future<Output = ()> + Send + use<W>
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let mut task = Abort(self.handle.spawn(work));
        async move {
            if let Err(error) = (&mut task.0).await
                && error.is_panic()
            {
                // It has nothing to say to anybody else, and must not be hidden.
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

/// Ends its task when it is dropped.
struct Abort(JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}
