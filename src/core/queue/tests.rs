//! The order of the queue against a naive model that does what the module's text says, word by word.
//! Must not look into the queue.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;

const PATIENCE: Duration = Duration::from_millis(100);
const LIMITS: Limits = Limits { capacity: 5, batch: 3, patience: PATIENCE };

#[derive(Debug, Clone)]
enum Step {
    Push(u8, Priority),
    Take,
    Ask,
    /// Milliseconds; a clock may jump back.
    Pass(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let priority = prop_oneof![
        1 => Just(Priority::Critical), 2 => Just(Priority::High), 3 => Just(Priority::Normal), 3 => Just(Priority::Low),
    ];
    let step = prop_oneof![
        12 => (0..8_u8, priority).prop_map(|(path, priority)| Step::Push(path, priority)),
        4 => Just(Step::Take),
        1 => Just(Step::Ask),
        5 => (-60..160_i64).prop_map(Step::Pass),
    ];
    vec(step, 0..80)
}

/// A list, searched from the front, as slow as can be.
#[derive(Default)]
struct Model {
    waiting: Vec<Waiting>,
    /// How many changes a re-read covers, if one waits.
    covered: Option<u64>,
}

#[derive(Clone)]
struct Waiting {
    path: u8,
    priority: Priority,
    since: i64,
    /// All changes of the path that wait, the newest last.
    items: Vec<u64>,
}

impl Model {
    fn push(&mut self, path: u8, priority: Priority, item: u64, now: i64) {
        if let Some(covered) = &mut self.covered {
            *covered += 1;
        } else if let Some(same) = self.waiting.iter_mut().find(|waiting| waiting.path == path) {
            same.items.push(item);
            same.priority = same.priority.min(priority);
        } else if self.waiting.len() == LIMITS.capacity {
            self.ask();
            *self.covered.as_mut().unwrap() += 1;
        } else {
            self.waiting.push(Waiting { path, priority, since: now, items: vec![item] });
        }
    }

    fn ask(&mut self) {
        *self.covered.get_or_insert_default() += self.waiting.drain(..).count() as u64;
    }

