//! The same in a registry of the prometheus crate. The only place of the library that names that crate.
//! Must not serve anything: the program does.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

use super::{Counter, Metrics, Timer};

/// Upper bounds of the histogram, in seconds: around the 100 ms that a reload may take, and up to the deadline of
/// checks.
const BUCKETS: [f64; 11] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// Counts into a registry:
///
/// | name | kind | |
/// |---|---|---|
/// | `rekindle_client_reloads_total{outcome}` | counter | contents by how they ended: `applied`, `refused`, `held`, `unchanged` |
/// | `rekindle_client_changed_paths_total` | counter | paths that differed, over all reloads |
/// | `rekindle_client_reload_duration_seconds` | histogram | from contents to everybody told, of those that came to run |
#[derive(Debug, Clone)]
pub struct PrometheusMetrics {
    applied: IntCounter,
    refused: IntCounter,
    held: IntCounter,
    unchanged: IntCounter,
    changed_paths: IntCounter,
    reload: Histogram,
}

impl PrometheusMetrics {
    /// Enters them at zero.
    ///
    /// # Errors
    /// The registry has one of these names already.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let reloads = IntCounterVec::new(
            Opts::new("rekindle_client_reloads_total", "Contents of a configuration by how they ended."),
            &["outcome"],
        )?;
        let changed_paths =
            IntCounter::new("rekindle_client_changed_paths_total", "Paths that differed, over all reloads.")?;
        let reload = Histogram::with_opts(
            HistogramOpts::new(
                "rekindle_client_reload_duration_seconds",
                "Time from when contents were there until they ran and everybody was told.",
            )
            .buckets(BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(reloads.clone()))?;
        registry.register(Box::new(changed_paths.clone()))?;
        registry.register(Box::new(reload.clone()))?;
        let outcome = |word| reloads.with_label_values(&[word]);
        let (applied, refused) = (outcome("applied"), outcome("refused"));
        Ok(Self { applied, refused, held: outcome("held"), unchanged: outcome("unchanged"), changed_paths, reload })
    }
}

impl Metrics for PrometheusMetrics {
    fn count(&self, counter: Counter, by: u64) {
        let counter = match counter {
            Counter::Applied => &self.applied,
            Counter::Refused => &self.refused,
            Counter::Held => &self.held,
            Counter::Unchanged => &self.unchanged,
            Counter::ChangedPaths => &self.changed_paths,
        };
        counter.inc_by(by);
    }

    fn time(&self, timer: Timer, took: Duration) {
        match timer {
            Timer::Reload => self.reload.observe(took.as_secs_f64()),
        }
    }
}
