//! What waits for one subscriber: bounded, in the order in which it was published, merged where it must be.
//! Must not know who reads it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use rekindle_core::subscribe::{Due, Gathering, Overfull, Patterns, Place};
use rekindle_core::time::Timestamp;
use tokio::sync::Notify;

use super::change::{Compare, Step};
use super::options::Options;

pub(super) struct Mailbox<T> {
    pub(super) name: Arc<str>,
    pub(super) patterns: Arc<Patterns>,
    capacity: usize,
    overfull: Overfull,
    gathering: Gathering,
    state: Mutex<State<T>>,
    /// Rings when something was taken out.
    pub(super) room: Notify,
}

struct State<T> {
    waiting: VecDeque<Pending<T>>,
    phase: Phase,
    missed: u64,
    reader: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Open,
    /// Nothing more comes in; what waits goes out.
    Draining,
    /// Nobody reads it any more.
    Gone,
}

/// One change that waits, or several that were merged.
pub(super) struct Pending<T> {
    first: Arc<Step<T>>,
    last: Option<Arc<Step<T>>>,
    pub(super) count: u64,
    /// Known only where changes are gathered.
    since: Timestamp,
}

impl<T: Compare> Pending<T> {
    fn merge(&mut self, newer: Self) {
        self.last = Some(newer.last.unwrap_or(newer.first));
        self.count += newer.count;
    }

    /// What is left of it when everything that was undone is taken out.
    pub(super) fn net(self) -> Arc<Step<T>> {
        match self.last {
            None => self.first,
            Some(last) => Arc::new(Step::between(Arc::clone(&self.first.old), Arc::clone(&last.new))),
        }
    }
}

/// What became of a change that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    Taken,
    Merged,
    Dropped,
    Full(Duration),
    /// Nobody reads it any more.
    Gone,
}

/// What a reader finds.
pub(super) enum Look<T> {
    Change(Pending<T>),
    /// Nothing yet; look again at this time, or when something arrives.
    Wait(Option<Timestamp>),
    Ended,
}

impl<T: Compare> Mailbox<T> {
    pub(super) fn new(options: &Options) -> Self {
        let state = State { waiting: VecDeque::new(), phase: Phase::Open, missed: 0, reader: None };
        Self {
            name: Arc::clone(&options.name),
            patterns: Arc::new(options.patterns.clone()),
            capacity: options.capacity,
            overfull: options.overfull,
            gathering: options.gathering,
            state: Mutex::new(state),
            room: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gathers(&self) -> bool {
        self.gathering.most > 1
    }

    /// Takes a change in, as far as there is room. `forced` ones are merged where they would have to wait.
    pub(super) fn offer(&self, step: &Arc<Step<T>>, now: impl FnOnce() -> Timestamp, forced: bool) -> Offered {
        let mut state = self.state();
        if state.phase != Phase::Open {
            return Offered::Gone;
        }
        let place = match self.overfull.place(state.waiting.len(), self.capacity) {
            _ if self.gathers() => Place::Merge,
            Place::Wait(_) if forced => Place::Merge,
            place => place,
        };
        let since = if self.gathers() { now() } else { Timestamp::default() };
        let pending = Pending { first: Arc::clone(step), last: None, count: 1, since };
        let offered = match place {
            Place::Wait(at_most) => return Offered::Full(at_most),
            Place::Drop => {
                state.missed += 1;
                return Offered::Dropped;
            }
            Place::Queue => {
                state.waiting.push_back(pending);
                Offered::Taken
            }
            Place::Merge => match state.waiting.back_mut() {
                Some(newest) => {
                    newest.merge(pending);
                    Offered::Merged
                }
                None => {
                    state.waiting.push_back(pending);
                    Offered::Taken
                }
            },
        };
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        offered
    }

    /// Takes out what is due; the reader is woken when there is more to see.
    pub(super) fn look(&self, now: impl FnOnce() -> Timestamp, reader: &Waker) -> Look<T> {
        let mut state = self.state();
        if state.phase == Phase::Gone {
            return Look::Ended;
        }
        let flush = state.phase == Phase::Draining;
        let due = match state.waiting.front() {
            None if flush => return Look::Ended,
            None => Due::Never,
            Some(_) if !self.gathers() => Due::Now,
            Some(first) => {
                let gathered = usize::try_from(first.count).unwrap_or(usize::MAX);
                self.gathering.due(gathered, first.since, now(), flush)
            }
        };
        let found = match due {
            Due::Now => state.waiting.pop_front(),
            Due::Never | Due::At(_) => None,
        };
        if let Some(pending) = found {
            drop(state);
            if matches!(self.overfull, Overfull::Block(_)) {
                self.room.notify_one();
            }
            return Look::Change(pending);
        }
        if !state.reader.as_ref().is_some_and(|known| known.will_wake(reader)) {
            state.reader = Some(reader.clone());
        }
        Look::Wait(if let Due::At(at) = due { Some(at) } else { None })
    }

    /// How many changes were dropped since this was last asked.
    pub(super) fn take_missed(&self) -> u64 {
        std::mem::take(&mut self.state().missed)
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Lets what waits go out, and takes nothing more in.
    pub(super) fn drain(&self) {
        self.end(Phase::Draining);
    }

    /// Throws away what waits.
    pub(super) fn close(&self) {
        self.end(Phase::Gone);
    }

    fn end(&self, phase: Phase) {
        let mut state = self.state();
        if state.phase == Phase::Gone {
            return;
        }
        state.phase = phase;
        // Dropped after the lock: the last owner of a snapshot runs code that is not ours.
        let forgotten = if phase == Phase::Gone { std::mem::take(&mut state.waiting) } else { VecDeque::new() };
        let reader = state.reader.take();
        drop(state);
        drop(forgotten);
        if let Some(reader) = reader {
            reader.wake();
        }
        self.room.notify_one();
    }
}
