//! Who is told of what, in which order, and until when.
//! Must not look at failures.

use super::*;

#[tokio::test(start_paused = true)]
async fn callbacks_functions_and_streams_are_told_of_what_they_asked_for() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let say = |name: &'static str| {
        let sender = sender.clone();
        move |change: &Change<Value>| sender.send((name, paths(change))).unwrap()
    };
    let callback = world.notifier.on_change(options("callback", "a"), say("callback"));
    let on_thread = world.notifier.on_change_blocking(options("thread", "c.**"), say("thread"));
    let function = {
        let say = say("function");
        world.notifier.subscribe(options("function", "b; c.**"), move |change| {
            say(&change);
            async { Ok::<_, Infallible>(()) }
        })
    };
    let mut stream = world.notifier.stream(options("stream", "re:^[ab]$"));

    assert_eq!(world.set("a", 1).await, Published { touched: 1, told: 2, dropped: 0, closed: false });
    assert_eq!(told.recv().await.unwrap(), ("callback", vec!["a".to_owned()]));
    assert_eq!(paths(&stream.next().await.unwrap()), ["a"]);

    world.set("b", 1).await;
    assert_eq!(told.recv().await.unwrap(), ("function", vec!["b".to_owned()]));
    let streamed = std::future::poll_fn(|ctx| Pin::new(&mut stream).poll_next(ctx)).await.unwrap();
    assert_eq!((paths(&streamed), streamed.merged(), streamed.missed()), (vec!["b".to_owned()], 1, 0));
    assert!(!format!("{streamed:?}").contains('1') || !format!("{streamed:?}").contains("Number"), "no values");

    world.set("c", 1).await;
    let mut both = [told.recv().await.unwrap(), told.recv().await.unwrap()];
    both.sort();
    let replaced = vec!["c".to_owned(), "c.d".to_owned()];
    assert_eq!(both, [("function", replaced.clone()), ("thread", replaced)]);

    assert_eq!(world.set("c", 1).await, Published::default(), "nothing differs");
    settle().await;
    assert!(told.try_recv().is_err());
    assert_eq!(world.notifier.stats().subscribers, 4);
    drop((callback, on_thread, function, stream));
    assert_eq!(world.notifier.stats().subscribers, 0);
}

#[tokio::test(start_paused = true)]
async fn the_more_urgent_are_told_first_and_among_equals_the_elder() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let mut subscriptions = Vec::new();
    for (name, priority) in [
        ("low", Priority::Low),
        ("normal 1", Priority::Normal),
        ("critical", Priority::Critical),
        ("normal 2", Priority::Normal),
        ("high", Priority::High),
    ] {
        let sender = sender.clone();
        let options = Options { priority, ..options(name, "*") };
        subscriptions.push(world.notifier.on_change(options, move |_| sender.send(name).unwrap()));
    }
    settle().await;
    world.set("a", 1).await;
    for expected in ["critical", "high", "normal 1", "normal 2", "low"] {
        assert_eq!(told.recv().await, Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn changes_come_one_by_one_and_in_order() {
    let mut world = World::new();
    let mut stream = world.notifier.stream(Options { capacity: 100, ..options("stream", "a") });
    for value in 1..=100 {
        world.set("a", value).await;
    }
    for value in 1..=100 {
        assert_eq!(at_a(&stream.next().await.unwrap()), (value - 1, value));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_handle_unsubscribes_and_ends_the_call_under_way() {
    struct Ends(mpsc::UnboundedSender<&'static str>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.send("ended").unwrap();
        }
    }
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let subscription = world.notifier.subscribe(options("stuck", "*"), move |_| {
        let ends = Ends(sender.clone());
        ends.0.send("began").unwrap();
        async move {
            let _ends = ends;
            pending::<()>().await;
        }
    });
    world.set("a", 1).await;
    world.set("a", 2).await;
    assert_eq!(told.recv().await, Some("began"));
    drop(subscription);
    assert_eq!(told.recv().await, Some("ended"));
    assert_eq!(world.set("a", 3).await.told, 0);
    assert_eq!(told.recv().await, None, "the task and what it holds are gone");
}

#[tokio::test(start_paused = true)]
async fn a_detached_subscription_lives_as_long_as_the_notifier() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    world.notifier.on_change(options("for good", "*"), move |change| sender.send(at_a(change)).unwrap()).detach();
    world.set("a", 1).await;
    let World { notifier, .. } = world;
    drop(notifier);
    assert_eq!(told.recv().await, Some((0, 1)), "what waits is told");
    assert_eq!(told.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_may_subscribe_and_leave_while_it_is_told() {
    let mut world = World::new();
    let (sender, mut told) = mpsc::unbounded_channel();
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let subscription = {
        let (own, notifier) = (Arc::clone(&own), world.notifier.clone());
        world.notifier.on_change(options("once", "*"), move |_| {
            let sender = sender.clone();
            notifier.on_change(options("inner", "*"), move |change| sender.send(at_a(change)).unwrap()).detach();
            drop(own.lock().unwrap().take());
        })
    };
    *own.lock().unwrap() = Some(subscription);
    world.set("a", 1).await;
    settle().await;
    world.set("a", 2).await;
    assert_eq!(told.recv().await, Some((1, 2)));
    assert_eq!(world.notifier.stats().subscribers, 1);
}

#[tokio::test(start_paused = true)]
async fn a_pattern_can_be_made_of_a_path() {
    let mut world = World::new();
    let below = Patterns::from(Pattern::below(&Path::root().key("c")));
    let mut stream = world.notifier.stream(Options::of("c", below));
    world.set("a", 1).await;
    world.set("c", 1).await;
    assert_eq!(paths(&stream.next().await.unwrap()), ["c", "c.d"]);
}
