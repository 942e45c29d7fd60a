//! What a program may count of its reloads: a small trait, for whichever library it counts with.
//! Must not know who counts, nor names of documents or paths: the number of labels is bounded.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use rekindle_client::metrics::{Counter, Metrics, Timer};
//!
//! #[derive(Default)]
//! struct Mine {
//!     applied: AtomicU64,
//! }
//!
//! impl Metrics for Mine {
//!     fn count(&self, counter: Counter, by: u64) {
//!         if counter == Counter::Applied {
//!             self.applied.fetch_add(by, Ordering::Relaxed);
//!         }
//!     }
//!
//!     fn time(&self, _: Timer, _: Duration) {}
//! }
//!
//! let mine = Arc::new(Mine::default());
//! mine.count(Counter::Applied, 1);
//! assert_eq!(mine.applied.load(Ordering::Relaxed), 1);
//! ```

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "metrics")]
mod exported;
#[cfg(all(test, feature = "metrics"))]
mod tests;

#[cfg(feature = "metrics")]
pub use exported::PrometheusMetrics;

/// Takes what is counted. It is called in between other work, from any thread: it must be quick and must not call the
/// provider; a panic of it is ignored.
pub trait Metrics: Send + Sync + 'static {
    /// Adds to a counter; never zero.
    fn count(&self, counter: Counter, by: u64);

    /// Notes how long something took, for a histogram.
    fn time(&self, timer: Timer, took: Duration);
}

impl<M: Metrics + ?Sized> Metrics for Arc<M> {
    fn count(&self, counter: Counter, by: u64) {
        self.as_ref().count(counter, by);
    }

    fn time(&self, timer: Timer, took: Duration) {
        self.as_ref().time(timer, took);
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Counter {
    /// Contents that came to run, rollbacks among them.
    Applied,
    /// Contents that were refused: they cannot be read, a check refuses them, or somebody vetoed them.
    Refused,
    /// Contents that may run and were held.
    Held,
    /// Contents that meant what ran already.
    Unchanged,
    /// Paths that differed, summed over everything that came to run.
    ChangedPaths,
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// From when contents were there until they ran, everybody was told and they were kept; waiting for their turn is
    /// part of it. Only of those that came to run.
    Reload,
}
