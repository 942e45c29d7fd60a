//! Whose turn it is, driven through an application that stops where the test wants it to.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::mpsc;

use bytes::Bytes;
use rekindle_core::contract::body::Reason;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
use tokio::sync::Semaphore;

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

/// The version's content is what the application does: `ok`, `refuse`, `panic`, `hang`, `wait` (for the gate).
fn update(version: u64, content: &str) -> Update {
    let source = BTreeMap::from([(DocumentName::parse("do").unwrap(), Bytes::from(content.to_owned()))]);
    let documents = Documents::join([source]);
    Update {
        policy: PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse("checkout").unwrap() },
        version: VersionNumber(version),
        digest: Digest::of(&documents),
        reason: Reason::Edit,
        changed: Vec::new(),
        documents,
    }
}

struct Application {
    began: Arc<Mutex<Vec<u64>>>,
    gate: Arc<Semaphore>,
}

impl Apply for Application {
    async fn apply(&self, update: Update) -> Result<(), Refusal> {
        self.began.lock().unwrap().push(update.version.0);
        match update.text("do").unwrap() {
            "refuse" => Err(Refusal::new("not this one")),
            "panic" => panic!("SECRET"),
            "hang" => pending().await,
            "wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

struct Bench {
    turn: Arc<Turn<Application>>,
    began: Arc<Mutex<Vec<u64>>>,
    gate: Arc<Semaphore>,
}

impl Bench {
    fn new() -> Self {
        let (began, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let application = Application { began: Arc::clone(&began), gate: Arc::clone(&gate) };
        Self { turn: Arc::new(Turn::new(application, DEADLINE, None)), began, gate }
    }

    async fn push(&self, epoch: u64, update: Update) -> Decided {
        self.turn.submit(Epoch(epoch), update).await.unwrap()
    }

    fn submit(&self, version: u64, content: &str) -> oneshot::Receiver<Decided> {
        self.turn.submit(Epoch(1), update(version, content))
    }

    fn began(&self) -> Vec<u64> {
        self.began.lock().unwrap().clone()
    }
}

fn runs(decided: &Decided) -> Option<u64> {
    decided.running.map(|running| running.version.0)
}

#[tokio::test]
async fn a_version_that_is_taken_runs() {
    let bench = Bench::new();
    let decided = bench.push(1, update(1, "ok")).await;
    assert_eq!(decided, Decided { verdict: Verdict::Ack, running: Some(update(1, "ok").running()) });
    assert_eq!(bench.push(1, update(1, "ok")).await.verdict, Verdict::Ack, "again");
    assert_eq!(bench.began(), [1], "and only once");
    for (epoch, older) in [(0, update(2, "ok")), (1, update(0, "ok")), (2, update(1, "other"))] {
        let decided = bench.push(epoch, older).await;
        assert_eq!((&decided.verdict, runs(&decided)), (&Verdict::Stale(OLDER), Some(1)));
    }
}

#[tokio::test]
async fn a_refusal_leaves_running_what_ran_and_may_be_tried_again() {
    let bench = Bench::new();
    bench.push(1, update(1, "ok")).await;
    for _ in 0..2 {
        let decided = bench.push(1, update(2, "refuse")).await;
        assert_eq!(decided.verdict, Verdict::Nack("not this one".to_owned()));
        assert_eq!(runs(&decided), Some(1));
    }
    assert_eq!(bench.push(1, update(3, "ok")).await.verdict, Verdict::Ack);
    assert_eq!(bench.began(), [1, 2, 2, 3]);
}

#[tokio::test]
async fn a_panic_is_a_refusal_and_its_words_are_not_passed_on() {
    let bench = Bench::new();
    let decided = bench.push(1, update(1, "panic")).await;
    assert_eq!(decided.verdict, Verdict::Nack("the application panicked while it applied it".to_owned()));
    assert_eq!(runs(&decided), None);
    assert_eq!(bench.push(1, update(2, "ok")).await.verdict, Verdict::Ack);
}

#[tokio::test(start_paused = true)]
async fn an_application_that_hangs_is_stopped_at_the_deadline() {
    let bench = Bench::new();
    let (first, second) = (bench.submit(1, "hang"), bench.submit(2, "ok"));
    let decided = first.await.unwrap();
    assert_eq!(decided.verdict, Verdict::Nack("the application took longer than 10s".to_owned()));
    assert_eq!(second.await.unwrap().verdict, Verdict::Ack, "the next has its turn");
}

#[tokio::test]
async fn only_the_newest_waits() {
    let bench = Bench::new();
    let first = bench.submit(1, "wait");
    let waiting = [bench.submit(2, "ok"), bench.submit(4, "ok"), bench.submit(3, "ok")];
    bench.gate.add_permits(1);
    assert_eq!(runs(&first.await.unwrap()), Some(1));
    let [second, fourth, third] = waiting;
    assert_eq!(second.await.unwrap().verdict, Verdict::Stale(OVERTAKEN));
    assert_eq!(third.await.unwrap().verdict, Verdict::Stale(OVERTAKEN));
    let fourth = fourth.await.unwrap();
    assert_eq!((&fourth.verdict, runs(&fourth)), (&Verdict::Ack, Some(4)));
    assert_eq!(bench.began(), [1, 4]);
}

#[tokio::test]
async fn repeated_pushes_of_one_version_share_one_application() {
    let bench = Bench::new();
    let pushes = [bench.submit(1, "wait"), bench.submit(1, "wait")];
    let later = [bench.submit(2, "ok"), bench.submit(2, "ok")];
    bench.gate.add_permits(1);
    for push in pushes.into_iter().chain(later) {
        assert_eq!(push.await.unwrap().verdict, Verdict::Ack);
    }
    assert_eq!(bench.began(), [1, 2]);
}

#[tokio::test]
async fn an_older_version_is_overtaken_by_the_one_that_is_being_applied() {
    let bench = Bench::new();
    let second = bench.submit(2, "wait");
    for late in [update(1, "ok"), update(2, "other")] {
        assert_eq!(bench.push(1, late).await.verdict, Verdict::Stale(OVERTAKEN));
    }
    bench.gate.add_permits(1);
    assert_eq!(second.await.unwrap().verdict, Verdict::Ack);
}

#[tokio::test]
async fn a_waiting_push_of_a_deposed_leader_is_not_applied() {
    let bench = Bench::new();
    let first = bench.submit(1, "wait");
    let second = bench.submit(2, "ok");
    let third = bench.turn.submit(Epoch(2), update(1, "wait"));
    bench.gate.add_permits(1);
    assert_eq!(first.await.unwrap().verdict, Verdict::Ack);
    assert_eq!(third.await.unwrap().verdict, Verdict::Ack);
    assert_eq!(second.await.unwrap().verdict, Verdict::Stale(OLDER));
    assert_eq!(bench.began(), [1]);
}

#[tokio::test]
async fn a_caller_who_hangs_up_does_not_stop_the_application() {
    let bench = Bench::new();
    drop(bench.submit(1, "wait"));
    let second = bench.submit(2, "ok");
    bench.gate.add_permits(1);
    assert_eq!(second.await.unwrap().verdict, Verdict::Ack);
    assert_eq!(bench.began(), [1, 2]);
}

#[tokio::test]
async fn a_waiting_version_that_the_later_leader_pushes_too_is_applied() {
    let bench = Bench::new();
    let first = bench.submit(1, "wait");
    let before = bench.submit(2, "ok");
    let after = bench.turn.submit(Epoch(2), update(2, "ok"));
    bench.gate.add_permits(1);
    for push in [first, before, after] {
        assert_eq!(push.await.unwrap().verdict, Verdict::Ack);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_cannot_be_stopped_still_keeps_others_out_and_counts_when_it_gets_through() {
    let (release, released) = mpsc::channel::<()>();
    let (began, released) = (Arc::new(Mutex::new(Vec::new())), Mutex::new(released));
    let seen = Arc::clone(&began);
    let blocking = move |update: Update| {
        seen.lock().unwrap().push(update.version.0);
        // Not an await: nothing can interrupt it.
        let _sent = released.lock().unwrap().recv();
        async { Ok(()) }
    };
    let turn = Arc::new(Turn::new(blocking, Duration::from_millis(20), None));
    let first = turn.submit(Epoch(1), update(1, "")).await.unwrap();
    assert!(matches!(first.verdict, Verdict::Nack(_)), "{first:?}");
    let again = turn.submit(Epoch(1), update(1, ""));
    let second = turn.submit(Epoch(1), update(2, ""));
    assert_eq!((turn.running(), began.lock().unwrap().as_slice()), (None, [1].as_slice()));
    release.send(()).unwrap();
    assert_eq!(again.await.unwrap(), Decided { verdict: Verdict::Ack, running: Some(update(1, "").running()) });
    drop(release);
    second.await.unwrap();
    assert_eq!(*began.lock().unwrap(), [1, 2]);
}
