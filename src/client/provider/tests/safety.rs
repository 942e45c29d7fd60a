//! What holds reloads, through the provider and real files: what is held waits, is told, and runs when it may.
//! Must not wait for time: clocks are paused where a hold ends by itself.

use std::sync::Mutex;
use std::time::Duration;

use rekindle_core::retry::Backoff;
use tokio::time::Instant;

use super::*;
use crate::engine::{Outcome, Refusal, Status};
use crate::notify::{Change, Failure, Options, Participant, Subscription};
use crate::safety::{self, Event, FuseRules, Rate, Rules, Why};
use crate::store::Snapshot;

/// Beyond every hold in here, and before any poll of the directory.
const PATIENCE: Duration = Duration::from_secs(1800);

struct World {
    directory: TempDir,
    provider: HotReloadProvider,
    told: Arc<Mutex<Vec<String>>>,
}

fn safety() -> safety::Settings {
    safety::Settings {
        stop_variable: "REKINDLE_TEST_STOP_THAT_NOBODY_SETS".to_owned(),
        look_every: Duration::from_millis(10),
        ..safety::Settings::default()
    }
}

impl World {
    /// With a watch that tells of each edit.
    fn watching(directory: TempDir, safety: safety::Settings) -> Self {
        Self::start(directory, safety, crate::watch::Settings::default())
    }

    /// Files are read when the test says so, and when the safeguard lets go. The first look of the watch is over.
    async fn quiet(safety: safety::Settings) -> Self {
        let never = 2 * PATIENCE;
        let watch =
            crate::watch::Settings { events: false, poll: never, poll_without_events: never, ..Default::default() };
        let world = Self::start(directory(&[("app.yaml", "pool: 5")]), safety, watch);
        world.until(|status| status.unchanged == 1).await;
        world
    }

    fn start(directory: TempDir, safety: safety::Settings, watch: crate::watch::Settings) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = told.clone();
        let builder = HotReloadProvider::builder(settings(&directory, &[]).check_type::<u8>("pool"))
            .watch(watch)
            .safety(safety)
            .on_hold(move |event| {
                log.lock().unwrap().push(match event {
                    Event::Began(hold) => format!("+{}", hold.why.code()),
                    Event::Ended(why) => format!("-{}", why.code()),
                });
                panic!("the log is full");
            });
        let provider = builder.start().unwrap();
        Self { directory, provider, told }
    }

    /// As editors and a careful program do it.
    fn edit(&self, content: &str) {
        let temporary = self.directory.path().join("app.yaml.tmp");
        fs::write(&temporary, content).unwrap();
        fs::rename(temporary, self.directory.path().join("app.yaml")).unwrap();
    }

    async fn edit_and_reload(&self, content: &str) -> Outcome {
        self.edit(content);
        self.provider.reload_now().await.unwrap()
    }

    async fn until(&self, wanted: impl FnMut(&Status) -> bool) -> Status {
        let mut statuses = self.provider.statuses();
        match tokio::time::timeout(PATIENCE, statuses.wait_for(wanted)).await {
            Ok(status) => status.unwrap().clone(),
            Err(_) => panic!("still {:?}", self.provider.status()),
        }
    }

    fn pool(&self) -> u8 {
        self.provider.get("pool").unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// Somebody who takes no pool of 100 or more.
    fn strict(&self) -> Subscription {
        self.provider.notifier().unwrap().participate(Options::new("strict", "pool").unwrap(), Strict)
    }
}

struct Strict;

impl Participant<Snapshot> for Strict {
    async fn prepare(&self, change: Change<Snapshot>) -> Result<(), Failure> {
        match change.after().get::<u8>("pool") {
            Ok(..100) => Ok(()),
            _ => Err(Failure::new("the pool cannot grow that far")),
        }
    }

    async fn commit(&self, _: Change<Snapshot>) {}

    async fn abort(&self, _: Change<Snapshot>) {}
}

