//! What the shell needs of the world, as traits: the cluster, the clock, the pusher, and who is told of changes.
//! Must not know Kubernetes or HTTP; the controllers are written against this page alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rekindle_core::contract::signature::PushKeys;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::Finding;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use rekindle_core::policy::Policy;
use rekindle_core::reason::Reason;
use rekindle_core::record::{NewVersion, Recorded, RollbackRequest};
use rekindle_core::status::{PolicyStatus, RollbackStatus, VersionStatus};
use rekindle_core::target::{Answer, Endpoint, PodFacts, TargetKey};
use rekindle_core::time::Timestamp;
use rekindle_core::validate::{SchemaFault, SchemaSpec};
use tokio::sync::mpsc;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// What is sent to every target of one push; encoded and signed once.
#[derive(Clone)]
pub struct Shipment {
    /// The body of the contract's request.
    pub body: Bytes,
    /// The value of the header that signs the body.
    pub signature: String,
    /// The digest that an ack must name.
    pub digest: Digest,
}

/// The size of the body, and no signature: nobody else may send it.
impl fmt::Debug for Shipment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shipment({}, {} bytes)", self.digest, self.body.len())
    }
}

/// Carries versions to targets.
pub trait Push: Send + Sync + 'static {
    /// Begins at once to push to all targets, one attempt each, and sends each answer as it comes. The future only
    /// waits for the last of them; dropping it ends what is under way.
    fn push(
        &self,
        shipment: Arc<Shipment>,
        targets: Vec<(TargetKey, Endpoint)>,
        answers: mpsc::Sender<(TargetKey, Answer, Duration)>,
    ) -> impl Future<Output = ()> + Send + use<Self>;

    /// Opens a connection to each endpoint that has none, ahead of a push.
    fn warm(&self, endpoints: &[Endpoint]) -> impl Future<Output = ()> + Send;
}

/// Why a request to the cluster did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// An object of this name exists already.
    #[error("{what} exists already")]
    Exists {
        /// Which object.
        what: String,
    },
    /// The object is not there, or its namespace is not.
    #[error("{what} does not exist")]
    Missing {
        /// Which object.
        what: String,
    },
    /// The operator lacks a right.
    #[error("the operator may not {verb} {resource}: grant it in its ClusterRole ({detail})")]
    Forbidden {
        /// The verb that is missing.
        verb: &'static str,
        /// The resource.
        resource: &'static str,
        /// The server's words.
        detail: String,
    },
    /// The API server refuses the object; trying again changes nothing.
    #[error("the API server refuses {what}: {detail}")]
    Refused {
        /// Which object.
        what: String,
        /// The server's words.
        detail: String,
    },
    /// The object is not what it was when it was looked at; worth another look.
    #[error("{what} was changed by somebody else meanwhile")]
    Conflict {
        /// Which object.
        what: String,
    },
    /// The API server could not be reached, was too slow or had a fault; worth another try.
    #[error("the API server did not take {what}: {detail}")]
    Unavailable {
        /// Which object.
        what: String,
        /// What happened, without its sources.
        detail: String,
    },
}

impl ClusterError {
    /// Whether the same request can succeed later without anybody changing anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Unavailable { .. })
    }
}

/// An Event to write about a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Whether somebody should look.
    pub warning: bool,
    /// The word.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
}

type Answered<T> = Result<T, ClusterError>;

