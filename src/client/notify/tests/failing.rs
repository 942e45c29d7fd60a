//! Subscribers that fail, panic or take too long: how often they are asked again, and that nobody else notices.
//! Must not look at full queues.

use super::*;

const SHORT: Duration = Duration::from_millis(10);

fn thrice(name: &str) -> Options {
    let persistence = Persistence { attempts: 3, backoff: Backoff { first: SHORT, cap: SHORT } };
    Options { persistence, timeout: Duration::from_secs(1), ..options(name, "*") }
}

type Behavior = fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Subscribes somebody who behaves like this on each call, and says when it is called.
fn subscribe(world: &World, behavior: Behavior) -> Calls {
    let (sender, calls) = mpsc::unbounded_channel();
    let subscription = world.notifier.subscribe(thrice("bad"), move |change| {
        sender.send(at_a(&change)).unwrap();
        behavior()
    });
    Calls { calls, _subscription: subscription }
}

struct Calls {
    calls: mpsc::UnboundedReceiver<(i64, i64)>,
    _subscription: Subscription,
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_is_asked_again_and_then_told_of_the_next_change() {
    let cases: [(Behavior, Trouble); 3] = [
        (|| Box::pin(async { Err("x".repeat(600)) }), Trouble::Refused(Failure::new("x".repeat(512)))),
        (|| Box::pin(async { panic!("SECRET") }), Trouble::Panicked),
        (|| Box::pin(pending()), Trouble::Late(Duration::from_secs(1))),
    ];
    for (behavior, expected) in cases {
        let mut world = World::new();
        let mut bad = subscribe(&world, behavior);
        world.set("a", 1).await;
        world.set("a", 2).await;
        for change in [(0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (1, 2)] {
            assert_eq!(bad.calls.recv().await, Some(change));
        }
        world.notifier.shutdown(Duration::from_secs(60)).await;
        let reports = world.reports();
        assert_eq!(reports.len(), 6);
        for (position, report) in reports.iter().enumerate() {
            let Report::Failed { subscriber, trouble, again } = report else { panic!("{report:?}") };
            assert_eq!((&**subscriber, trouble), ("bad", &expected));
            assert_eq!(again.is_some(), position % 3 != 2);
            assert!(again.is_none_or(|again| again <= SHORT));
            assert!(!trouble.to_string().contains("SECRET"));
        }
        let stats = world.notifier.stats();
        assert_eq!((stats.failures, stats.given_up, stats.delivered), (6, 2, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_is_caught_as_well() {
    let mut world = World::new();
    let panics = |_: &Change<Value>| -> () { panic!("SECRET") };
    let _callback = world.notifier.on_change(thrice("callback"), panics);
    let _thread = world.notifier.on_change_blocking(thrice("thread"), panics);
    world.set("a", 1).await;
    let flushed = world.notifier.shutdown(Duration::from_secs(60)).await;
    assert_eq!(flushed, Flushed { complete: 2, unfinished: vec![] });
    assert_eq!(world.notifier.stats().given_up, 2);
}

#[tokio::test(start_paused = true)]
async fn no_failure_panic_or_delay_is_felt_by_another() {
    let mut world = World::new();
    let _error = subscribe(&world, || Box::pin(async { Err(String::new()) }));
    let _panic = subscribe(&world, || Box::pin(async { panic!("SECRET") }));
    let _stall = subscribe(&world, || Box::pin(pending()));
    let mut good = world.notifier.stream(options("good", "*"));
    let start = Instant::now();
    for value in 1..=100 {
        world.set("a", value).await;
        assert_eq!(at_a(&good.next().await.unwrap()), (value - 1, value));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_success_after_a_failure_is_the_end_of_it() {
    let mut world = World::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let _subscription = world.notifier.on_change(thrice("second try"), move |_| {
        if counted.fetch_add(1, SeqCst).is_multiple_of(2) { Err("not yet") } else { Ok(()) }
    });
    world.set("a", 1).await;
    world.set("a", 2).await;
    world.notifier.shutdown(Duration::from_secs(60)).await;
    let stats = world.notifier.stats();
    assert_eq!((calls.load(SeqCst), stats.failures, stats.delivered, stats.given_up), (4, 2, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_thread_that_is_late_has_no_second_call_beside_it() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let running = AtomicUsize::new(0);
    let _subscription = world.notifier.on_change_blocking(thrice("thread"), move |change| {
        assert_eq!(running.fetch_add(1, SeqCst), 0, "one at a time");
        sender.send(at_a(change)).unwrap();
        gate.lock().unwrap().recv().unwrap();
        running.fetch_sub(1, SeqCst);
    });
    world.set("a", 1).await;
    assert_eq!(told.recv().await, Some((0, 1)));
    let late = Trouble::Late(Duration::from_secs(1));
    let given_up = Report::Failed { subscriber: "thread".into(), trouble: late, again: None };
    while !world.reports().contains(&given_up) {
        // The clock does not move by itself while a thread is busy.
        tokio::time::advance(Duration::from_secs(2)).await;
        settle().await;
    }
    assert!(told.try_recv().is_err());
    world.set("a", 2).await;
    open.send(()).unwrap();
    assert_eq!(told.recv().await, Some((1, 2)));
    open.send(()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_listens_to_reports_may_panic() {
    let notifier = Notifier::with_reports(|_| panic!("SECRET"));
    let _subscription = notifier.on_change(thrice("bad"), |_| Err("no"));
    let [old, new] = [json!(1), json!(2)].map(Arc::new);
    notifier.publish(old, new).await.unwrap();
    let flushed = notifier.shutdown(Duration::from_secs(60)).await;
    assert_eq!((flushed.complete, notifier.stats().given_up), (1, 1));
}
