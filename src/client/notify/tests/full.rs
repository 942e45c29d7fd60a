//! Queues that are full, and changes that are gathered.
//! Must not look at failures.

use super::*;

fn small(overfull: Overfull) -> Options {
    Options { capacity: 2, overfull, ..options("slow", "a; b") }
}

#[tokio::test(start_paused = true)]
async fn the_latest_wins_and_no_path_is_left_out() {
    let mut world = World::new();
    let mut slow = world.notifier.stream(small(Overfull::LatestWins));
    world.set("a", 1).await;
    world.set("a", 2).await;
    world.set("b", 1).await;
    world.set("a", 3).await;
    assert_eq!(world.notifier.stats().waiting, 2);
    assert_eq!(at_a(&slow.next().await.unwrap()), (0, 1));
    let merged = slow.next().await.unwrap();
    assert_eq!((at_a(&merged), paths(&merged), merged.merged()), ((1, 3), vec!["a".to_owned(), "b".to_owned()], 3));
    assert_eq!(world.notifier.stats().merged, 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_undone_is_no_change() {
    let mut world = World::new();
    let mut slow = world.notifier.stream(Options { capacity: 1, ..small(Overfull::LatestWins) });
    world.set("a", 1).await;
    world.set("a", 0).await;
    world.set("c", 7).await;
    settle().await;
    let waiting = tokio::time::timeout(Duration::from_secs(1), slow.next()).await;
    assert!(waiting.is_err(), "nothing that it asked for differs");
    assert_eq!(world.notifier.stats().undone, 1);
    world.set("a", 5).await;
    assert_eq!(at_a(&slow.next().await.unwrap()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn blocking_waits_for_room() {
    let mut world = World::new();
    let mut slow = world.notifier.stream(small(Overfull::Block(Duration::from_secs(5))));
    let mut other = world.notifier.stream(Options { capacity: 10, ..options("other", "*") });
    world.set("a", 1).await;
    world.set("a", 2).await;
    let third = tokio::spawn(async move {
        world.set("a", 3).await;
        world
    });
    settle().await;
    assert!(!third.is_finished(), "there is no room");
    for value in 1..=3 {
        assert_eq!(at_a(&other.next().await.unwrap()), (value - 1, value), "others have it already");
    }
    assert_eq!(at_a(&slow.next().await.unwrap()), (0, 1));
    let world = third.await.unwrap();
    assert_eq!(at_a(&slow.next().await.unwrap()), (1, 2));
    assert_eq!(at_a(&slow.next().await.unwrap()), (2, 3));
    assert_eq!((world.reports(), world.notifier.stats().merged), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn blocking_ends_and_then_the_latest_wins() {
    let mut world = World::new();
    let limit = Duration::from_secs(5);
    let mut slow = world.notifier.stream(small(Overfull::Block(limit)));
    let start = Instant::now();
    for value in 1..=3 {
        world.set("a", value).await;
    }
    assert_eq!(start.elapsed(), limit);
    assert_eq!(world.reports(), [Report::Blocked { subscriber: "slow".into(), waited: limit }]);
    assert_eq!(at_a(&slow.next().await.unwrap()), (0, 1));
    assert_eq!(at_a(&slow.next().await.unwrap()), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_hangs_up_while_it_waits_loses_nothing() {
    let mut world = World::new();
    let mut slow = world.notifier.stream(small(Overfull::Block(Duration::from_secs(5))));
    world.set("a", 1).await;
    world.set("a", 2).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), world.set("a", 3)).await.is_err());
    assert_eq!(at_a(&slow.next().await.unwrap()), (0, 1));
    assert_eq!(at_a(&slow.next().await.unwrap()), (1, 3));
    let stuck = tokio::spawn(async move {
        for value in 4..=6 {
            world.set("a", value).await;
        }
        world
    });
    settle().await;
    drop(slow);
    assert_eq!(stuck.await.unwrap().notifier.stats().subscribers, 0, "nobody waits for who has left");
}

#[tokio::test(start_paused = true)]
async fn dropping_is_reported_to_all_whom_it_concerns() {
    let mut world = World::new();
    let mut slow = world.notifier.stream(small(Overfull::Drop));
    for value in 1..=2 {
        assert_eq!(world.set("a", value).await.told, 1);
    }
    for value in 3..=5 {
        assert_eq!(world.set("a", value).await.dropped, 1);
    }
    assert_eq!(world.reports(), vec![Report::Dropped { subscriber: "slow".into() }; 3]);
    let first = slow.next().await.unwrap();
    assert_eq!((at_a(&first), first.missed()), ((0, 1), 3));
    let second = slow.next().await.unwrap();
    assert_eq!((at_a(&second), second.missed()), ((1, 2), 0));
    world.set("a", 6).await;
    assert_eq!(at_a(&slow.next().await.unwrap()), (5, 6));
}

#[tokio::test(start_paused = true)]
async fn changes_are_gathered_by_time_and_by_size() {
    let mut world = World::new();
    let gathering = Gathering { within: Duration::from_millis(50), most: 3 };
    let mut gathered = world.notifier.stream(Options { gathering, capacity: 1, ..options("gathers", "a; b") });
    let start = Instant::now();
    world.set("a", 1).await;
    tokio::time::advance(Duration::from_millis(20)).await;
    world.set("b", 1).await;
    let change = gathered.next().await.unwrap();
    assert_eq!((change.merged(), paths(&change)), (2, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(start.elapsed(), Duration::from_millis(50), "counted from the first");
    for value in 2..=4 {
        world.set("a", value).await;
    }
    let change = gathered.next().await.unwrap();
    assert_eq!((at_a(&change), change.merged(), start.elapsed()), ((1, 4), 3, Duration::from_millis(50)));
    world.set("a", 9).await;
    world.set("a", 4).await;
    world.set("b", 2).await;
    assert_eq!(paths(&gathered.next().await.unwrap()), ["b"], "only what differs in the end");
}