/// Reads and writes the cluster. Every call has a deadline of its own; none retries by itself.
pub trait Cluster: Send + Sync + 'static {
    /// Creates the record of a version. `Ok` means that the API server acknowledged it.
    fn record(&self, policy: &Policy, version: &NewVersion) -> impl Future<Output = Answered<Recorded>> + Send;

    /// Lists the records of a policy afresh.
    fn versions(&self, policy: &PolicyId) -> impl Future<Output = Answered<Vec<Recorded>>> + Send;

    /// Deletes the record of a version; one that is gone is fine.
    fn prune(&self, policy: &PolicyId, number: VersionNumber) -> impl Future<Output = Answered<()>> + Send;

    /// Makes a policy's status say this; writes nothing when it does already, apart from transition times.
    fn show_policy(&self, policy: &PolicyId, status: &PolicyStatus) -> impl Future<Output = Answered<()>> + Send;

    /// Says that a policy's specification cannot be used; writes nothing when the status says so already.
    fn show_unusable(
        &self,
        policy: &PolicyId,
        generation: i64,
        problem: &str,
    ) -> impl Future<Output = Answered<()>> + Send;

    /// Makes a version's status say this; writes nothing when it does already.
    fn show_version(
        &self,
        policy: &PolicyId,
        number: VersionNumber,
        status: &VersionStatus,
    ) -> impl Future<Output = Answered<()>> + Send;

    /// Makes a rollback's status say this; writes nothing when it does already.
    fn show_rollback(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
        status: &RollbackStatus,
    ) -> impl Future<Output = Answered<()>> + Send;

    /// Makes a schema's status say whether it can be used; writes nothing when it does already.
    fn show_schema(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
        generation: i64,
        faults: &[SchemaFault],
    ) -> impl Future<Output = Answered<()>> + Send;

    /// Reads one ConfigMap; none when it does not exist.
    fn config_map(
        &self,
        namespace: &Namespace,
        name: &ObjectName,
    ) -> impl Future<Output = Answered<Option<ConfigMapFacts>>> + Send;

    /// Makes a ConfigMap hold exactly these documents, creating it (owned by the policy) when it is missing.
    fn write_active_copy(
        &self,
        policy: &Policy,
        name: &ObjectName,
        documents: &Documents,
    ) -> impl Future<Output = Answered<ConfigMapFacts>> + Send;

    /// Writes entries of an author's ConfigMap back, if it is still at the resource version that was seen: those with
    /// content are set, those without are removed.
    fn restore_source(
        &self,
        namespace: &Namespace,
        source: (&ObjectName, &str),
        entries: &BTreeMap<DocumentName, Option<Bytes>>,
    ) -> impl Future<Output = Answered<ConfigMapFacts>> + Send;

    /// Creates the default policy of a labeled ConfigMap, owned by it.
    fn create_default_policy(&self, config_map: &ConfigMapFacts) -> impl Future<Output = Answered<()>> + Send;

    /// Writes an Event about a policy.
    fn announce(&self, policy: &Policy, announcement: &Announcement) -> impl Future<Output = Answered<()>> + Send;

    /// The keys of a namespace, made when they are missing; read at most once a minute.
    fn push_keys(&self, namespace: &Namespace) -> impl Future<Output = Answered<PushKeys>> + Send;
}

/// What is known of a ConfigMap that somebody wants.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigMapFacts {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: ObjectName,
    /// Its unique id.
    pub uid: Uid,
    /// Its resource version.
    pub resource_version: String,
    /// Whether it carries the label `rekindle.dev/reload: "true"`.
    pub labeled: bool,
    /// The field manager that last wrote its content.
    pub field_manager: Option<String>,
    /// All its entries, or what is wrong with one of their names.
    pub documents: Result<BTreeMap<DocumentName, Bytes>, Vec<Finding>>,
}

/// Names and sizes of its documents, never a content.
impl fmt::Debug for ConfigMapFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigMapFacts")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .field("uid", &self.uid)
            .field("resource_version", &self.resource_version)
            .field("labeled", &self.labeled)
            .field("field_manager", &self.field_manager)
            .field("documents", &self.documents.as_ref().map(sizes))
            .finish()
    }
}

fn sizes(documents: &BTreeMap<DocumentName, Bytes>) -> BTreeMap<&DocumentName, usize> {
    documents.iter().map(|(name, content)| (name, content.len())).collect()
}

