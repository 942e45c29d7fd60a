//! The numbers of a provider that reloads, after edits of real files.
//! Must not judge how long anything takes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::engine::Stats;
use crate::metrics::{Counter, Metrics, Timer};
use crate::notify::Options;

#[derive(Default)]
struct Counted {
    counts: Mutex<BTreeMap<Counter, u64>>,
    times: Mutex<Vec<Duration>>,
}

impl Metrics for Counted {
    fn count(&self, counter: Counter, by: u64) {
        *self.counts.lock().unwrap().entry(counter).or_default() += by;
        if counter == Counter::Refused {
            panic!("the counter is full");
        }
    }

    fn time(&self, timer: Timer, took: Duration) {
        assert_eq!(timer, Timer::Reload);
        self.times.lock().unwrap().push(took);
    }
}

#[tokio::test]
async fn the_numbers_are_those_of_what_happened_and_are_counted_for_the_program_too() {
    let directory = directory(&[("app.yaml", "pool: 5\nmode: slow")]);
    let never = Duration::from_secs(3600);
    let watch = crate::watch::Settings { events: false, poll: never, poll_without_events: never, ..Default::default() };
    let counted = Arc::new(Counted::default());
    let builder = HotReloadProvider::builder(settings(&directory, &[]).check_type::<u8>("pool"));
    let provider = builder.watch(watch).metrics(counted.clone()).start().unwrap();
    provider.statuses().wait_for(|status| status.unchanged == 1).await.unwrap();
    let before = provider.stats();
    assert_eq!((before.unchanged, before.reloads, before.durations.count), (1, 0, 0));

    let mut changes = provider.notifier().unwrap().stream(Options::new("test", "*").unwrap());
    for content in ["pool: 6\nmode: fast", "pool: 7\nmode: fast", "pool: 7\nmode: fast # yes", "pool: [", "pool: many"]
    {
        fs::write(directory.path().join("app.yaml"), content).unwrap();
        provider.reload_now().await.unwrap();
    }
    provider.safeguard().stop("by hand");
    fs::write(directory.path().join("app.yaml"), "pool: 8").unwrap();
    provider.reload_now().await.unwrap();
    let Stats { reloads, failures, held, unchanged, changes: paths, durations, notifications, .. } = provider.stats();
    assert_eq!((reloads, failures, held, unchanged, paths), (2, 2, 1, 2, 3));
    assert_eq!((notifications.published, notifications.waiting, notifications.delivered), (2, 2, 0));
    assert!(durations.count == 2 && durations.p50 > Some(Duration::ZERO) && durations.p50 <= durations.p99);
    changes.next().await.unwrap();
    changes.next().await.unwrap();
    assert_eq!(provider.stats().notifications.waiting, 0);

    let counts = BTreeMap::from([
        (Counter::Applied, reloads),
        (Counter::Refused, failures),
        (Counter::Held, held),
        (Counter::Unchanged, unchanged),
        (Counter::ChangedPaths, paths),
    ]);
    assert_eq!(*counted.counts.lock().unwrap(), counts);
    assert_eq!(counted.times.lock().unwrap().iter().max().copied(), durations.p99);
}

#[cfg(feature = "versions")]
#[tokio::test]
async fn the_memory_of_versions_grows_with_them() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let provider = HotReloadProvider::builder(settings(&directory, &[])).start().unwrap();
    let before = provider.stats().versions_memory;
    fs::write(directory.path().join("app.yaml"), "pool: 6").unwrap();
    provider.statuses().wait_for(|status| status.applied == 1).await.unwrap();
    assert!(before > 0 && provider.stats().versions_memory > before);
}
