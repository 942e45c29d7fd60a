//! Who subscribes, and whom a change touches.
//! Must not know how anybody is told.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use rekindle_core::priority::Priority;
use rekindle_core::subscribe::{Index, Patterns};
use rekindle_core::value::Path;
use tokio::task::JoinHandle;

use super::change::Compare;
use super::mailbox::Mailbox;
use super::veto::Voter;

/// A subscriber in the index: the more urgent come first, and among equals the elder.
pub(super) struct Member<M> {
    place: (Priority, u64),
    pub(super) mailbox: Arc<M>,
}

impl<M> Member<M> {
    pub(super) fn priority(&self) -> Priority {
        self.place.0
    }
}

impl<M> Clone for Member<M> {
    fn clone(&self) -> Self {
        Self { place: self.place, mailbox: Arc::clone(&self.mailbox) }
    }
}

impl<M> PartialEq for Member<M> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl<M> Eq for Member<M> {}

impl<M> PartialOrd for Member<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Member<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
    }
}

type Entry<T> = (Member<Mailbox<T>>, Option<JoinHandle<()>>);

pub(super) struct Registry<T> {
    subscribers: Index<Member<Mailbox<T>>>,
    entries: BTreeMap<(Priority, u64), Entry<T>>,
    voters: Index<Member<Voter<T>>>,
    voting: usize,
    next: u64,
    pub(super) closed: bool,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self {
            subscribers: Index::default(),
            entries: BTreeMap::new(),
            voters: Index::default(),
            voting: 0,
            next: 0,
            closed: false,
        }
    }
}

impl<T: Compare> Registry<T> {
    pub(super) fn member<M>(&mut self, priority: Priority, mailbox: Arc<M>) -> Member<M> {
        self.next += 1;
        Member { place: (priority, self.next), mailbox }
    }

    pub(super) fn enter(&mut self, member: Member<Mailbox<T>>, patterns: &Patterns, task: Option<JoinHandle<()>>) {
        if self.closed {
            member.mailbox.drain();
            return;
        }
        self.subscribers.insert(&member, patterns);
        self.entries.insert(member.place, (member, task));
    }

    pub(super) fn remove(&mut self, member: &Member<Mailbox<T>>, patterns: &Patterns) -> Option<JoinHandle<()>> {
        self.subscribers.remove(member, patterns);
        self.entries.remove(&member.place).and_then(|(_, task)| task)
    }

    pub(super) fn enter_voter(&mut self, member: &Member<Voter<T>>, patterns: &Patterns) {
        if !self.closed {
            self.voters.insert(member, patterns);
        }
        self.voting += 1;
    }

    pub(super) fn remove_voter(&mut self, member: &Member<Voter<T>>, patterns: &Patterns) {
        self.voters.remove(member, patterns);
        self.voting -= 1;
    }

    pub(super) fn subscribers_of(&self, paths: &[Path]) -> Vec<Member<Mailbox<T>>> {
        self.subscribers.touched_by(paths)
    }

    pub(super) fn voters_of(&self, paths: &[Path]) -> Vec<Member<Voter<T>>> {
        self.voters.touched_by(paths)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() + self.voting
    }

    pub(super) fn waiting(&self) -> usize {
        self.entries.values().map(|(member, _)| member.mailbox.waiting()).sum()
    }

    /// Takes nothing more in; the tasks that still tell of what waits, by name.
    pub(super) fn close(&mut self) -> Vec<(Arc<str>, JoinHandle<()>)> {
        self.closed = true;
        self.subscribers = Index::default();
        self.voters = Index::default();
        let entries = std::mem::take(&mut self.entries).into_values();
        let told = entries.filter_map(|(member, task)| {
            member.mailbox.drain();
            Some((Arc::clone(&member.mailbox.name), task?))
        });
        told.collect()
    }
}
