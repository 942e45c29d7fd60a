//! What a watched kind is, and what the custom resources mean to the sink.
//! Must not wait for anything: an event becomes a sighting at once.
//! An object that cannot be read is told to the sink where it can be, else to the log once, and passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use rekindle_api as api;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
use serde::de::DeserializeOwned;
use tracing::warn;

use super::super::loose::Loose;
use super::super::statuses::Shown;
use super::super::{KubeCluster, records};
use crate::convert::policy::policy;
use crate::convert::read_policy_status;
use crate::convert::rollback::rollback_request;
use crate::convert::schema::schema_spec;
use crate::convert::version::version_name;
use crate::ports::{PolicySeen, SchemaSeen, Sighting, Sink};

/// A kind that is watched.
pub(super) trait Watched: Send + 'static {
    /// The object as it comes.
    type Object: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static;
    /// What it is known by.
    type Key: Ord + Clone + Send;
    /// Its name, as a ClusterRole has it.
    const RESOURCE: &'static str;
    /// How many objects are held at once while they are listed.
    const PAGE: u32;

    /// What it is known by; none when it was never told of.
    fn key(&self, object: &Self::Object) -> Option<Self::Key>;

    /// What it means.
    fn see(&mut self, sink: &impl Sink, known: &BTreeSet<Self::Key>, object: Self::Object) -> Seen<Self::Key>;

    /// Its end.
    fn gone(&self, key: Self::Key) -> Sighting;

    /// Whether its end is to be told even if the watch never told of it.
    fn wants(&self, _sink: &impl Sink, _key: &Self::Key) -> bool {
        false
    }

    /// Adds what was told of in other ways than by the watch.
    fn join_read(&self, _known: &mut BTreeSet<Self::Key>) {}
}

/// What an object means.
pub(super) enum Seen<K> {
    /// Nothing to anybody.
    Nothing,
    /// This, and its end is to be told.
    Keep(K, Sighting),
    /// This, and it is of no interest from now on.
    Last(K, Sighting),
}

/// Where an object is.
pub(super) type Place = (Namespace, ObjectName);

/// Objects that cannot be read, by name, with the state that was complained about.
#[derive(Default)]
pub(super) struct Complaints(BTreeMap<String, String>);

impl Complaints {
    /// More are not remembered, and then complained about again.
    const MAX: usize = 1000;

    pub(super) fn about(&mut self, resource: &str, metadata: &ObjectMeta, problem: &str) {
        let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
        let (namespace, name) = (namespace.unwrap_or_default(), name.unwrap_or_default());
        let state = metadata.resource_version.clone().unwrap_or_default();
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        if self.0.insert(format!("{namespace}/{name}"), state.clone()).as_ref() != Some(&state) {
            warn!(resource, namespace, name, problem, "passed over an object that cannot be read");
        }
    }
}

/// ReloadPolicies.
pub(super) struct Policies(Arc<Shown>);

impl Policies {
    pub(super) fn new(cluster: &KubeCluster) -> Self {
        Self(cluster.shown.clone())
    }
}

impl Watched for Policies {
    type Object = Loose<api::ReloadPolicy>;
    type Key = Place;
    const RESOURCE: &'static str = "reloadpolicies.rekindle.dev";
    const PAGE: u32 = 100;

    fn key(&self, object: &Self::Object) -> Option<Place> {
        object.place()
    }

    fn see(&mut self, _: &impl Sink, _: &BTreeSet<Place>, object: Self::Object) -> Seen<Place> {
        let Some(place) = object.place() else { return Seen::Nothing };
        let status: Option<api::ReloadPolicyStatus> = object.read_status();
        self.0.policies.know(&object.metadata, status.clone());
        let seen = PolicySeen {
            generation: object.metadata.generation.unwrap_or(0),
            status: status.as_ref().map(read_policy_status),
            policy: object.read_spec().and_then(|spec| {
                let object = api::ReloadPolicy { metadata: object.metadata, spec, status };
                policy(&object).map_err(|error| error.to_string())
            }),
        };
        let id = PolicyId { namespace: place.0.clone(), name: place.1.clone() };
        Seen::Keep(place, Sighting::Policy(id, Some(Box::new(seen))))
    }

    fn gone(&self, place: Place) -> Sighting {
        self.0.policies.forget(&place);
        Sighting::Policy(PolicyId { namespace: place.0, name: place.1 }, None)
    }
}

/// ConfigSchemas.
pub(super) struct Schemas(Arc<Shown>);

impl Schemas {
    pub(super) fn new(cluster: &KubeCluster) -> Self {
        Self(cluster.shown.clone())
    }
}

