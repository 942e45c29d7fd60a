//! Notification from outside: what subscribers see, driven by changes of a small tree. Time is paused wherever it
//! matters, so that a test sees a wait as time that passed.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_core::Stream;
use rekindle_core::subscribe::Pattern;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::yield_now;

use super::*;

mod ending;
mod failing;
mod full;
mod stress;
mod telling;
mod vetoing;

fn options(name: &str, patterns: &str) -> Options {
    Options::new(name, patterns).unwrap()
}

/// A notifier, the current tree, and all reports.
struct World {
    notifier: Notifier<Value>,
    current: Arc<Value>,
    reports: Arc<Mutex<Vec<Report>>>,
}

impl World {
    fn new() -> Self {
        let reports = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let reports = Arc::clone(&reports);
            move |report: &Report| reports.lock().unwrap().push(report.clone())
        };
        let current = Arc::new(json!({"a": 0, "b": 0, "c": {"d": 0}}));
        Self { notifier: Notifier::with_reports(listener), current, reports }
    }

    fn with(&self, key: &str, value: i64) -> Arc<Value> {
        let mut new = (*self.current).clone();
        new[key] = value.into();
        Arc::new(new)
    }

    async fn set(&mut self, key: &str, value: i64) -> Published {
        let new = self.with(key, value);
        let old = std::mem::replace(&mut self.current, Arc::clone(&new));
        self.notifier.publish(old, new).await.unwrap()
    }

    fn reports(&self) -> Vec<Report> {
        self.reports.lock().unwrap().clone()
    }
}

/// Lets every task run until all wait; time does not pass.
async fn settle() {
    for _ in 0..200 {
        yield_now().await;
    }
}

fn paths(change: &Change<Value>) -> Vec<String> {
    change.touched().map(ToString::to_string).collect()
}

/// What a change leads from and to at `a`.
fn at_a(change: &Change<Value>) -> (i64, i64) {
    (change.before()["a"].as_i64().unwrap(), change.after()["a"].as_i64().unwrap())
}
