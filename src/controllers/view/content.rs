//! What the shared picture holds, behind its lock.
//! Must not do anything slow: every watch and every worker waits for it.

mod everything;
mod take;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use rekindle_core::policy::{Policy, Source};
use rekindle_core::reconcile::observed::SchemaState;
use rekindle_core::record::{Recorded, RollbackRequest};
use rekindle_core::status::PolicyStatus;
use rekindle_core::target::PodFacts;
use rekindle_core::target::select::LabelSelector;
use rekindle_core::time::Timestamp;
use rekindle_core::validate::{Schema, SchemaFault};
use tokio::sync::Notify;

use crate::ports::{ConfigMapFacts, FilesSeen};

/// The versions of one policy.
pub type History = BTreeMap<VersionNumber, Arc<Recorded>>;
/// The pods of one namespace.
pub type Pods = BTreeMap<Uid, Arc<PodFacts>>;
type Place = (Namespace, ObjectName);

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Content {
    policies: BTreeMap<PolicyId, PolicyEntry>,
    named: BTreeMap<Place, BTreeSet<PolicyId>>,
    /// ConfigMaps that carry the label though no policy names them, without their content: whoever begins to lead
    /// gives them their default policy.
    labeled: BTreeMap<Place, ConfigMapFacts>,
    config_maps: BTreeMap<Place, Option<Arc<ConfigMapFacts>>>,
    schemas: BTreeMap<Place, SchemaEntry>,
    versions: BTreeMap<PolicyId, Arc<History>>,
    rollbacks: BTreeMap<PolicyId, BTreeMap<ObjectName, RollbackRequest>>,
    pods: BTreeMap<Namespace, PodsEntry>,
    claims: BTreeMap<Namespace, Arc<Vec<Claim>>>,
    files: BTreeMap<String, Arc<FilesSeen>>,
}

#[derive(Debug)]
struct PolicyEntry {
    policy: Result<Arc<Policy>, String>,
    generation: i64,
    status: Option<PolicyStatus>,
    bell: Arc<Notify>,
}

#[derive(Debug)]
struct SchemaEntry {
    uid: String,
    generation: i64,
    compiled: Result<Arc<Schema>, Vec<SchemaFault>>,
}

#[derive(Debug, Default)]
struct PodsEntry {
    pods: Arc<Pods>,
}

/// A policy's wish for pods, kept for its namespace.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose.
    pub policy: PolicyId,
    /// Since when.
    pub created: Timestamp,
    /// Which pods.
    pub selector: LabelSelector,
}

/// What a source looks like.
#[derive(Debug, Clone)]
pub enum SourceSeen {
    /// It has not been looked at yet.
    Unknown,
    /// A ConfigMap, or that there is none.
    ConfigMap(Option<Arc<ConfigMapFacts>>),
    /// A directory.
    Files(Arc<FilesSeen>),
}

/// What one policy's worker needs to know.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The policy.
    pub policy: Arc<Policy>,
    /// Its sources, in its order.
    pub sources: Vec<SourceSeen>,
    /// Its schema.
    pub schema: SchemaState,
    /// Its versions.
    pub history: Arc<History>,
    /// The rollbacks that name it.
    pub rollbacks: Vec<RollbackRequest>,
    /// The copy of the proven content.
    pub active_copy: SourceSeen,
    /// The pods of its namespace.
    pub pods: Arc<Pods>,
    /// The claims of its namespace.
    pub claims: Arc<Vec<Claim>>,
}