impl Watched for Schemas {
    type Object = Loose<api::ConfigSchema>;
    type Key = Place;
    const RESOURCE: &'static str = "configschemas.rekindle.dev";
    const PAGE: u32 = 50;

    fn key(&self, object: &Self::Object) -> Option<Place> {
        object.place()
    }

    fn see(&mut self, _: &impl Sink, _: &BTreeSet<Place>, object: Self::Object) -> Seen<Place> {
        let Some(place) = object.place() else { return Seen::Nothing };
        self.0.schemas.know(&object.metadata, object.read_status());
        let seen = SchemaSeen {
            uid: object.metadata.uid.clone().unwrap_or_default(),
            generation: object.metadata.generation.unwrap_or(0),
            spec: object.read_spec::<api::ConfigSchemaSpec>().map(|spec| schema_spec(&spec)),
        };
        let sighting = Sighting::Schema(place.0.clone(), place.1.clone(), Some(seen));
        Seen::Keep(place, sighting)
    }

    fn gone(&self, place: Place) -> Sighting {
        self.0.schemas.forget(&place);
        Sighting::Schema(place.0, place.1, None)
    }
}

/// ConfigVersions.
pub(super) struct Versions(Arc<Shown>, Complaints);

impl Versions {
    pub(super) fn new(cluster: &KubeCluster) -> Self {
        Self(cluster.shown.clone(), Complaints::default())
    }
}

impl Watched for Versions {
    type Object = Loose<api::ConfigVersion>;
    type Key = (PolicyId, VersionNumber);
    const RESOURCE: &'static str = records::RESOURCE;
    const PAGE: u32 = records::PAGE;

    /// From its name, which holds what the specification says as well.
    fn key(&self, object: &Self::Object) -> Option<Self::Key> {
        let (namespace, name) = object.place()?;
        let (policy, number) = name.as_str().rsplit_once("-v")?;
        let policy = PolicyId { namespace, name: ObjectName::parse(policy).ok()? };
        Some((policy, VersionNumber(number.parse().ok()?)))
    }

    fn see(&mut self, _: &impl Sink, _: &BTreeSet<Self::Key>, object: Self::Object) -> Seen<Self::Key> {
        self.0.versions.know(&object.metadata, object.read_status());
        let metadata = object.metadata.clone();
        match records::read(object) {
            Ok((policy, recorded)) => {
                let number = recorded.number;
                Seen::Keep((policy.clone(), number), Sighting::Version(policy, number, Some(Box::new(recorded))))
            }
            Err(problem) => {
                self.1.about(Self::RESOURCE, &metadata, &problem);
                Seen::Nothing
            }
        }
    }

    fn gone(&self, (policy, number): Self::Key) -> Sighting {
        if let Ok(name) = ObjectName::parse(version_name(&policy.name, number)) {
            self.0.versions.forget(&(policy.namespace.clone(), name));
        }
        Sighting::Version(policy, number, None)
    }
}

/// ConfigRollbacks.
pub(super) struct Rollbacks(Arc<Shown>, Complaints);

impl Rollbacks {
    pub(super) fn new(cluster: &KubeCluster) -> Self {
        Self(cluster.shown.clone(), Complaints::default())
    }

    fn read(object: &Loose<api::ConfigRollback>) -> Result<api::ConfigRollback, String> {
        let (metadata, spec) = (object.metadata.clone(), object.read_spec()?);
        Ok(api::ConfigRollback { metadata, spec, status: object.read_status() })
    }
}

impl Watched for Rollbacks {
    type Object = Loose<api::ConfigRollback>;
    type Key = (PolicyId, ObjectName);
    const RESOURCE: &'static str = "configrollbacks.rekindle.dev";
    const PAGE: u32 = 200;

    fn key(&self, object: &Self::Object) -> Option<Self::Key> {
        let (policy, request) = rollback_request(&Self::read(object).ok()?).ok()?;
        Some((policy, request.name))
    }

    fn see(&mut self, _: &impl Sink, _: &BTreeSet<Self::Key>, object: Self::Object) -> Seen<Self::Key> {
        self.0.rollbacks.know(&object.metadata, object.read_status());
        let read = Self::read(&object).and_then(|read| rollback_request(&read).map_err(|error| error.to_string()));
        match read {
            Ok((policy, request)) => {
                let key = (policy.clone(), request.name.clone());
                Seen::Keep(key, Sighting::Rollback(policy, request.name.clone(), Some(request)))
            }
            Err(problem) => {
                self.1.about(Self::RESOURCE, &object.metadata, &problem);
                Seen::Nothing
            }
        }
    }

    fn gone(&self, (policy, name): Self::Key) -> Sighting {
        self.0.rollbacks.forget(&(policy.namespace.clone(), name.clone()));
        Sighting::Rollback(policy, name, None)
    }
}
