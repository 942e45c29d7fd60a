//! The watches: one per kind and watched namespace, never one per policy, each feeding the sink at once.
//! Must not know what is done with a sighting.
//!
//! Flow: the kinds are listed one after the other (policies, schemas, versions, rollbacks, pods, config maps), so that
//! the sink knows which ConfigMaps it wants before they come; then all are watched.
//! Guarantees: what vanished while a watch was down is reported as gone when it is up again; no object stops a watch;
//! a watch ends only when it is told to.

mod begun;
mod catch_up;
mod kinds;
mod mark;
mod native;
mod pump;
mod trouble;

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::Api;
use rekindle_core::ids::Namespace;
use tokio::sync::Notify;
use tokio::sync::watch::{self as counter, Receiver};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{KubeCluster, connect};
use crate::ports::Sink;
pub use catch_up::CatchUp;
use kinds::{Policies, Rollbacks, Schemas, Versions, Watched};
use mark::{Mark, Marks};
use native::{ConfigMaps, Pods};
use pump::{Feed, Turn, pump};

/// Which namespaces are worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// These.
    Namespaces(BTreeSet<Namespace>),
}

impl Scope {
    /// These namespaces, or all when there are none.
    #[must_use]
    pub fn of(namespaces: impl IntoIterator<Item = Namespace>) -> Self {
        let namespaces: BTreeSet<_> = namespaces.into_iter().collect();
        if namespaces.is_empty() { Self::All } else { Self::Namespaces(namespaces) }
    }

    fn places(&self) -> Vec<Option<&Namespace>> {
        match self {
            Self::All => vec![None],
            Self::Namespaces(namespaces) => namespaces.iter().map(Some).collect(),
        }
    }
}

/// A watch ended though nobody told it to.
#[derive(Debug, thiserror::Error)]
#[error("a watch of the API server ended")]
pub struct WatchEnded(#[source] Option<tokio::task::JoinError>);

/// The running watches. Dropping it ends them.
pub struct Watches {
    tasks: JoinSet<()>,
    listed: Receiver<usize>,
    stop: CancellationToken,
    catch_up: CatchUp,
}

impl Watches {
    /// How to wait until they have told of everything that is written already.
    #[must_use]
    pub fn catch_up(&self) -> CatchUp {
        self.catch_up.clone()
    }

    /// Waits until every kind was listed once. False when told to stop before.
    pub async fn synced(&mut self) -> bool {
        let all = self.tasks.len().saturating_sub(1);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            listed = self.listed.wait_for(|listed| *listed >= all) => listed.is_ok(),
        }
    }

    /// Waits until all watches ended, as they do when told to stop.
    ///
    /// # Errors
    /// [`WatchEnded`] as soon as one ends without being told to; then the picture is no longer kept, and the process
    /// should end too.
    pub async fn ended(mut self) -> Result<(), WatchEnded> {
        while let Some(ended) = self.tasks.join_next().await {
            if !self.stop.is_cancelled() {
                return Err(WatchEnded(ended.err()));
            }
        }
        Ok(())
    }
}

/// Starts to watch, and tells the sink of everything until told to stop.
pub fn watch<S: Sink>(cluster: &KubeCluster, sink: Arc<S>, scope: &Scope, stop: CancellationToken) -> Watches {
    let (count, listed) = counter::channel(0);
    let mut starter =
        Starter { cluster, sink, scope, stop: stop.clone(), count: Arc::new(count), tasks: JoinSet::new(), before: 0 };
    let policies = starter.start(|_| Policies::new(cluster));
    starter.start(|_| Schemas::new(cluster));
    let versions = starter.start(|_| Versions::new(cluster));
    let rollbacks = starter.start(|_| Rollbacks::new(cluster));
    starter.start(|_| Pods::default());
    let config_maps = starter.start(|namespace| ConfigMaps::new(cluster, namespace));
    let mut tasks = starter.tasks;
    tasks.spawn(connect::keep_warm(cluster.client(), stop.clone()));
    let catch_up = CatchUp { requests: cluster.requests.clone(), policies, versions, rollbacks, config_maps };
    Watches { tasks, listed, stop, catch_up }
}

struct Starter<'a, S> {
    cluster: &'a KubeCluster,
    sink: Arc<S>,
    scope: &'a Scope,
    stop: CancellationToken,
    count: Arc<counter::Sender<usize>>,
    tasks: JoinSet<()>,
    /// How many watches were started for kinds that come before.
    before: usize,
}

impl<S: Sink> Starter<'_, S> {
    fn start<W: Watched>(&mut self, kind: impl Fn(Option<&Namespace>) -> W) -> Marks {
        let places = self.scope.places();
        let mut marks = Marks::new();
        for place in &places {
            let begun = Arc::new(Notify::new());
            let client = begun::noticing(self.cluster.client(), begun.clone());
            let api: Api<W::Object> = match place {
                None => Api::all(client),
                Some(namespace) => Api::namespaced(client, namespace.as_str()),
            };
            let turn = Turn { count: self.count.clone(), after: self.before };
            let feed = Feed { api, begun, mark: Mark::new() };
            marks.push((place.cloned(), feed.mark.clone()));
            self.tasks.spawn(pump(kind(*place), feed, self.sink.clone(), turn, self.stop.clone()));
        }
        self.before = self.before.saturating_add(places.len());
        marks
    }
}