    fn take(&mut self, now: i64) -> Vec<Waiting> {
        let mut taken = Vec::new();
        while taken.len() < LIMITS.batch && !self.waiting.is_empty() {
            let risen = |waiting: &Waiting| (i64::from(waiting.priority.rank()) - (now - waiting.since) / 100).max(0);
            // The first of the smallest: entries stand in the order in which they arrived.
            let smallest = self.waiting.iter().map(risen).min().unwrap();
            let position = self.waiting.iter().position(|waiting| risen(waiting) == smallest).unwrap();
            taken.push(self.waiting.remove(position));
        }
        taken
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn the_order_is_the_one_that_the_text_states(steps in steps()) {
        let (mut queue, mut model) = (Queue::new(LIMITS), Model::default());
        let (mut clock, mut latest, mut pushed) = (0, i64::MIN, 0);
        for step in steps {
            if !matches!(step, Step::Pass(_)) {
                latest = latest.max(clock);
            }
            match step {
                Step::Push(path, priority) => {
                    pushed += 1;
                    queue.push(path, priority, pushed, Timestamp(clock));
                    model.push(path, priority, pushed, latest);
                }
                Step::Pass(millis) => clock += millis,
                Step::Ask => {
                    queue.ask_reread(Timestamp(clock));
                    model.ask();
                }
                Step::Take => match queue.take(Timestamp(clock)) {
                    Some(Batch::Reread(reread)) => {
                        prop_assert_eq!(Some(reread.covers), model.covered.take());
                    }
                    Some(Batch::Changes(changes)) => {
                        prop_assert!(model.covered.is_none());
                        let expected = model.take(latest);
                        prop_assert_eq!(changes.len(), expected.len());
                        for (change, expected) in changes.iter().zip(&expected) {
                            prop_assert_eq!(change.path, expected.path);
                            prop_assert_eq!(change.priority, expected.priority);
                            prop_assert_eq!(change.since, Timestamp(expected.since));
                            prop_assert_eq!(Some(&change.item), expected.items.last());
                            prop_assert_eq!(change.replaced as usize + 1, expected.items.len());
                        }
                    }
                    None => prop_assert!(model.covered.is_none() && model.waiting.is_empty()),
                },
            }
            let waiting = model.waiting.len();
            prop_assert!(waiting <= LIMITS.capacity);
            prop_assert_eq!(queue.len(), waiting + usize::from(model.covered.is_some()));
            let Counters { pushed, taken, replaced, collapsed, .. } = queue.counters();
            prop_assert_eq!(pushed, taken + replaced + collapsed + waiting as u64);
        }
    }

    /// However much that is urgent keeps arriving, what waited three times the patience comes next but for its elders.
    #[test]
    fn nothing_starves(arrivals in vec((0..4_usize, 0..40_i64), 1..60)) {
        let mut queue = Queue::new(Limits { capacity: 1000, batch: 1, patience: PATIENCE });
        queue.push(0, Priority::Low, (), Timestamp(0));
        let (mut now, mut taken) = (0, false);
        for (path, (rank, pause)) in (1..).zip(arrivals) {
            now += pause;
            queue.push(path, Priority::ALL[rank], (), Timestamp(now));
            queue.push(path + 1000, Priority::Critical, (), Timestamp(now));
            let Some(Batch::Changes(changes)) = queue.take(Timestamp(now)) else { unreachable!() };
            taken |= changes[0].path == 0;
            prop_assert!(taken || now < 300, "it waits since {now} ms");
        }
    }
}

#[test]
fn an_overflow_loses_nothing_and_says_so() {
    let mut queue = Queue::new(Limits::default());
    for path in 0..1000 {
        assert_eq!(queue.push(path, Priority::Low, path, Timestamp(7)), Pushed::Queued);
    }
    assert_eq!(queue.push(3, Priority::Low, 5000, Timestamp(8)), Pushed::Replaced(3), "a known path needs no room");
    let reread = Reread { cause: Cause::Overflow, since: Timestamp(7), priority: Priority::High, covers: 1001 };
    assert_eq!(queue.push(1000, Priority::High, 1000, Timestamp(9)), Pushed::Overflowed(reread));
    assert_eq!(queue.push(1001, Priority::Low, 1001, Timestamp(9)), Pushed::Covered);
    assert_eq!(queue.len(), 1);
    assert_eq!(queue.take(Timestamp(9)), Some(Batch::Reread(Reread { covers: 1002, ..reread })));
    assert_eq!(queue.take(Timestamp(9)), None);
    assert_eq!(queue.push(1001, Priority::Low, 1002, Timestamp(9)), Pushed::Queued, "what comes after it is new");
    let counters = Counters { pushed: 1004, taken: 0, replaced: 1, collapsed: 1002, rereads: 1 };
    assert_eq!(queue.counters(), counters);
}

#[test]
fn a_reread_can_be_asked_for_when_nothing_waits() {
    let mut queue: Queue<u8, ()> = Queue::new(Limits::default());
    let asked = queue.ask_reread(Timestamp(1));
    assert_eq!((asked.cause, asked.covers), (Cause::Asked, 0));
    assert_eq!(queue.ask_reread(Timestamp(2)), asked, "one is enough");
    assert_eq!(queue.take(Timestamp(3)), Some(Batch::Reread(asked)));
}

#[test]
fn limits_of_zero_are_of_use() {
    let mut queue = Queue::new(Limits { capacity: 0, batch: 0, patience: Duration::ZERO });
    queue.push('a', Priority::Low, (), Timestamp(0));
    assert!(matches!(queue.take(Timestamp(0)), Some(Batch::Changes(changes)) if changes.len() == 1));
    let mut queue = Queue::new(Limits { patience: Duration::ZERO, ..Limits::default() });
    queue.push('a', Priority::Low, (), Timestamp(0));
    queue.push('b', Priority::Critical, (), Timestamp(0));
    assert!(matches!(queue.take(Timestamp(0)), Some(Batch::Changes(changes)) if changes[0].path == 'a'));
}
