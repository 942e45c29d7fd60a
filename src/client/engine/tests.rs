//! What the engine does with contents whose checks misbehave.
//! Must not wait for time, except for a deadline that is the matter of the test.

use std::collections::BTreeMap;
use std::sync::mpsc;

use rekindle_core::document::DocumentName;
use rekindle_core::ids::VersionNumber;

use super::*;
use crate::notify::{Change, Failure, Options, Participant};
use crate::provider::Settings;
use crate::validate::Candidate;

fn contents(text: &'static str) -> Contents {
    Contents::Read(BTreeMap::from([(DocumentName::parse("app.yaml").unwrap(), text.into())]))
}

fn engine(settings: Settings, deadline: Duration) -> Arc<Engine> {
    let sources = Arc::new(settings.into_sources().unwrap());
    let accepted = Arc::new(sources.judge(&contents("pool: 1"), None).unwrap());
    let store = Arc::new(Store::starting(accepted.snapshot(VersionNumber(1))));
    Arc::new(Engine::new(Beginning {
        sources,
        store,
        accepted,
        line: Line::new(),
        refusal: None,
        notifier: Some(Notifier::new()),
        deadline,
        listener: None,
        safety: safety::Settings::default(),
        hold_listener: None,
        metrics: None,
    }))
}

fn pool(candidate: &Candidate<'_>) -> u32 {
    candidate.get("pool").unwrap()
}

#[tokio::test]
async fn a_check_that_panics_refuses_the_change_and_the_next_one_is_taken() {
    let settings = Settings::new("unused", []).check("fragile", |candidate: &Candidate<'_>| match pool(candidate) {
        2 => panic!("two"),
        _ => Vec::new(),
    });
    let engine = engine(settings, DEFAULT_DEADLINE);
    let refused = engine.offer(contents("pool: 2")).await;
    let Outcome::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.to_string(), "the check \"fragile\" panicked (CustomFailed)");
    assert_eq!(engine.store.load().get("pool"), Ok(1));
    assert!(matches!(engine.offer(contents("pool: 3")).await, Outcome::Applied(_)));
    let status = engine.status().borrow().clone();
    assert_eq!((status.applied, status.refused, status.refusal), (1, 1, None));
}

#[tokio::test]
async fn a_check_that_never_ends_is_given_up_and_nothing_is_heaped_upon_it() {
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let settings = Settings::new("unused", []).check("stuck", move |candidate: &Candidate<'_>| {
        if pool(candidate) == 2 {
            let _released = held.lock().unwrap().recv();
        }
        Vec::new()
    });
    let engine = engine(settings, Duration::from_millis(20));
    let late = Outcome::Refused(Refusal::TookTooLong(Duration::from_millis(20)));
    assert_eq!(engine.offer(contents("pool: 2")).await, late);
    assert_eq!(engine.offer(contents("pool: 3")).await, late, "the first is still being checked");
    assert_eq!(engine.store.load().get("pool"), Ok(1));
    release.send(()).unwrap();
    let taken = async { while engine.offer(contents("pool: 3")).await == late {} };
    tokio::time::timeout(Duration::from_secs(20), taken).await.unwrap();
    assert_eq!(engine.store.load().get("pool"), Ok(3));
}

#[tokio::test]
async fn changes_that_meet_go_through_one_at_a_time() {
    let engine = engine(Settings::new("unused", []), DEFAULT_DEADLINE);
    let mut offers = tokio::task::JoinSet::new();
    for text in ["pool: 2", "pool: 3", "pool: 4", "pool: 5"] {
        let engine = engine.clone();
        offers.spawn(async move { engine.offer(contents(text)).await });
    }
    let mut versions: Vec<_> = offers
        .join_all()
        .await
        .into_iter()
        .map(|outcome| match outcome {
            Outcome::Applied(snapshot) => snapshot.version().0,
            other => panic!("{other:?}"),
        })
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4, 5]);
    assert_eq!(engine.store.load().version(), VersionNumber(5));
}

struct Says(bool);

impl Participant<Snapshot> for Says {
    async fn prepare(&self, change: Change<Snapshot>) -> Result<(), Failure> {
        let small = change.after().get::<u32>("pool").unwrap() < 100;
        if self.0 || small { Ok(()) } else { Err(Failure::new("the pool cannot grow that far")) }
    }

    async fn commit(&self, _: Change<Snapshot>) {}

    async fn abort(&self, _: Change<Snapshot>) {}
}

#[tokio::test]
async fn who_subscribes_is_told_and_a_veto_leaves_everything_as_it_was() {
    let engine = engine(Settings::new("unused", []), DEFAULT_DEADLINE);
    let notifier = engine.notifier().unwrap();
    let mut changes = notifier.stream(Options::new("test", "pool").unwrap());
    let _agrees = notifier.participate(Options::new("easy", "*").unwrap(), Says(true));
    let _asks = notifier.participate(Options::new("strict", "pool").unwrap(), Says(false));

    let refused = engine.offer(contents("pool: 200")).await;
    let Outcome::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert!(refusal.to_string().contains("`strict`"), "{refusal}");
    assert_eq!(engine.store.load().version(), VersionNumber(1));
    assert_eq!(engine.status().borrow().refusal, Some(refusal));

    let applied = engine.offer(contents("pool: 20\nmode: fast")).await;
    let Outcome::Applied(snapshot) = applied else { panic!("{applied:?}") };
    let change = changes.next().await.unwrap();
    assert_eq!(change.after(), &snapshot);
    assert_eq!((change.before().get("pool"), change.after().get("pool")), (Ok(1), Ok(20)));
    assert_eq!(change.touched().map(ToString::to_string).collect::<Vec<_>>(), ["pool"]);
    assert_eq!(change.all_touched().len(), 2);
}
