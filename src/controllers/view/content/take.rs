//! How each kind of sighting changes the picture, whom it wakes, and what it means for the driver.
//! Must not wake anybody for what changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use rekindle_core::policy::{Policy, Source};
use rekindle_core::record::{Recorded, RollbackRequest};
use rekindle_core::target::PodFacts;
use rekindle_core::validate::{self, SchemaFault};
use tokio::sync::Notify;

use super::super::Change;
use super::{Claim, Content, PolicyEntry, SchemaEntry};
use crate::ports::{ConfigMapFacts, FilesSeen, PolicySeen, SchemaSeen, Sighting};

impl Content {
    pub(in super::super) fn take(&mut self, sighting: Sighting) -> Vec<Change> {
        match sighting {
            Sighting::Policy(id, Some(seen)) => self.take_policy(id, *seen),
            Sighting::Policy(id, None) => self.drop_policy(id),
            Sighting::Schema(namespace, name, seen) => self.take_schema(namespace, name, seen),
            Sighting::Version(id, number, seen) => self.take_version(id, number, seen),
            Sighting::Rollback(id, name, seen) => self.take_rollback(id, name, seen),
            Sighting::ConfigMap(namespace, name, seen) => self.take_config_map(namespace, name, seen),
            Sighting::Pod(namespace, uid, seen) => self.take_pod(namespace, uid, seen),
            Sighting::Files(path, seen) => self.take_files(path, seen),
        }
    }

    fn take_policy(&mut self, id: PolicyId, seen: PolicySeen) -> Vec<Change> {
        let known = self.policies.get_mut(&id);
        let same = known.as_ref().is_some_and(|entry| match (&entry.policy, &seen.policy) {
            (Ok(old), Ok(new)) => old.generation == new.generation && old.uid == new.uid,
            (Err(old), Err(new)) => (old, entry.generation) == (new, seen.generation),
            _ => false,
        });
        if let (true, Some(entry)) = (same, known) {
            // Nobody is woken for it, but whoever restores a memory needs the newest.
            entry.status = seen.status;
            return Vec::new();
        }
        let bell = self.policies.get(&id).map_or_else(|| Arc::new(Notify::new()), |entry| entry.bell.clone());
        let mut changes = Vec::new();
        let policy = seen.policy.map(Arc::new);
        match &policy {
            Ok(policy) => {
                changes.push(Change::Policy(id.clone()));
                self.rename(&id, policy);
            }
            Err(problem) => changes.push(Change::Unusable(id.clone(), seen.generation, problem.clone())),
        }
        let (generation, status) = (seen.generation, seen.status);
        self.policies.insert(id.clone(), PolicyEntry { policy, generation, status, bell });
        self.claim(&id.namespace);
        changes.extend(self.unknown(&id));
        self.ring_namespace(&id.namespace);
        changes
    }

    fn drop_policy(&mut self, id: PolicyId) -> Vec<Change> {
        if let Some(entry) = self.policies.remove(&id) {
            entry.bell.notify_one();
        }
        self.forget_names(&id);
        self.forget_unnamed();
        self.claim(&id.namespace);
        self.ring_namespace(&id.namespace);
        vec![Change::PolicyGone(id)]
    }

    /// Notes which ConfigMaps the policy names.
    fn rename(&mut self, id: &PolicyId, policy: &Policy) {
        self.forget_names(id);
        let sources = policy.sources.iter().filter_map(|source| match source {
            Source::ConfigMap { name, .. } => Some(name),
            Source::Files { .. } => None,
        });
        for name in sources.chain(&policy.active_copy) {
            let place = (id.namespace.clone(), name.clone());
            self.labeled.remove(&place);
            self.named.entry(place).or_default().insert(id.clone());
        }
        self.forget_unnamed();
    }

    /// What nobody names is no longer kept up to date by the watch, so it must not be found again later.
    fn forget_unnamed(&mut self) {
        let named = &self.named;
        self.config_maps.retain(|place, _| named.contains_key(place));
    }

    fn forget_names(&mut self, id: &PolicyId) {
        self.named.retain(|_, policies| {
            policies.remove(id);
            !policies.is_empty()
        });
    }

    fn unknown(&self, id: &PolicyId) -> Vec<Change> {
        let places = self.named.iter().filter(|(_, policies)| policies.contains(id)).map(|(place, _)| place);
        let missing = places.filter(|place| !self.config_maps.contains_key(*place));
        missing.map(|(namespace, name)| Change::Fetch(namespace.clone(), name.clone())).collect()
    }

    fn claim(&mut self, namespace: &Namespace) {
        let policies = self.policies.iter().filter(|(id, _)| id.namespace == *namespace);
        let claims = policies.filter_map(|(id, entry)| {
            let policy = entry.policy.as_ref().ok()?;
            let selector = policy.targets.as_ref()?.selector.clone();
            Some(Claim { policy: id.clone(), created: policy.created, selector })
        });
        let claims = Arc::new(claims.collect());
        self.claims.insert(namespace.clone(), claims);
    }

    fn take_schema(&mut self, namespace: Namespace, name: ObjectName, seen: Option<SchemaSeen>) -> Vec<Change> {
        let place = (namespace.clone(), name.clone());
        let mut changes = Vec::new();
        match seen {
            Some(seen) if self.schemas.get(&place).is_some_and(|known| is_same(known, &seen)) => return changes,
            Some(seen) => {
                let compiled = match &seen.spec {
                    Ok(spec) => validate::compile(spec).map(Arc::new),
                    Err(problem) => Err(vec![unreadable(problem)]),
                };
                self.schemas.insert(place, SchemaEntry { uid: seen.uid, generation: seen.generation, compiled });
                changes.push(Change::Schema(namespace.clone(), name.clone()));
            }
            None => {
                self.schemas.remove(&place);
            }
        }
        for (id, entry) in &self.policies {
            let uses = entry.policy.as_ref().is_ok_and(|policy| policy.schema.as_ref() == Some(&name));
            if id.namespace == namespace && uses {
                entry.bell.notify_one();
            }
        }
        changes
    }

