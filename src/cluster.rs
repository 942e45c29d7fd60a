//! The only place that talks to the API server: the port `Cluster`, and the watches that feed a `Sink`.
//! Must not decide anything, and must not log or pass on in an error what a configuration or a key holds.

mod connect;
mod errors;
mod patience;
mod requests;

mod watch;

mod config_maps;
mod events;
mod keys;
mod lease;
mod loose;
mod records;
mod statuses;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rekindle_core::contract::signature::PushKeys;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
use rekindle_core::policy::Policy;
use rekindle_core::record::{NewVersion, Recorded};
use rekindle_core::status::{PolicyStatus, RollbackStatus, VersionStatus};
use rekindle_core::validate::SchemaFault;

use crate::ports::{Announcement, Clock, Cluster, ClusterError, ConfigMapFacts};

pub use connect::{ConnectError, client_of, connect, is_in_cluster, wait_for};
pub use kube::Client;
pub use lease::KubeLease;
pub use watch::{CatchUp, Scope, WatchEnded, Watches, watch};

use keys::Keys;
use requests::Requests;
use statuses::Shown;

/// The API server, as the port has it. Cheap to clone: clones share connections and what they remember.
#[derive(Clone)]
pub struct KubeCluster {
    requests: Requests,
    clock: Arc<dyn Clock>,
    shown: Arc<Shown>,
    keys: Arc<Keys>,
    /// ConfigMaps that were read one by one: the watch has to tell when they vanish.
    read: Arc<Mutex<BTreeSet<(Namespace, ObjectName)>>>,
}

impl KubeCluster {
    /// A cluster that is reached through this client; see [`connect`]. The clock gives transitions their time.
    #[must_use]
    pub fn new(client: kube::Client, clock: impl Clock) -> Self {
        Self {
            requests: Requests::new(client),
            clock: Arc::new(clock),
            shown: Arc::default(),
            keys: Arc::default(),
            read: Arc::default(),
        }
    }

    fn client(&self) -> kube::Client {
        self.requests.client()
    }
}

impl Cluster for KubeCluster {
    async fn record(&self, policy: &Policy, version: &NewVersion) -> Result<Recorded, ClusterError> {
        records::record((&self.requests, &self.shown), policy, version).await
    }

    async fn versions(&self, policy: &PolicyId) -> Result<Vec<Recorded>, ClusterError> {
        records::versions(&self.requests, policy).await
    }

    async fn prune(&self, policy: &PolicyId, number: VersionNumber) -> Result<(), ClusterError> {
        records::prune(&self.requests, policy, number).await
    }

    async fn show_policy(&self, policy: &PolicyId, status: &PolicyStatus) -> Result<(), ClusterError> {
        statuses::show_policy(self, policy, status).await
    }

    async fn show_unusable(&self, policy: &PolicyId, generation: i64, problem: &str) -> Result<(), ClusterError> {
        statuses::show_unusable(self, policy, generation, problem).await
    }

    async fn show_version(
        &self,
        policy: &PolicyId,
        number: VersionNumber,
        status: &VersionStatus,
    ) -> Result<(), ClusterError> {
        statuses::show_version(self, policy, number, status).await
    }

    async fn show_rollback(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
        status: &RollbackStatus,
    ) -> Result<(), ClusterError> {
        statuses::show_rollback(self, namespace, name, status).await
    }

    async fn show_schema(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
        generation: i64,
        faults: &[SchemaFault],
    ) -> Result<(), ClusterError> {
        statuses::show_schema(self, (namespace, name), generation, faults).await
    }

    async fn config_map(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Result<Option<ConfigMapFacts>, ClusterError> {
        let facts = config_maps::read(&self.requests, namespace, name).await?;
        if facts.is_some() {
            locked(&self.read).insert((namespace.clone(), name.clone()));
        }
        Ok(facts)
    }

    async fn write_active_copy(
        &self,
        policy: &Policy,
        name: &ObjectName,
        documents: &Documents,
    ) -> Result<ConfigMapFacts, ClusterError> {
        config_maps::write_active_copy(&self.requests, policy, name, documents).await
    }

    async fn restore_source(
        &self,
        namespace: &Namespace,
        (name, seen): (&ObjectName, &str),
        entries: &BTreeMap<DocumentName, Option<Bytes>>,
    ) -> Result<ConfigMapFacts, ClusterError> {
        config_maps::restore(&self.requests, namespace, (name, seen), entries).await
    }

    async fn create_default_policy(&self, config_map: &ConfigMapFacts) -> Result<(), ClusterError> {
        config_maps::create_default_policy(&self.requests, config_map).await
    }

    async fn announce(&self, policy: &Policy, announcement: &Announcement) -> Result<(), ClusterError> {
        events::announce(&self.requests, policy, announcement, self.clock.now()).await
    }

    async fn push_keys(&self, namespace: &Namespace) -> Result<PushKeys, ClusterError> {
        self.keys.of(&self.requests, namespace).await
    }
}

/// What a lock guards; a panic elsewhere leaves nothing half done behind one of these locks.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
