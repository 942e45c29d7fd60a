//! What a registry shows of what was counted.
//! Must not test the prometheus crate.

use std::time::Duration;

use prometheus::{Registry, TextEncoder};

use super::*;

#[test]
fn a_registry_shows_each_counter_from_the_start_and_what_was_counted() {
    let registry = Registry::new();
    let metrics = PrometheusMetrics::register(&registry).unwrap();
    let text = || TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let has = |line: &str| assert!(text().lines().any(|found| found == line), "{line} in {}", text());
    for outcome in ["applied", "refused", "held", "unchanged"] {
        has(&format!("rekindle_client_reloads_total{{outcome=\"{outcome}\"}} 0"));
    }
    for (counter, by) in [
        (Counter::Applied, 1),
        (Counter::Refused, 2),
        (Counter::Held, 3),
        (Counter::Unchanged, 4),
        (Counter::ChangedPaths, 50),
    ] {
        metrics.count(counter, by);
    }
    metrics.time(Timer::Reload, Duration::from_millis(3));
    for (outcome, count) in [("applied", 1), ("refused", 2), ("held", 3), ("unchanged", 4)] {
        has(&format!("rekindle_client_reloads_total{{outcome=\"{outcome}\"}} {count}"));
    }
    has("rekindle_client_changed_paths_total 50");
    has("rekindle_client_reload_duration_seconds_bucket{le=\"0.0025\"} 0");
    has("rekindle_client_reload_duration_seconds_bucket{le=\"0.005\"} 1");
    has("rekindle_client_reload_duration_seconds_count 1");
    assert!(PrometheusMetrics::register(&registry).is_err(), "twice in one registry");
}