impl Content {
    pub(super) fn snapshot(&self, id: &PolicyId) -> Option<Snapshot> {
        let policy = self.policies.get(id)?.policy.as_ref().ok()?.clone();
        let config_map = |name: &ObjectName| match self.config_maps.get(&(id.namespace.clone(), name.clone())) {
            None => SourceSeen::Unknown,
            Some(facts) => SourceSeen::ConfigMap(facts.clone()),
        };
        let sources = policy.sources.iter().map(|source| match source {
            Source::ConfigMap { name, .. } => config_map(name),
            Source::Files { path } => {
                self.files.get(path).map_or(SourceSeen::Unknown, |seen| SourceSeen::Files(seen.clone()))
            }
        });
        Some(Snapshot {
            sources: sources.collect(),
            schema: self.schema_state(&policy),
            history: self.versions.get(id).cloned().unwrap_or_default(),
            rollbacks: self.rollbacks.get(id).map(|known| known.values().cloned().collect()).unwrap_or_default(),
            active_copy: policy.active_copy.as_ref().map_or(SourceSeen::ConfigMap(None), config_map),
            pods: self.pods.get(&id.namespace).map(|entry| entry.pods.clone()).unwrap_or_default(),
            claims: self.claims.get(&id.namespace).cloned().unwrap_or_default(),
            policy,
        })
    }

    fn schema_state(&self, policy: &Policy) -> SchemaState {
        let Some(name) = &policy.schema else { return SchemaState::None };
        match self.schemas.get(&(policy.id.namespace.clone(), name.clone())) {
            None => SchemaState::Missing,
            Some(SchemaEntry { compiled: Err(_), .. }) => SchemaState::Broken,
            Some(SchemaEntry { compiled: Ok(schema), .. }) => SchemaState::Ready(schema.clone()),
        }
    }

    pub(super) fn bell(&self, id: &PolicyId) -> Option<Arc<Notify>> {
        Some(self.policies.get(id)?.bell.clone())
    }

    pub(super) fn seen_status(&self, id: &PolicyId) -> Option<PolicyStatus> {
        self.policies.get(id)?.status.clone()
    }

    pub(super) fn schema_faults(&self, namespace: &Namespace, name: &ObjectName) -> Option<(i64, Vec<SchemaFault>)> {
        let entry = self.schemas.get(&(namespace.clone(), name.clone()))?;
        Some((entry.generation, entry.compiled.as_ref().err().cloned().unwrap_or_default()))
    }

    pub(super) fn has_policy(&self, id: &PolicyId) -> bool {
        self.policies.contains_key(id)
    }

    pub(super) fn is_named(&self, namespace: &Namespace, name: &ObjectName) -> bool {
        self.named.contains_key(&(namespace.clone(), name.clone()))
    }

    pub(super) fn named(&self) -> BTreeSet<Place> {
        self.named.keys().cloned().collect()
    }

    pub(super) fn has_open_rollback(&self, id: &PolicyId, name: &ObjectName) -> bool {
        self.rollbacks.get(id).and_then(|known| known.get(name)).is_some_and(|request| !request.finished)
    }

    pub(super) fn directories(&self) -> BTreeSet<String> {
        let usable = self.policies.values().filter_map(|entry| entry.policy.as_ref().ok());
        let paths = usable.flat_map(|policy| &policy.sources).filter_map(|source| match source {
            Source::Files { path } => Some(path.clone()),
            Source::ConfigMap { .. } => None,
        });
        paths.collect()
    }

    pub(super) fn fetched(&mut self, namespace: Namespace, name: ObjectName, facts: Option<ConfigMapFacts>) {
        let place = (namespace, name);
        if self.named.contains_key(&place) && !self.config_maps.contains_key(&place) {
            self.config_maps.insert(place.clone(), facts.map(Arc::new));
            self.ring_named(&place);
        }
    }

    fn ring_named(&self, place: &Place) {
        for id in self.named.get(place).into_iter().flatten() {
            self.ring(id);
        }
    }

    fn ring(&self, id: &PolicyId) {
        if let Some(entry) = self.policies.get(id) {
            entry.bell.notify_one();
        }
    }

    fn ring_namespace(&self, namespace: &Namespace) {
        for (id, entry) in &self.policies {
            if id.namespace == *namespace {
                entry.bell.notify_one();
            }
        }
    }
}