fn held(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(Refusal::Held(held)) => held.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_stops_what_is_edited_and_what_was_edited_last_runs_when_it_is_gone() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let stop = directory.path().join("stop");
    let world = World::watching(directory, safety::Settings { stop_file: Some(stop.clone()), ..safety() });
    fs::write(&stop, "latency doubled\nask Kim").unwrap();
    world.edit("pool: 6");
    let status = world.until(|status| status.held == 1).await;
    assert_eq!(status.holds, [Why::StoppedByFile { reason: "latency doubled".to_owned() }]);
    let refusal = status.refusal.unwrap().to_string();
    assert_eq!(refusal, "reloads are held: emergency stop by file: latency doubled");
    world.edit("pool: 7");
    world.until(|status| status.held == 2).await;
    assert_eq!(
        (world.pool(), world.provider.version(), world.told()),
        (5, VersionNumber(1), vec!["+stop_file".into()])
    );

    fs::remove_file(&stop).unwrap();
    let status = world.until(|status| status.applied == 1).await;
    assert_eq!((world.pool(), status.version, status.refusal), (7, VersionNumber(2), None));
    assert_eq!(
        (status.holds, status.refused, world.told()),
        (vec![], 0, vec!["+stop_file".into(), "-stop_file".into()])
    );
}

#[tokio::test]
async fn a_stop_is_shown_before_anything_is_edited_and_nothing_is_heaped_up_behind_it() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let stop = directory.path().join("stop");
    let world = World::watching(directory, safety::Settings { stop_file: Some(stop.clone()), ..safety() });
    world.until(|status| status.unchanged == 1).await;
    fs::write(&stop, "").unwrap();
    assert_eq!(world.provider.status().holds, [Why::StoppedByFile { reason: String::new() }]);
    world.edit("pool: 6");
    world.until(|status| status.held == 1).await;
    world.edit("pool: 5 # after all");
    let status = world.until(|status| status.unchanged == 2).await;
    assert_eq!((status.refusal, status.holds.len()), (None, 1));
    fs::remove_file(&stop).unwrap();
    let status = world.until(|status| status.holds.is_empty()).await;
    assert_eq!((status.applied, status.unchanged, world.pool()), (0, 2, 5), "there was nothing to be read again");
}

#[tokio::test]
async fn a_variable_stops_from_the_start() {
    // Cargo sets it for every test.
    let safety = safety::Settings { stop_variable: "CARGO_PKG_NAME".to_owned(), ..safety() };
    let world = World::watching(directory(&[("app.yaml", "pool: 5")]), safety);
    let reason = "rekindle-client".to_owned();
    assert_eq!(world.provider.statuses().borrow().holds, [Why::StoppedByVariable { reason }]);
    world.edit("pool: 6");
    let status = world.until(|status| status.held == 1).await;
    let refusal = status.refusal.unwrap().to_string();
    assert_eq!(refusal, "reloads are held: emergency stop by variable: rekindle-client");
    assert_eq!((world.pool(), world.told()), (5, vec!["+stop_variable".to_owned()]));
}

#[tokio::test]
async fn a_call_stops_until_it_is_released_and_a_bad_file_is_still_told_as_such() {
    let world = World::watching(directory(&[("app.yaml", "pool: 5")]), safety());
    world.provider.safeguard().stop("by hand");
    world.edit("pool: many");
    world.until(|status| status.refused == 1).await;
    world.edit("pool: 6");
    let status = world.until(|status| status.held == 1).await;
    assert_eq!(status.refusal.unwrap().to_string(), "reloads are held: emergency stop by call: by hand");
    world.provider.safeguard().release();
    let status = world.until(|status| status.applied == 1).await;
    assert_eq!((world.pool(), status.refusal, status.holds), (6, None, vec![]));
    assert_eq!(world.told(), ["+stop_call", "-stop_call"]);
}