    fn take_version(&mut self, id: PolicyId, number: VersionNumber, seen: Option<Box<Recorded>>) -> Vec<Change> {
        let history = Arc::make_mut(self.versions.entry(id.clone()).or_default());
        match seen {
            Some(version) if history.get(&number).is_some_and(|known| **known == *version) => return Vec::new(),
            Some(version) => {
                history.insert(number, Arc::new(*version));
            }
            None => {
                history.remove(&number);
            }
        }
        if history.is_empty() {
            self.versions.remove(&id);
        }
        self.ring(&id);
        Vec::new()
    }

    fn take_rollback(&mut self, id: PolicyId, name: ObjectName, seen: Option<RollbackRequest>) -> Vec<Change> {
        let known = self.rollbacks.entry(id.clone()).or_default();
        let changes = match seen {
            Some(request) if known.get(&name) == Some(&request) => return Vec::new(),
            Some(request) => {
                known.insert(name.clone(), request);
                vec![Change::Rollback(id.clone(), name)]
            }
            None => {
                known.remove(&name);
                Vec::new()
            }
        };
        if known.is_empty() {
            self.rollbacks.remove(&id);
        }
        self.ring(&id);
        changes
    }

    fn take_config_map(
        &mut self,
        namespace: Namespace,
        name: ObjectName,
        seen: Option<Box<ConfigMapFacts>>,
    ) -> Vec<Change> {
        let place = (namespace, name);
        let labeled = seen.as_ref().filter(|facts| facts.labeled).cloned();
        if self.named.contains_key(&place) {
            let known = self.config_maps.get(&place);
            let news = match (known.and_then(Option::as_ref), &seen) {
                (Some(known), Some(facts)) => is_newer(known, facts),
                (None, None) => known.is_none(),
                _ => true,
            };
            if news {
                self.config_maps.insert(place.clone(), seen.map(|facts| Arc::new(*facts)));
                self.ring_named(&place);
            }
            return Vec::new();
        }
        let Some(facts) = labeled else {
            self.labeled.remove(&place);
            return Vec::new();
        };
        self.labeled.insert(place, ConfigMapFacts { documents: Ok(BTreeMap::new()), ..(*facts).clone() });
        vec![Change::Labeled(facts)]
    }

    fn take_pod(&mut self, namespace: Namespace, uid: Uid, seen: Option<Box<PodFacts>>) -> Vec<Change> {
        let entry = self.pods.entry(namespace.clone()).or_default();
        match seen {
            Some(facts) if entry.pods.get(&uid).is_some_and(|known| **known == *facts) => return Vec::new(),
            Some(facts) => {
                Arc::make_mut(&mut entry.pods).insert(uid, Arc::new(*facts));
            }
            None if !entry.pods.contains_key(&uid) => return Vec::new(),
            None => {
                Arc::make_mut(&mut entry.pods).remove(&uid);
            }
        }
        self.ring_namespace(&namespace);
        Vec::new()
    }

    fn take_files(&mut self, path: String, seen: FilesSeen) -> Vec<Change> {
        if self.files.get(&path).is_some_and(|known| **known == seen) {
            return Vec::new();
        }
        self.files.insert(path.clone(), Arc::new(seen));
        for entry in self.policies.values() {
            let names = entry.policy.as_ref().is_ok_and(|policy| {
                policy.sources.iter().any(|source| matches!(source, Source::Files { path: named } if *named == path))
            });
            if names {
                entry.bell.notify_one();
            }
        }
        Vec::new()
    }
}

/// Whether the facts are news: a read that was answered late must not undo what a write returned.
///
/// Resource versions of one kind grow (Kubernetes API concepts, "Resource versions"); where they are no numbers, any
/// other one is news.
fn is_newer(known: &ConfigMapFacts, facts: &ConfigMapFacts) -> bool {
    if known.uid != facts.uid {
        return true;
    }
    match (known.resource_version.parse::<u64>(), facts.resource_version.parse::<u64>()) {
        (Ok(known), Ok(seen)) => seen > known,
        _ => known.resource_version != facts.resource_version,
    }
}

/// Whether nothing changed. A schema that was deleted and made anew counts its generations from the beginning.
fn is_same(known: &SchemaEntry, seen: &SchemaSeen) -> bool {
    (known.generation, &known.uid) == (seen.generation, &seen.uid)
}

/// What a definition let pass that is no schema: an object from before the definition changed, or from one that is
/// newer than this program.
fn unreadable(problem: &str) -> SchemaFault {
    let hint = "compare it with the installed definition (`kubectl explain configschema.spec`) and apply it again";
    SchemaFault::new("spec", problem).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_that_is_made_anew_replaces_the_one_of_its_name() {
        let mut content = Content::default();
        let place = || (Namespace::parse("shop").unwrap(), ObjectName::parse("checkout").unwrap());
        let mut see = |uid: &str, problem: &str| {
            let (namespace, name) = place();
            let seen = SchemaSeen { uid: uid.to_owned(), generation: 1, spec: Err(problem.to_owned()) };
            content.take(Sighting::Schema(namespace.clone(), name.clone(), Some(seen)));
            content.schema_faults(&namespace, &name).unwrap().1[0].to_string()
        };

        assert!(see("a", "first").contains("first"));
        assert!(see("a", "unseen").contains("first"), "the same generation is not read again");
        // Its end can be missed while a watch begins anew.
        assert!(see("b", "second").contains("second"));
    }
}
