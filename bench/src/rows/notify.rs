//! How long a change in a program takes to its subscribers, against a bare tokio watch channel.
//! Both run in one runtime of two threads, change by change in turn, and do the same in a callback: note the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rekindle_client::notify::{Notifier, Options, Subscription};
use rekindle_client::store::{Snapshot, Store};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, watch};

use crate::report::Row;
use crate::stats::Samples;

/// So many keys the tree has, of which one changes.
const KEYS: usize = 100;
const GOAL: f64 = 2.0;
/// Microseconds.
const LIMIT: f64 = 10_000.0;

/// Changes a tree so often, with so many subscribers of whom each is told of each change.
///
/// # Errors
/// When the runtime cannot be made or a change is not taken.
pub fn measure(subscribers: usize, changes: usize) -> Result<Row> {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_time().build().context("making a runtime")?;
    let (measured, floor) = alternate(&runtime, subscribers, changes)?;
    let name = format!("change to callback, {subscribers} subscriber{}", if subscribers == 1 { "" } else { "s" });
    let goal = format!("p50 <= {GOAL:.2} x a watch channel, p99 <= {LIMIT:.0} µs");
    Ok(Row { unit: "µs", goal, ..Row::against_floor(name, &measured, &floor, GOAL, LIMIT) })
}

fn alternate(runtime: &Runtime, subscribers: usize, changes: usize) -> Result<(Samples, Samples)> {
    let (mut measured, mut floor) = (Samples::default(), Samples::default());
    runtime.block_on(async {
        // Inside a task, so that whoever publishes is one of the runtime's threads in both cases.
        tokio::spawn(async move {
            let mut told = Ours::new(subscribers)?;
            let watched = Bare::new(subscribers);
            for change in 0..changes + WARM_UP {
                let took = [told.change(change).await?, watched.change(change).await?];
                if change >= WARM_UP {
                    let [ours, bare] = took;
                    ours.iter().for_each(|took| measured.add_value(took.as_secs_f64() * 1e6));
                    bare.iter().for_each(|took| floor.add_value(took.as_secs_f64() * 1e6));
                }
            }
            Ok((measured, floor))
        })
        .await
        .context("measuring")?
    })
}

/// So many changes of each are not counted.
const WARM_UP: usize = 20;

/// Where callbacks note when they were called.
struct Marks {
    start: Instant,
    nanos: Vec<AtomicU64>,
    missing: AtomicUsize,
    complete: Notify,
}

impl Marks {
    fn new(subscribers: usize) -> Arc<Self> {
        let nanos = (0..subscribers).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self { start: Instant::now(), nanos, missing: AtomicUsize::new(0), complete: Notify::new() })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn note(&self, subscriber: usize) {
        if let Some(mark) = self.nanos.get(subscriber) {
            mark.store(self.now(), SeqCst);
        }
        if self.missing.fetch_sub(1, SeqCst) == 1 {
            self.complete.notify_one();
        }
    }

    fn begin(&self) -> u64 {
        self.missing.store(self.nanos.len(), SeqCst);
        self.now()
    }

    /// Waits until all were called; how long each took.
    async fn end(&self, start: u64) -> Vec<Duration> {
        self.complete.notified().await;
        self.nanos.iter().map(|mark| Duration::from_nanos(mark.load(SeqCst).saturating_sub(start))).collect()
    }
}

struct Ours {
    marks: Arc<Marks>,
    store: Store,
    notifier: Notifier<Snapshot>,
    _subscriptions: Vec<Subscription>,
}

impl Ours {
    fn new(subscribers: usize) -> Result<Self> {
        let keys: Map<String, Value> = (0..KEYS).map(|key| (format!("key{key}"), json!(0))).collect();
        let (marks, notifier) = (Marks::new(subscribers), Notifier::new());
        let subscriptions = (0..subscribers).map(|subscriber| {
            let marks = Arc::clone(&marks);
            let options = Options::new("bench", "database.**")?;
            Ok(notifier.on_change(options, move |_| marks.note(subscriber)))
        });
        let _subscriptions = subscriptions.collect::<Result<_>>()?;
        Ok(Self { marks, store: Store::of_tree(&json!({ "database": keys })), notifier, _subscriptions })
    }

    async fn change(&mut self, value: usize) -> Result<Vec<Duration>> {
        let old = self.store.load();
        let new = self.store.update(|edit| edit.set("database.key50", &json!(value + 1)))?;
        let start = self.marks.begin();
        self.notifier.publish(old, new).await?;
        Ok(self.marks.end(start).await)
    }
}

struct Bare {
    marks: Arc<Marks>,
    sender: watch::Sender<usize>,
}

impl Bare {
    fn new(subscribers: usize) -> Self {
        let (marks, sender) = (Marks::new(subscribers), watch::Sender::new(0));
        for subscriber in 0..subscribers {
            let (marks, mut receiver) = (Arc::clone(&marks), sender.subscribe());
            tokio::spawn(async move {
                while receiver.changed().await.is_ok() {
                    let _value = *receiver.borrow_and_update();
                    marks.note(subscriber);
                }
            });
        }
        Self { marks, sender }
    }

    async fn change(&self, value: usize) -> Result<Vec<Duration>> {
        let start = self.marks.begin();
        self.sender.send(value).context("nobody receives")?;
        Ok(self.marks.end(start).await)
    }
}
