//! Shutdown: what waits is told, whoever is stuck is named, and nothing comes after.
//! Must not look at anything else.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_shutdown_flushes_what_waits_and_what_is_gathered() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let gathering = Gathering { within: Duration::from_secs(3600), most: 1000 };
    let _gathers = {
        let sender = sender.clone();
        let options = Options { gathering, ..options("gathers", "*") };
        world.notifier.on_change(options, move |change| sender.send(("gathers", at_a(change))).unwrap())
    };
    let gate = Arc::new(Semaphore::new(0));
    let _slow = {
        let gate = Arc::clone(&gate);
        world.notifier.subscribe(options("slow", "*"), move |change| {
            let (gate, sender) = (Arc::clone(&gate), sender.clone());
            async move {
                gate.acquire().await.unwrap().forget();
                sender.send(("slow", at_a(&change))).unwrap();
            }
        })
    };
    let mut stream = world.notifier.stream(options("stream", "*"));
    world.set("a", 1).await;
    world.set("a", 2).await;
    settle().await;
    let notifier = world.notifier.clone();
    let start = Instant::now();
    let flushing = tokio::spawn(async move { notifier.shutdown(Duration::from_secs(10)).await });
    settle().await;
    assert!(!flushing.is_finished());
    gate.add_permits(2);
    assert_eq!(flushing.await.unwrap(), Flushed { complete: 2, unfinished: vec![] });
    assert_eq!(start.elapsed(), Duration::ZERO);
    let mut all = Vec::new();
    while let Ok(one) = told.try_recv() {
        all.push(one);
    }
    assert_eq!(all, [("gathers", (0, 2)), ("slow", (0, 1)), ("slow", (1, 2))]);
    assert_eq!(at_a(&stream.next().await.unwrap()), (0, 1));
    assert_eq!(at_a(&stream.next().await.unwrap()), (1, 2));
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_stuck_is_stopped_at_the_deadline_and_named() {
    let mut world = World::new();
    let hour = Duration::from_secs(3600);
    let stuck = Options { timeout: hour, ..options("stuck", "*") };
    let _stuck = world.notifier.subscribe(stuck, |_| pending::<()>());
    let _good = world.notifier.on_change(options("good", "*"), |_| ());
    world.set("a", 1).await;
    let start = Instant::now();
    let flushed = world.notifier.shutdown(Duration::from_secs(5)).await;
    assert_eq!(flushed, Flushed { complete: 1, unfinished: vec!["stuck".into()] });
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!(world.notifier.shutdown(hour).await, Flushed::default(), "once is enough");
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_a_shutdown() {
    let mut world = World::new();
    world.notifier.shutdown(Duration::ZERO).await;
    let mut stream = world.notifier.stream(options("late", "*"));
    let _late = world.notifier.on_change(options("late", "*"), |_| ());
    assert!(world.set("a", 1).await.closed);
    assert!(stream.next().await.is_none());
    assert_eq!((world.notifier.stats().subscribers, world.notifier.stats().published), (0, 0));
}
