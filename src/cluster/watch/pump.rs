//! One watch: events become sightings, and what a list no longer holds is reported as gone.
//! Must not know any kind.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource as _};
use tokio::sync::Notify;
use tokio::sync::watch::Sender;
use tokio_util::sync::CancellationToken;

use super::kinds::{Seen, Watched};
use super::mark::Mark;
use super::trouble::Trouble;
use crate::ports::Sink;

/// The server ends a watch after so many seconds, and one that is silent for longer counts as dead. Beginning anew is
/// one request that brings nothing twice.
const WATCH_SECONDS: u32 = 60;
/// How long one page of a list may take.
const PAGE_DEADLINE: Duration = Duration::from_secs(60);

/// When a watch may begin: once all watches of the kinds before it have listed.
pub(super) struct Turn {
    /// How many watches have listed.
    pub(super) count: Arc<Sender<usize>>,
    /// How many must have.
    pub(super) after: usize,
}

impl Turn {
    async fn comes(&self) {
        // The sender is held here, so the channel cannot close.
        let _ = self.count.subscribe().wait_for(|count| *count >= self.after).await;
    }
}

/// Where the events come from.
pub(super) struct Feed<K> {
    pub(super) api: Api<K>,
    /// Rings when the API server has agreed to a watch.
    pub(super) begun: Arc<Notify>,
    /// How far the sink was told of them.
    pub(super) mark: Mark,
}

/// Watches until told to stop.
pub(super) async fn pump<W: Watched, S: Sink>(
    kind: W,
    feed: Feed<W::Object>,
    sink: Arc<S>,
    turn: Turn,
    stop: CancellationToken,
) {
    let working = async {
        turn.comes().await;
        let mark = feed.mark.clone();
        let mut pump = Pump { kind, mark, sink, turn: Some(turn), known: BTreeSet::new(), listed: None };
        let mut trouble = Trouble::new(W::RESOURCE);
        loop {
            pump.follow(&feed, &mut trouble).await;
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = working => {}
    }
}

struct Pump<W: Watched, S> {
    kind: W,
    mark: Mark,
    sink: Arc<S>,
    /// Taken when the first list is complete.
    turn: Option<Turn>,
    /// What the sink was told of and not yet told to be gone.
    known: BTreeSet<W::Key>,
    /// What the list under way has held so far.
    listed: Option<BTreeSet<W::Key>>,
}

impl<W: Watched, S: Sink> Pump<W, S> {
    /// Lists and watches until a list gets stuck.
    async fn follow(&mut self, feed: &Feed<W::Object>, trouble: &mut Trouble) {
        let config = watcher::Config::default().page_size(W::PAGE).timeout(WATCH_SECONDS);
        let mut events = std::pin::pin!(watcher(feed.api.clone(), config));
        loop {
            let event = if self.listed.is_some() {
                match tokio::time::timeout(PAGE_DEADLINE, events.next()).await {
                    Ok(event) => event,
                    Err(_) => return trouble.stuck(PAGE_DEADLINE),
                }
            } else {
                tokio::select! {
                    biased;
                    event = events.next() => event,
                    () = feed.begun.notified() => {
                        trouble.begun();
                        continue;
                    }
                }
            };
            match event {
                Some(Ok(event)) => {
                    // A list is no sign of recovery: one that follows another without end is trouble itself.
                    if matches!(event, Event::Apply(_) | Event::Delete(_)) {
                        trouble.over();
                    }
                    self.take(event);
                }
                Some(Err(error)) => {
                    trouble.report(&error);
                    tokio::time::sleep(trouble.wait()).await;
                }
                None => return,
            }
        }
    }

    fn take(&mut self, event: Event<W::Object>) {
        match event {
            Event::Apply(object) | Event::InitApply(object) => self.applied(object),
            Event::Delete(object) => {
                let revision = object.meta().resource_version.clone();
                if let Some(key) = self.kind.key(&object) {
                    let known = self.known.remove(&key);
                    if known || self.kind.wants(&*self.sink, &key) {
                        self.gone(key);
                    }
                }
                self.mark.reach(revision.as_deref());
            }
            Event::Init => self.listed = Some(BTreeSet::new()),
            Event::InitDone => self.list_done(),
        }
    }

    fn applied(&mut self, object: W::Object) {
        let revision = object.meta().resource_version.clone();
        match self.kind.see(&*self.sink, &self.known, object) {
            Seen::Nothing => {}
            Seen::Keep(key, sighting) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(key.clone());
                }
                self.known.insert(key);
                self.sink.saw(sighting);
            }
            Seen::Last(key, sighting) => {
                self.known.remove(&key);
                self.sink.saw(sighting);
            }
        }
        self.mark.reach(revision.as_deref());
    }

    fn list_done(&mut self) {
        let listed = self.listed.take().unwrap_or_default();
        self.kind.join_read(&mut self.known);
        let vanished: Vec<_> = self.known.difference(&listed).cloned().collect();
        for key in vanished {
            self.known.remove(&key);
            self.gone(key);
        }
        if let Some(turn) = self.turn.take() {
            turn.count.send_modify(|count| *count = count.saturating_add(1));
        }
    }

    fn gone(&self, key: W::Key) {
        self.sink.saw(self.kind.gone(key));
    }
}