/// A policy as it was seen.
#[derive(Debug, Clone)]
pub struct PolicySeen {
    /// The policy, or why its specification cannot be used.
    pub policy: Result<Policy, String>,
    /// The generation that was seen.
    pub generation: i64,
    /// The status as it was seen, as far as it can be read back.
    pub status: Option<PolicyStatus>,
}

/// A schema as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaSeen {
    /// Which of the schemas that ever bore this name.
    pub uid: String,
    /// The generation that was seen.
    pub generation: i64,
    /// What it says, or why that cannot be read.
    pub spec: Result<SchemaSpec, String>,
}

/// What a directory below the files root holds.
#[derive(Clone, PartialEq, Eq)]
pub enum FilesSeen {
    /// It does not exist, or is no directory.
    Missing,
    /// It holds something that is not a set of documents, or cannot be read.
    Unreadable(Vec<Finding>),
    /// Its files.
    Read(BTreeMap<DocumentName, Bytes>),
}

/// Names and sizes of the files, never a content.
impl fmt::Debug for FilesSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Missing"),
            Self::Unreadable(findings) => f.debug_tuple("Unreadable").field(findings).finish(),
            Self::Read(documents) => f.debug_tuple("Read").field(&sizes(documents)).finish(),
        }
    }
}

/// Something was seen in the cluster or among the files. `None` means that it is gone.
#[derive(Debug, Clone)]
pub enum Sighting {
    /// A policy.
    Policy(PolicyId, Option<Box<PolicySeen>>),
    /// A schema.
    Schema(Namespace, ObjectName, Option<SchemaSeen>),
    /// A version of a policy.
    Version(PolicyId, VersionNumber, Option<Box<Recorded>>),
    /// A rollback that names a policy.
    Rollback(PolicyId, ObjectName, Option<RollbackRequest>),
    /// A ConfigMap.
    ConfigMap(Namespace, ObjectName, Option<Box<ConfigMapFacts>>),
    /// A pod that carries an annotation below `rekindle.dev/`.
    Pod(Namespace, Uid, Option<Box<PodFacts>>),
    /// A directory below the files root, by its relative path.
    Files(String, FilesSeen),
}

/// Watches directories below the files root.
pub trait Files: Send + Sync + 'static {
    /// From now on exactly these directories are watched; what they hold is told to the sink.
    fn want(&self, directories: BTreeSet<String>);
}

/// Is told of everything that is seen.
pub trait Sink: Send + Sync + 'static {
    /// Whether this ConfigMap's content matters, so that the others are never converted or kept.
    fn wants_config_map(&self, namespace: &Namespace, name: &ObjectName) -> bool;

    /// Something was seen.
    fn saw(&self, sighting: Sighting);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_between_the_parts_shows_no_content_when_it_is_printed() -> Result<(), Box<dyn std::error::Error>> {
        let documents = BTreeMap::from([(DocumentName::parse("app.yaml")?, Bytes::from_static(b"password: hunter2"))]);
        let facts = ConfigMapFacts {
            namespace: Namespace::parse("shop")?,
            name: ObjectName::parse("checkout")?,
            uid: Uid::parse("u-1")?,
            resource_version: "17".to_owned(),
            labeled: true,
            field_manager: None,
            documents: Ok(documents.clone()),
        };
        let shipment = Shipment {
            body: Bytes::from_static(b"password: hunter2"),
            signature: "t=1,v1=5ec7e7".to_owned(),
            digest: Digest::of(&Documents::join([documents.clone()])),
        };
        let files = FilesSeen::Read(documents);
        let shown = [
            format!("{:?}", Sighting::Files("checkout".to_owned(), files)),
            format!("{:?}", Sighting::ConfigMap(facts.namespace.clone(), facts.name.clone(), Some(Box::new(facts)))),
            format!("{shipment:?}"),
        ];
        for shown in shown {
            assert!(shown.contains("17"), "sizes are shown: {shown}");
            assert!(!shown.contains("hunter2") && !shown.contains("5ec7e7"), "{shown}");
        }
        Ok(())
    }
}
