//! What is shown: statuses are written when they would say something else, and then whole.
//! Must not decide what a status says; `convert` puts it into words.

use std::collections::BTreeMap;
use std::sync::Mutex;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use rekindle_api as api;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
use rekindle_core::status::{PolicyStatus, RollbackStatus, VersionStatus};
use rekindle_core::time::Timestamp;
use rekindle_core::validate::SchemaFault;
use serde::Serialize;

use super::errors::Asked;
use super::loose::place;
use super::requests::of_kind;
use super::{KubeCluster, locked};
use crate::convert::rollback::rollback_status;
use crate::convert::schema::schema_status;
use crate::convert::version::{version_name, version_status};
use crate::convert::{policy_status, unusable_policy_status};
use crate::ports::ClusterError;

/// The statuses that the cluster is known to hold.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) policies: Statuses<api::ReloadPolicyStatus>,
    pub(super) versions: Statuses<api::ConfigVersionStatus>,
    pub(super) rollbacks: Statuses<api::ConfigRollbackStatus>,
    pub(super) schemas: Statuses<api::ConfigSchemaStatus>,
}

type Place = (Namespace, ObjectName);

/// The statuses of one kind.
pub(super) struct Statuses<S>(Mutex<BTreeMap<Place, Known<S>>>);

struct Known<S> {
    status: Option<S>,
    /// Later states have larger numbers; 0 when it is not a number.
    resource_version: u64,
}

impl<S> Default for Statuses<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Clone> Statuses<S> {
    /// Takes in what was seen or written. A watch may tell of an older state after a write was answered.
    pub(super) fn know(&self, metadata: &ObjectMeta, status: Option<S>) {
        let Some(place) = place(metadata) else { return };
        let version = metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0);
        let mut known = locked(&self.0);
        if known.get(&place).is_none_or(|known| known.resource_version <= version) {
            known.insert(place, Known { status, resource_version: version });
        }
    }

    /// The object is gone.
    pub(super) fn forget(&self, place: &Place) {
        locked(&self.0).remove(place);
    }

    /// The status, and the resource version at which it was known.
    fn get(&self, place: &Place) -> (Option<S>, Option<u64>) {
        match locked(&self.0).get(place) {
            Some(known) => (known.status.clone(), Some(known.resource_version).filter(|version| *version != 0)),
            None => (None, None),
        }
    }
}

/// A kind whose status is written here.
struct Kind {
    name: &'static str,
    resource: &'static str,
}

const POLICY: Kind = Kind { name: "ReloadPolicy", resource: "reloadpolicies.rekindle.dev/status" };
const VERSION: Kind = Kind { name: "ConfigVersion", resource: "configversions.rekindle.dev/status" };
const ROLLBACK: Kind = Kind { name: "ConfigRollback", resource: "configrollbacks.rekindle.dev/status" };
const SCHEMA: Kind = Kind { name: "ConfigSchema", resource: "configschemas.rekindle.dev/status" };

impl KubeCluster {
    /// Writes the status that follows from the one before, when it is another and nobody wrote meanwhile: a leader that
    /// was deposed must not write over what the next one said.
    async fn show<K, S>(
        &self,
        kind: Kind,
        known: &Statuses<S>,
        place: Place,
        follow: impl FnOnce(Option<&S>, Timestamp) -> S,
    ) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        S: Clone + PartialEq + Serialize,
    {
        let (before, seen) = known.get(&place);
        let status = follow(before.as_ref(), self.clock.now());
        if before.as_ref() == Some(&status) {
            return Ok(());
        }
        let (namespace, name) = &place;
        let what = format!("the status of the {} {namespace}/{name}", kind.name);
        let asked = Asked { verb: "patch", resource: kind.resource, what };
        match self.requests.set_status(&asked, &of_kind::<K>(namespace), (name.as_str(), &status, seen)).await {
            Ok(written) => {
                known.know(&written.metadata, Some(status));
                Ok(())
            }
            Err(error) => {
                if matches!(error, ClusterError::Missing { .. }) {
                    known.forget(&place);
                }
                Err(error)
            }
        }
    }
}

pub(super) async fn show_policy(
    cluster: &KubeCluster,
    policy: &PolicyId,
    status: &PolicyStatus,
) -> Result<(), ClusterError> {
    let place = (policy.namespace.clone(), policy.name.clone());
    let follow = |before: Option<&_>, now| policy_status(status, before, now);
    cluster.show::<api::ReloadPolicy, _>(POLICY, &cluster.shown.policies, place, follow).await
}

pub(super) async fn show_unusable(
    cluster: &KubeCluster,
    policy: &PolicyId,
    generation: i64,
    problem: &str,
) -> Result<(), ClusterError> {
    let place = (policy.namespace.clone(), policy.name.clone());
    let follow = |before: Option<&_>, now| unusable_policy_status(generation, problem, before, now);
    cluster.show::<api::ReloadPolicy, _>(POLICY, &cluster.shown.policies, place, follow).await
}

pub(super) async fn show_version(
    cluster: &KubeCluster,
    policy: &PolicyId,
    number: VersionNumber,
    status: &VersionStatus,
) -> Result<(), ClusterError> {
    let name = version_name(&policy.name, number);
    let name = ObjectName::parse(name).map_err(|error| ClusterError::Refused {
        what: format!("the status of version {number} of {policy}"),
        detail: error.to_string(),
    })?;
    let place = (policy.namespace.clone(), name);
    let follow = |before: Option<&_>, now| version_status(status, before, now);
    cluster.show::<api::ConfigVersion, _>(VERSION, &cluster.shown.versions, place, follow).await
}

pub(super) async fn show_rollback(
    cluster: &KubeCluster,
    namespace: &Namespace,
    name: &ObjectName,
    status: &RollbackStatus,
) -> Result<(), ClusterError> {
    let place = (namespace.clone(), name.clone());
    let follow = |before: Option<&_>, now| rollback_status(status, before, now);
    cluster.show::<api::ConfigRollback, _>(ROLLBACK, &cluster.shown.rollbacks, place, follow).await
}

pub(super) async fn show_schema(
    cluster: &KubeCluster,
    (namespace, name): (&Namespace, &ObjectName),
    generation: i64,
    faults: &[SchemaFault],
) -> Result<(), ClusterError> {
    let place = (namespace.clone(), name.clone());
    let follow = |before: Option<&_>, now| schema_status(generation, faults, before, now);
    cluster.show::<api::ConfigSchema, _>(SCHEMA, &cluster.shown.schemas, place, follow).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(resource_version: &str) -> ObjectMeta {
        ObjectMeta {
            namespace: Some("shop".to_owned()),
            name: Some("checkout".to_owned()),
            resource_version: Some(resource_version.to_owned()),
            ..Default::default()
        }
    }

    #[test]
    fn an_older_sighting_does_not_undo_a_write() {
        let place = (Namespace::parse("shop").unwrap(), ObjectName::parse("checkout").unwrap());
        let known = Statuses::default();
        known.know(&metadata("9"), Some("seen"));
        known.know(&metadata("12"), Some("written"));
        known.know(&metadata("10"), Some("late"));
        assert_eq!(known.get(&place), (Some("written"), Some(12)));
        known.know(&metadata("12"), None);
        assert_eq!(known.get(&place), (None, Some(12)));
        known.know(&metadata("13"), Some("again"));
        known.forget(&place);
        assert_eq!(known.get(&place), (None, None));
    }
}
