//! Participants: every combination of what they may do leaves all of them, and everybody else, in one state.
//! Must not look at queues.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mood {
    Agrees,
    Refuses,
    Panics,
    Stalls,
}

const MOODS: [Mood; 4] = [Mood::Agrees, Mood::Refuses, Mood::Panics, Mood::Stalls];

/// Holds a value of its own, and what it was told.
struct Part {
    name: String,
    mood: Mood,
    value: Arc<Mutex<i64>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Part {
    fn say(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Participant<Value> for Part {
    async fn prepare(&self, _: Change<Value>) -> Result<(), Failure> {
        self.say("prepares");
        match self.mood {
            Mood::Agrees => Ok(()),
            Mood::Refuses => Err(Failure::new("not this one")),
            Mood::Panics => panic!("SECRET"),
            Mood::Stalls => pending().await,
        }
    }

    async fn commit(&self, change: Change<Value>) {
        self.say("commits");
        *self.value.lock().unwrap() = at_a(&change).1;
        assert!(self.mood != Mood::Panics, "SECRET");
    }

    async fn abort(&self, change: Change<Value>) {
        self.say("aborts");
        assert_eq!(*self.value.lock().unwrap(), at_a(&change).0, "as it was");
    }
}

struct Table {
    world: World,
    values: Vec<Arc<Mutex<i64>>>,
    log: Arc<Mutex<Vec<String>>>,
    subscriptions: Vec<Subscription>,
}

impl Table {
    fn new(parts: &[(Priority, Mood)]) -> Self {
        let mut table = Self { world: World::new(), values: vec![], log: Arc::default(), subscriptions: vec![] };
        for (number, (priority, mood)) in parts.iter().enumerate() {
            let (value, log) = (Arc::default(), Arc::clone(&table.log));
            table.values.push(Arc::clone(&value));
            let part = Part { name: number.to_string(), mood: *mood, value, log };
            let options = Options { priority: *priority, timeout: Duration::from_secs(1), ..options(&part.name, "a") };
            table.subscriptions.push(table.world.notifier.participate(options, part));
        }
        table
    }

    fn log(&self) -> Vec<String> {
        let mut log = self.log.lock().unwrap().clone();
        log.sort();
        log
    }

    fn values(&self) -> Vec<i64> {
        self.values.iter().map(|value| *value.lock().unwrap()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn all_agree_or_everything_stays_as_it_was() {
    let levels = [Priority::High, Priority::Normal, Priority::Normal, Priority::Low];
    for number in 0..256_usize {
        let moods = [0, 2, 4, 6].map(|shift| MOODS[number >> shift & 3]);
        let parts: Vec<_> = levels.into_iter().zip(moods).collect();
        let table = Table::new(&parts);
        let mut stream = table.world.notifier.stream(options("stream", "*"));
        let mut current = 0;
        let new = table.world.with("a", 1);
        let prepared = table.world.notifier.prepare(Arc::clone(&table.world.current), new).await;
        let first_bad = moods.iter().position(|mood| *mood != Mood::Agrees);
        let Some(first_bad) = first_bad else {
            current = 1;
            assert_eq!(prepared.unwrap().commit().await.told, 1);
            assert_eq!(at_a(&stream.next().await.unwrap()), (0, 1));
            assert_eq!((table.values(), current), (vec![1; 4], 1));
            assert!(!table.log().iter().any(|line| line.ends_with("aborts")));
            continue;
        };
        let vetoed = prepared.unwrap_err();
        assert_eq!(vetoed.by.parse(), Ok(first_bad), "the first in order is named: {moods:?}");
        assert!(!vetoed.to_string().contains("SECRET"));
        assert_eq!((table.values(), current), (vec![0; 4], 0));
        settle().await;
        assert_eq!(table.world.notifier.stats().waiting, 0);
        // Whoever was asked has heard of the end, unless it refused by itself; the others know nothing of it.
        for (part, mood) in moods.iter().enumerate() {
            let asked = levels[part] <= levels[first_bad];
            let said = |what| table.log().contains(&format!("{part} {what}"));
            assert_eq!(said("prepares"), asked, "{moods:?} {part}");
            assert_eq!(said("aborts"), asked && *mood != Mood::Refuses, "{moods:?} {part}");
            assert!(!said("commits"));
        }
        assert_eq!(table.world.notifier.stats().vetoed, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_prepared_change_that_is_dropped_is_aborted_before_the_next_begins() {
    let table = Table::new(&[(Priority::Normal, Mood::Agrees)]);
    let (notifier, current) = (&table.world.notifier, &table.world.current);
    drop(notifier.prepare(Arc::clone(current), table.world.with("a", 1)).await.unwrap());
    let prepared = notifier.prepare(Arc::clone(current), table.world.with("a", 2)).await.unwrap();
    assert_eq!(prepared.touched().len(), 1);
    assert_eq!(*table.log.lock().unwrap(), ["0 prepares", "0 aborts", "0 prepares"]);
    let next = notifier.prepare(Arc::clone(current), table.world.with("a", 3));
    assert!(tokio::time::timeout(Duration::from_secs(60), next).await.is_err(), "one at a time");
    prepared.abort().await;
    assert_eq!(table.log.lock().unwrap().len(), 4);
    assert_eq!(table.values(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_hangs_up_while_it_asks_aborts() {
    let table = Table::new(&[(Priority::High, Mood::Agrees), (Priority::Low, Mood::Stalls)]);
    let (notifier, current) = (&table.world.notifier, &table.world.current);
    let asking = notifier.prepare(Arc::clone(current), table.world.with("a", 1));
    assert!(tokio::time::timeout(Duration::from_millis(500), asking).await.is_err());
    settle().await;
    assert_eq!(table.log(), ["0 aborts", "0 prepares", "1 aborts", "1 prepares"]);
    assert_eq!(table.values(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_has_begun_goes_on_without_its_caller() {
    let table = Table::new(&[(Priority::Normal, Mood::Agrees)]);
    let mut stream = table.world.notifier.stream(options("stream", "*"));
    let current = Arc::clone(&table.world.current);
    let prepared = table.world.notifier.prepare(current, table.world.with("a", 1)).await.unwrap();
    let mut commit = Box::pin(prepared.commit());
    assert!(std::future::poll_fn(|ctx| std::task::Poll::Ready(commit.as_mut().poll(ctx))).await.is_pending());
    drop(commit);
    assert_eq!(at_a(&stream.next().await.unwrap()), (0, 1));
    assert_eq!(table.values(), [1]);
}

#[tokio::test(start_paused = true)]
async fn trouble_after_the_decision_is_reported_and_changes_nothing() {
    struct Clumsy;
    impl Participant<Value> for Clumsy {
        async fn prepare(&self, _: Change<Value>) -> Result<(), Failure> {
            Ok(())
        }
        async fn commit(&self, _: Change<Value>) {
            panic!("SECRET");
        }
        async fn abort(&self, _: Change<Value>) {
            pending().await
        }
    }
    let mut world = World::new();
    let limit = Duration::from_secs(1);
    let clumsy = Options { timeout: limit, ..options("clumsy", "a") };
    let _clumsy = world.notifier.participate(clumsy, Clumsy);
    let mut stream = world.notifier.stream(options("stream", "*"));
    assert_eq!(world.set("a", 1).await.told, 1);
    assert_eq!(at_a(&stream.next().await.unwrap()), (0, 1));
    world.notifier.prepare(Arc::clone(&world.current), world.with("a", 2)).await.unwrap().abort().await;
    let astray = |committing, trouble| Report::Astray { subscriber: "clumsy".into(), committing, trouble };
    assert_eq!(world.reports(), [astray(true, Trouble::Panicked), astray(false, Trouble::Late(limit))]);
}

#[tokio::test(start_paused = true)]
async fn only_those_whom_a_change_touches_have_a_say_and_only_while_they_stay() {
    let mut table = Table::new(&[(Priority::Normal, Mood::Refuses)]);
    assert_eq!(table.world.set("b", 1).await.touched, 1);
    let vetoed = table.world.notifier.publish(Arc::clone(&table.world.current), table.world.with("a", 1)).await;
    assert_eq!(vetoed.unwrap_err().to_string(), "asking `0` whether it takes the change: not this one");
    table.subscriptions.clear();
    assert_eq!(table.world.set("a", 1).await.touched, 1);
    assert_eq!(table.world.notifier.stats().subscribers, 0);
}