#[cfg(feature = "versions")]
#[tokio::test]
async fn harm_can_be_undone_while_all_is_stopped() {
    use crate::versions::{Cause, RollbackTo};

    let world = World::quiet(safety()).await;
    assert!(matches!(world.edit_and_reload("pool: 6").await, Outcome::Applied(_)));
    world.provider.safeguard().stop("latency doubled");
    world.provider.rollback(RollbackTo::Steps(1), Cause::default()).await.unwrap().unwrap();
    assert_eq!((world.pool(), world.provider.status().holds.len()), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn vetoes_open_the_breaker_and_the_edit_that_waits_tries_it() {
    let breaker = FuseRules {
        consecutive_failures: 2,
        open_for: Backoff { first: Duration::from_secs(60), cap: Duration::from_secs(600) },
    };
    let rules = Rules { breaker, ..Rules::default() };
    let world = World::quiet(safety::Settings { rules, ..safety() }).await;
    let _strict = world.strict();
    assert!(matches!(world.edit_and_reload("pool: 100").await, Outcome::Refused(Refusal::Vetoed(_))));
    for bad in ["pool: [", "pool: many", "pool: 6000"] {
        assert!(matches!(world.edit_and_reload(bad).await, Outcome::Refused(Refusal::Findings(_))), "{bad}");
    }
    assert_eq!((world.told(), world.provider.status().refused), (vec![], 4), "what is not valid does not count");

    let start = Instant::now();
    assert!(matches!(world.edit_and_reload("pool: 101").await, Outcome::Refused(Refusal::Vetoed(_))));
    assert_eq!(world.told(), ["+breaker"]);
    let why = "the breaker is open after failed reloads, the last: asking `strict` whether it takes the change";
    let waits = world.edit_and_reload("pool: 7").await;
    assert!(held(&waits).contains(why), "{waits:?}");
    assert!(world.provider.status().holds.iter().any(|hold| hold.to_string().starts_with(why)));
    let status = world.until(|status| status.applied == 1).await;
    assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!((world.pool(), status.refusal), (7, None));
    assert_eq!(world.told(), ["+breaker", "-breaker", "+trial", "-trial"]);
}

#[tokio::test]
async fn whoever_knows_that_the_cause_is_gone_closes_the_breaker() {
    let breaker = FuseRules { consecutive_failures: 1, ..FuseRules::default() };
    let rules = Rules { breaker, ..Rules::default() };
    let world = World::quiet(safety::Settings { rules, ..safety() }).await;
    let strict = world.strict();
    assert!(matches!(world.edit_and_reload("pool: 100").await, Outcome::Refused(Refusal::Vetoed(_))));
    held(&world.edit_and_reload("pool: 101").await);
    drop(strict);
    world.provider.safeguard().close_breaker();
    world.until(|status| status.applied == 1).await;
    assert_eq!((world.pool(), world.told()), (101, vec!["+breaker".to_owned(), "-breaker".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn what_is_above_the_rate_runs_when_it_is_over() {
    let rules = Rules { rate: Rate { reloads: 2, per: Duration::from_secs(60) }, ..Rules::default() };
    let world = World::quiet(safety::Settings { rules, ..safety() }).await;
    let start = Instant::now();
    for good in ["pool: 6", "pool: 7"] {
        assert!(matches!(world.edit_and_reload(good).await, Outcome::Applied(_)));
    }
    let waits = world.edit_and_reload("pool: 8").await;
    assert_eq!(held(&waits), "reloads are held: 2 reloads within 60s are the limit");
    world.edit("pool: 9");
    let status = world.until(|status| status.applied == 3).await;
    assert!(start.elapsed() >= Duration::from_secs(60), "{:?}", start.elapsed());
    assert_eq!((world.pool(), status.held, status.version), (9, 1, VersionNumber(4)));
    assert_eq!(world.told()[..2], ["+rate", "-rate"]);
}

#[tokio::test]
async fn where_reloading_is_off_the_status_says_so_and_why() {
    let directory = directory(&[("app.yaml", "pool: 5")]);
    let production = settings(&directory, &[("REKINDLE_ENV", "production")]);
    let provider = HotReloadProvider::builder(production).safety(safety()).start().unwrap();
    assert_eq!(provider.status().holds, [Why::SwitchedOff(Because::Production)]);
}
