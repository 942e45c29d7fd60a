//! The actions that write something other than versions: the active copy, the author's source, pruning, Events.
//! Must not choose; which entries of which ConfigMap are restored follows from the documents alone.

use std::collections::BTreeMap;

use bytes::Bytes;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{ObjectName, VersionNumber};
use rekindle_core::policy::{Include, Source};

use super::super::view::{Snapshot, SourceSeen};
use super::super::worker::Worker;
use super::Outcome;
use crate::ports::{Announcement, Clock, Cluster, ClusterError, Push, Sighting, Sink as _};

type Entries = BTreeMap<DocumentName, Option<Bytes>>;

impl<C: Cluster, P: Push, K: Clock> Worker<C, P, K> {
    pub(super) async fn write_active_copy(
        &mut self,
        snapshot: &Snapshot,
        name: &ObjectName,
        number: VersionNumber,
    ) -> Outcome {
        const KIND: &str = super::ACTIVE_COPY;
        if self.holdoff.holds(KIND, self.shared.clock.now()) {
            return Outcome::Quiet;
        }
        let opened = snapshot.history.get(&number).map(|version| version.open());
        let documents = match opened {
            Some(Ok(documents)) => documents,
            Some(Err(error)) => {
                let detail = ClusterError::Refused { what: format!("version {number}"), detail: error.to_string() };
                self.failed(KIND, &detail);
                return Outcome::Failed;
            }
            None => return Outcome::Failed,
        };
        match self.shared.cluster.write_active_copy(&snapshot.policy, name, &documents).await {
            Ok(facts) => {
                self.holdoff.succeeded(KIND);
                let seen = Sighting::ConfigMap(self.id.namespace.clone(), name.clone(), Some(Box::new(facts)));
                self.shared.view.saw(seen);
                Outcome::Done
            }
            Err(error) => {
                self.failed(KIND, &error);
                Outcome::Failed
            }
        }
    }

    pub(super) async fn restore_source(&mut self, snapshot: &Snapshot, documents: &Documents) -> Outcome {
        const KIND: &str = super::RESTORE;
        if self.holdoff.holds(KIND, self.shared.clock.now()) {
            return Outcome::Failed;
        }
        for (name, entries) in shares(snapshot, documents) {
            let Some(seen) = resource_version(snapshot, &name) else { return Outcome::Failed };
            match self.shared.cluster.restore_source(&self.id.namespace, (&name, seen), &entries).await {
                Ok(facts) => {
                    let seen = Sighting::ConfigMap(self.id.namespace.clone(), name, Some(Box::new(facts)));
                    self.shared.view.saw(seen);
                }
                Err(error) => {
                    self.failed(KIND, &error);
                    return Outcome::Failed;
                }
            }
        }
        self.holdoff.succeeded(KIND);
        Outcome::Done
    }

    pub(super) async fn prune(&mut self, number: VersionNumber) -> Outcome {
        const KIND: &str = super::PRUNE;
        if self.holdoff.holds(KIND, self.shared.clock.now()) {
            return Outcome::Failed;
        }
        match self.shared.cluster.prune(&self.id, number).await {
            Ok(()) => {
                self.holdoff.succeeded(KIND);
                self.shared.view.saw(Sighting::Version(self.id.clone(), number, None));
                Outcome::Done
            }
            Err(error) => {
                self.failed(KIND, &error);
                Outcome::Failed
            }
        }
    }

    /// Events are told behind the worker's back; one that is lost is lost, the status says the same.
    pub(super) fn announce(&mut self, snapshot: &Snapshot, announcement: Announcement) {
        let Announcement { reason, message, .. } = &announcement;
        tracing::info!(policy = %self.id, %reason, message = %message, "announced");
        let (cluster, policy) = (self.shared.cluster.clone(), snapshot.policy.clone());
        self.tasks.spawn(async move {
            if let Err(error) = cluster.announce(&policy, &announcement).await {
                tracing::warn!(policy = %policy.id, error = %error, "an event could not be written");
            }
        });
    }
}

/// Which entries go back into which ConfigMap: a document goes where its name stands now, the last such source; one
/// that stands nowhere goes to the last ConfigMap that would take its name. Entries that the content does not have
/// are removed, among those that the policy reads.
fn shares(snapshot: &Snapshot, documents: &Documents) -> BTreeMap<ObjectName, Entries> {
    let mut shares: BTreeMap<ObjectName, Entries> = BTreeMap::new();
    let readable = || snapshot.policy.sources.iter().zip(&snapshot.sources).rev().filter_map(config_map);
    for (name, include, held) in readable() {
        let gone = held.keys().filter(|key| include.takes(key) && documents.get(key).is_none());
        shares.entry(name.clone()).or_default().extend(gone.map(|key| (key.clone(), None)));
    }
    for (key, content) in documents.iter() {
        let holder = readable().find(|(_, include, held)| include.takes(key) && held.contains_key(key));
        let Some((name, _, held)) = holder.or_else(|| readable().find(|(_, include, _)| include.takes(key))) else {
            continue;
        };
        if held.get(key) != Some(content) {
            shares.entry(name.clone()).or_default().insert(key.clone(), Some(content.clone()));
        }
    }
    shares.retain(|_, entries| !entries.is_empty());
    shares
}

/// At which resource version a source was seen.
fn resource_version<'a>(snapshot: &'a Snapshot, source: &ObjectName) -> Option<&'a str> {
    snapshot.sources.iter().find_map(|seen| match seen {
        SourceSeen::ConfigMap(Some(facts)) if facts.name == *source => Some(facts.resource_version.as_str()),
        _ => None,
    })
}

fn config_map<'a>(
    (source, seen): (&'a Source, &'a SourceSeen),
) -> Option<(&'a ObjectName, &'a Include, &'a BTreeMap<DocumentName, Bytes>)> {
    match (source, seen) {
        (Source::ConfigMap { name, include }, SourceSeen::ConfigMap(Some(facts))) => {
            Some((name, include, facts.documents.as_ref().ok()?))
        }
        _ => None,
    }
}
