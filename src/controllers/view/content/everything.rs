//! The whole picture as changes, for a driver that has seen none of them.
//! Must not leave out what somebody may have to act on.

use super::super::Change;
use super::Content;

impl Content {
    /// Policies come last: their workers begin with everything else known.
    pub(in super::super) fn everything(&self) -> Vec<Change> {
        let schemas = self.schemas.keys().map(|(namespace, name)| Change::Schema(namespace.clone(), name.clone()));
        let labeled = self.labeled.values().map(|facts| Change::Labeled(Box::new(facts.clone())));
        let requests = self.rollbacks.iter().flat_map(|(id, known)| known.keys().map(move |name| (id, name)));
        let rollbacks = requests.map(|(id, name)| Change::Rollback(id.clone(), name.clone()));
        let unknown = self.named.keys().filter(|place| !self.config_maps.contains_key(*place));
        let fetches = unknown.map(|(namespace, name)| Change::Fetch(namespace.clone(), name.clone()));
        let policies = self.policies.iter().map(|(id, entry)| match &entry.policy {
            Ok(_) => Change::Policy(id.clone()),
            Err(problem) => Change::Unusable(id.clone(), entry.generation, problem.clone()),
        });
        schemas.chain(labeled).chain(rollbacks).chain(fetches).chain(policies).collect()
    }
}
