//! Many at once: 64 readers, 8 writers, 10,000 changes, 200 subscribers of whom 20 fail and 20 stall until the end.
//! Once on one thread where time is paused, so that any wait for a stalled one would be seen; once on four threads.

use rekindle_core::value::Segment;

use super::*;

const WRITERS: usize = 8;
const CELLS: usize = 16;
const CHANGES: u64 = 10_000;
const READERS: usize = 64;

/// Each change adds one to one cell, so a snapshot is torn unless its cells add up to its version.
#[derive(Clone, PartialEq, Debug)]
struct Board {
    version: u64,
    cells: [[u64; CELLS]; WRITERS],
}

impl Board {
    fn is_whole(&self) -> bool {
        self.cells.iter().flatten().sum::<u64>() == self.version
    }

    fn value(&self, path: &Path) -> u64 {
        let (writer, cell) = place(path);
        self.cells[writer][cell]
    }
}

impl Compare for Board {
    fn touched(&self, newer: &Self) -> Vec<Path> {
        let all = (0..WRITERS).flat_map(|writer| (0..CELLS).map(move |cell| (writer, cell)));
        let differs = all.filter(|(writer, cell)| self.cells[*writer][*cell] != newer.cells[*writer][*cell]);
        differs.map(|(writer, cell)| Path::root().key(format!("w{writer}")).index(cell)).collect()
    }
}

fn place(path: &Path) -> (usize, usize) {
    let [Segment::Key(writer), Segment::Index(cell)] = path.segments() else { panic!("{path}") };
    (writer[1..].parse().unwrap(), *cell)
}

/// What a good subscriber saw: the last snapshot, how many changes that makes, and what was out of order.
#[derive(Default)]
struct Seen {
    last: Option<Arc<Board>>,
    changes: u64,
    wrong: Vec<String>,
}

impl Seen {
    fn note(&mut self, change: &Change<Board>) {
        self.changes += change.merged();
        for path in change.touched() {
            let known = self.last.as_ref().map_or(0, |last| last.value(path));
            let (old, new) = (change.before().value(path), change.after().value(path));
            // It leads on from exactly what was told of this path before.
            if old != known || new <= old {
                self.wrong.push(format!("{path}: {known}, then {old} to {new}"));
            }
        }
        self.last = Some(Arc::clone(change.after()));
    }
}

struct Crowd {
    good: Vec<(String, Arc<Mutex<Seen>>)>,
    subscriptions: Vec<Subscription>,
    stalled: Vec<Subscription>,
}

fn gather(notifier: &Notifier<Board>) -> Crowd {
    let mut crowd = Crowd { good: vec![], subscriptions: vec![], stalled: vec![] };
    let hour = Duration::from_secs(3600);
    for number in 0..160 {
        let patterns = if number % 20 == 0 { "*".to_owned() } else { format!("w{}.**", number % WRITERS) };
        let options = Options { priority: Priority::ALL[number % 4], ..options(&format!("good {number}"), &patterns) };
        let seen = Arc::new(Mutex::new(Seen::default()));
        crowd.good.push((patterns, Arc::clone(&seen)));
        crowd.subscriptions.push(if number % 2 == 0 {
            notifier.on_change(options, move |change| seen.lock().unwrap().note(change))
        } else {
            notifier.subscribe(options, move |change| {
                let seen = Arc::clone(&seen);
                async move {
                    yield_now().await;
                    seen.lock().unwrap().note(&change);
                }
            })
        });
    }
    for number in 0..20 {
        let options = options(&format!("fails {number}"), "*");
        crowd.subscriptions.push(notifier.subscribe(options, move |_| async move {
            assert!(number % 2 == 0, "SECRET");
            Err("always")
        }));
        let options = Options { timeout: hour, ..super::options(&format!("stalls {number}"), "*") };
        crowd.stalled.push(notifier.subscribe(options, |_| pending::<()>()));
    }
    crowd
}

