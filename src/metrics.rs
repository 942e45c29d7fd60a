//! What the operator counts, in the Prometheus text format. The only place that names the prometheus crate.
//! Must not carry names of objects in labels: their number has no bound.

use std::time::Duration;

use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};
use rekindle_core::record::Origin;
use rekindle_core::target::Answer;

/// The operator's counters.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    pushes: IntCounterVec,
    push_duration: Histogram,
    versions: IntCounterVec,
    trips: IntCounter,
    policies: IntGauge,
    api_errors: IntCounter,
    leader: IntGauge,
    leader_changes: IntCounterVec,
}

/// How a replica came to lead or ceased to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaderChange {
    /// It was elected, or there is no election.
    Acquired,
    /// It gave the lead back when it was asked to end.
    Released,
    /// It could not renew it in time, or another took it.
    Lost,
}

impl LeaderChange {
    const ALL: [Self; 3] = [Self::Acquired, Self::Released, Self::Lost];

    fn word(self) -> &'static str {
        match self {
            Self::Acquired => "acquired",
            Self::Released => "released",
            Self::Lost => "lost",
        }
    }
}

impl Metrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// A name or label is not one that Prometheus takes; the tests call this.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let pushes = IntCounterVec::new(
            Opts::new("rekindle_pushes_total", "Pushes to targets by how they ended."),
            &["answer"],
        )?;
        for answer in ["ack", "delivered", "nack", "stale", "failed"] {
            pushes.with_label_values(&[answer]);
        }
        let push_duration = Histogram::with_opts(
            HistogramOpts::new("rekindle_push_duration_seconds", "Time from the first byte of a push to its answer.")
                .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]),
        )?;
        let versions = IntCounterVec::new(
            Opts::new("rekindle_versions_recorded_total", "Versions recorded by what they came from."),
            &["origin"],
        )?;
        for origin in ["edit", "file", "rollback", "revert"] {
            versions.with_label_values(&[origin]);
        }
        let trips = IntCounter::new("rekindle_trips_total", "Versions that tripped the breaker.")?;
        let policies = IntGauge::new("rekindle_policies", "Policies that are worked for.")?;
        let api_errors = IntCounter::new("rekindle_api_errors_total", "Requests to the API server that failed.")?;
        let leader = IntGauge::new("rekindle_leader", "1 while this replica leads, else 0.")?;
        let leader_changes = IntCounterVec::new(
            Opts::new("rekindle_leader_changes_total", "How often this replica came to lead or ceased to, by how."),
            &["change"],
        )?;
        for change in LeaderChange::ALL {
            leader_changes.with_label_values(&[change.word()]);
        }
        registry.register(Box::new(leader.clone()))?;
        registry.register(Box::new(leader_changes.clone()))?;
        registry.register(Box::new(pushes.clone()))?;
        registry.register(Box::new(push_duration.clone()))?;
        registry.register(Box::new(versions.clone()))?;
        registry.register(Box::new(trips.clone()))?;
        registry.register(Box::new(policies.clone()))?;
        registry.register(Box::new(api_errors.clone()))?;
        Ok(Self { registry, pushes, push_duration, versions, trips, policies, api_errors, leader, leader_changes })
    }

    /// A push ended.
    pub fn pushed(&self, answer: &Answer, took: Duration) {
        let word = match answer {
            Answer::Ack => "ack",
            Answer::Delivered => "delivered",
            Answer::Nack { .. } => "nack",
            Answer::Stale { .. } => "stale",
            Answer::Failed { .. } => "failed",
        };
        self.pushes.with_label_values(&[word]).inc();
        self.push_duration.observe(took.as_secs_f64());
    }

    /// A version was recorded.
    pub fn recorded(&self, origin: &Origin) {
        let word = match origin {
            Origin::Edit(_) => "edit",
            Origin::File(_) => "file",
            Origin::Rollback { .. } => "rollback",
            Origin::Revert { .. } => "revert",
        };
        self.versions.with_label_values(&[word]).inc();
    }

    /// A version tripped.
    pub fn tripped(&self) {
        self.trips.inc();
    }

    /// So many policies are worked for.
    pub fn policies(&self, count: usize) {
        self.policies.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// This replica leads from now on, or does not any more.
    pub fn leads(&self, change: LeaderChange) {
        self.leader_changes.with_label_values(&[change.word()]).inc();
        self.leader.set(i64::from(change == LeaderChange::Acquired));
    }

    /// A request to the API server failed.
    pub fn api_error(&self) {
        self.api_errors.inc();
    }

    /// Everything in the text format.
    ///
    /// # Errors
    /// The counters cannot be encoded, which nothing seen so far leads to.
    pub fn render(&self) -> Result<Vec<u8>, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_that_prometheus_takes_and_series_begin_at_zero() -> Result<(), Box<dyn std::error::Error>> {
        let metrics = Metrics::new()?;
        metrics.pushed(&Answer::Ack, Duration::from_millis(3));
        metrics.recorded(&Origin::Edit(Vec::new()));
        metrics.tripped();
        metrics.policies(2);
        metrics.api_error();
        metrics.leads(LeaderChange::Acquired);
        let text = String::from_utf8(metrics.render()?)?;
        for line in [
            "rekindle_pushes_total{answer=\"ack\"} 1",
            "rekindle_pushes_total{answer=\"nack\"} 0",
            "rekindle_versions_recorded_total{origin=\"edit\"} 1",
            "rekindle_trips_total 1",
            "rekindle_policies 2",
            "rekindle_api_errors_total 1",
            "rekindle_leader 1",
            "rekindle_leader_changes_total{change=\"acquired\"} 1",
            "rekindle_leader_changes_total{change=\"lost\"} 0",
            "rekindle_push_duration_seconds_count 1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        Ok(())
    }
}
