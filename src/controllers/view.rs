//! The shared picture of the cluster and the files: filled by the watches, read by the workers.
//! Must not decide; it keeps what was seen, and wakes whoever it concerns.

mod content;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekindle_core::ids::{Namespace, ObjectName, PolicyId};
use rekindle_core::status::PolicyStatus;
use tokio::sync::{Notify, mpsc};

use crate::ports::{ConfigMapFacts, Sighting, Sink};
pub use content::{Claim, Pods, Snapshot, SourceSeen};

/// Something that concerns the driver rather than one worker.
#[derive(Debug, Clone)]
pub enum Change {
    /// A policy is there, or its specification changed.
    Policy(PolicyId),
    /// A policy is gone.
    PolicyGone(PolicyId),
    /// A policy's specification cannot be used.
    Unusable(PolicyId, i64, String),
    /// A schema is there or changed.
    Schema(Namespace, ObjectName),
    /// A ConfigMap is wanted that the watch may have passed over.
    Fetch(Namespace, ObjectName),
    /// A ConfigMap carries the label.
    Labeled(Box<ConfigMapFacts>),
    /// A rollback was seen.
    Rollback(PolicyId, ObjectName),
}

/// The shared picture.
#[derive(Debug)]
pub struct View {
    content: Mutex<content::Content>,
    changes: mpsc::UnboundedSender<Change>,
}

impl View {
    /// An empty picture, and where it tells of changes.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Change>) {
        let (changes, receiver) = mpsc::unbounded_channel();
        (Arc::new(Self { content: Mutex::default(), changes }), receiver)
    }

    fn content(&self) -> MutexGuard<'_, content::Content> {
        // Nothing that is done under the lock leaves the picture half changed.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one policy's worker needs to know; none when the policy is gone or cannot be used.
    #[must_use]
    pub fn snapshot(&self, policy: &PolicyId) -> Option<Snapshot> {
        self.content().snapshot(policy)
    }

    /// Who is woken when something changes for this policy.
    #[must_use]
    pub fn bell(&self, policy: &PolicyId) -> Option<Arc<Notify>> {
        self.content().bell(policy)
    }

    /// The policy's status as it was last seen, to restore the memory from.
    #[must_use]
    pub fn seen_status(&self, policy: &PolicyId) -> Option<PolicyStatus> {
        self.content().seen_status(policy)
    }

    /// A schema's generation and what is wrong with it.
    #[must_use]
    pub fn schema_faults(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> Option<(i64, Vec<rekindle_core::validate::SchemaFault>)> {
        self.content().schema_faults(namespace, name)
    }

    /// Whether a policy of this name exists, usable or not.
    #[must_use]
    pub fn has_policy(&self, policy: &PolicyId) -> bool {
        self.content().has_policy(policy)
    }

    /// Whether some policy names this ConfigMap as a source or as its active copy.
    #[must_use]
    pub fn is_named(&self, namespace: &Namespace, name: &ObjectName) -> bool {
        self.content().is_named(namespace, name)
    }

    /// Whether a rollback of this name still waits for somebody to carry it out.
    #[must_use]
    pub fn has_open_rollback(&self, policy: &PolicyId, name: &ObjectName) -> bool {
        self.content().has_open_rollback(policy, name)
    }

    /// Everything that there is, as if it were seen for the first time: for whoever begins to lead.
    #[must_use]
    pub fn everything(&self) -> Vec<Change> {
        self.content().everything()
    }

    /// A ConfigMap was read apart from the watch; what the watch saw meanwhile counts more.
    pub fn fetched(&self, namespace: Namespace, name: ObjectName, facts: Option<ConfigMapFacts>) {
        self.content().fetched(namespace, name, facts);
    }

    /// The ConfigMaps that policies name.
    #[must_use]
    pub fn named(&self) -> BTreeSet<(Namespace, ObjectName)> {
        self.content().named()
    }

    /// The directories of files that policies name.
    #[must_use]
    pub fn directories(&self) -> BTreeSet<String> {
        self.content().directories()
    }
}

impl Sink for View {
    fn wants_config_map(&self, namespace: &Namespace, name: &ObjectName) -> bool {
        self.content().is_named(namespace, name)
    }

    fn saw(&self, sighting: Sighting) {
        for change in self.content().take(sighting) {
            // The driver is gone only when the whole operator ends.
            let _ = self.changes.send(change);
        }
    }
}