type Store = Arc<(Mutex<Arc<Board>>, tokio::sync::Mutex<()>)>;

async fn write(store: Store, notifier: Notifier<Board>, writer: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for number in 0..usize::try_from(CHANGES).unwrap() / WRITERS {
        let start = Instant::now();
        let one_writer = store.1.lock().await;
        let old = Arc::clone(&store.0.lock().unwrap());
        let mut new = (*old).clone();
        new.version += 1;
        new.cells[writer][number * 7 % CELLS] += 1;
        let new = Arc::new(new);
        let prepared = notifier.prepare(old, Arc::clone(&new)).await.unwrap();
        *store.0.lock().unwrap() = new;
        prepared.commit().await;
        drop(one_writer);
        longest = longest.max(start.elapsed());
        yield_now().await;
    }
    longest
}

/// Reads until the last change is there; never goes back.
async fn read(store: Store) {
    let mut last = 0;
    while last < CHANGES {
        let board = Arc::clone(&store.0.lock().unwrap());
        assert!(board.is_whole() && board.version >= last);
        last = board.version;
        yield_now().await;
    }
}

/// Everything up to the end of the changes; the longest that any write took.
async fn run() -> (Notifier<Board>, Crowd, Store, Duration) {
    let notifier = Notifier::new();
    let crowd = gather(&notifier);
    let board = Board { version: 0, cells: [[0; CELLS]; WRITERS] };
    let store: Store = Arc::new((Mutex::new(Arc::new(board)), tokio::sync::Mutex::new(())));
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(Arc::clone(&store)))).collect();
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write(Arc::clone(&store), notifier.clone(), writer))).collect();
    let mut longest = Duration::ZERO;
    for writer in writers {
        longest = longest.max(writer.await.unwrap());
    }
    for reader in readers {
        reader.await.unwrap();
    }
    (notifier, crowd, store, longest)
}

fn nothing_was_lost(crowd: &Crowd, store: &Store) {
    let end = Arc::clone(&store.0.lock().unwrap());
    assert_eq!(end.version, CHANGES);
    for (patterns, seen) in &crowd.good {
        let seen = seen.lock().unwrap();
        assert_eq!(seen.wrong, Vec::<String>::new(), "{patterns}");
        let expected = if patterns == "*" { CHANGES } else { CHANGES / WRITERS as u64 };
        assert_eq!(seen.changes, expected, "{patterns}");
        let (last, patterns) = (seen.last.as_ref().unwrap(), Patterns::parse(patterns).unwrap());
        assert!(!last.touched(&end).iter().any(|path| patterns.matches(path)), "the last one told is the last one");
    }
}

#[tokio::test(start_paused = true)]
async fn no_operation_waits_for_who_stalls() {
    let (notifier, crowd, store, longest) = run().await;
    assert_eq!(longest, Duration::ZERO, "time passes only when everybody waits");
    let start = Instant::now();
    let flushed = notifier.shutdown(Duration::from_secs(60)).await;
    assert_eq!((flushed.complete, start.elapsed()), (180, Duration::from_secs(60)));
    let stalled: Vec<_> = (0..20).map(|number| format!("stalls {number}")).collect();
    assert_eq!(flushed.unfinished.iter().map(ToString::to_string).collect::<Vec<_>>(), stalled);
    nothing_was_lost(&crowd, &store);
    assert_eq!(notifier.stats().published, CHANGES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_threads() {
    let (notifier, mut crowd, store, longest) = run().await;
    assert!(longest < Duration::from_secs(30), "a write took {longest:?}");
    crowd.stalled.clear();
    let flushed = notifier.shutdown(Duration::from_secs(120)).await;
    assert_eq!(flushed, Flushed { complete: 180, unfinished: vec![] });
    nothing_was_lost(&crowd, &store);
    let stats = notifier.stats();
    assert_eq!((stats.published, stats.waiting, stats.dropped), (CHANGES, 0, 0));
    drop(crowd.subscriptions);
}
