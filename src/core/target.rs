//! Targets: the pods that a policy's versions must reach, where each listens, and what a push to one ended in.
//! Must not know Kubernetes types: the shell hands in [`PodFacts`].

pub mod select;

pub mod address;
pub mod claims;

pub mod endpoint;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use crate::digest::Digest;
use crate::ids::{ObjectName, Uid, VersionNumber};
use crate::time::Timestamp;

/// One life of a pod's containers: what a target confirmed counts for this life only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TargetKey {
    /// The pod.
    pub uid: Uid,
    /// When the youngest of its running containers started.
    pub started: Timestamp,
}

/// What is known of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFacts {
    /// Its name.
    pub name: ObjectName,
    /// Its unique id.
    pub uid: Uid,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations below `rekindle.dev/`, without that prefix.
    pub annotations: BTreeMap<String, String>,
    /// Its address, once it has one.
    pub address: Option<IpAddr>,
    /// Whether it shares the node's network.
    pub host_network: bool,
    /// The TCP ports that its containers name.
    pub named_ports: BTreeMap<String, u16>,
    /// Whether it is running and not being deleted.
    pub running: bool,
    /// Whether its Ready condition is true.
    pub ready: bool,
    /// When the youngest of its running containers started.
    pub started: Timestamp,
}

/// The pod annotations that selection reads, without their prefix `rekindle.dev/`; others are not its business.
pub mod annotation {
    /// Consent: `true`, and nothing else, makes a pod a target.
    pub const RELOAD: &str = "reload";
    /// The one policy that the pod accepts.
    pub const POLICY: &str = "policy";
    /// The port, as a number or a container port's name.
    pub const PORT: &str = "port";
    /// The path.
    pub const PATH: &str = "path";
    /// How long one push may take.
    pub const TIMEOUT: &str = "timeout";
}

/// How a version is brought to targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Payload {
    /// The documents, signed; the answer proves what runs.
    Content,
    /// A bare POST without a body, for software that reads its own mounted files; never a proof.
    Notice,
}

/// Where a target listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The pod's own address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The path, beginning with `/`.
    pub path: String,
    /// What is sent.
    pub payload: Payload,
    /// How long one push may take, from the first byte sent to the last byte read.
    pub timeout: Duration,
}

/// An opted-in pod that a version must reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which life of which pod.
    pub key: TargetKey,
    /// The pod's name.
    pub pod: ObjectName,
    /// Whether the pod is ready: only then does what it answers count for or against a version.
    pub ready: bool,
    /// Where it listens, or why it cannot be reached.
    pub endpoint: Result<Endpoint, TargetProblem>,
}

/// Why a pod that opted in cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum TargetProblem {
    /// No container names this port.
    #[error("no container of the pod has a port named `{0}`; name one, or give the port as a number")]
    NoSuchPort(String),
    /// An annotation holds something unusable.
    #[error("the annotation rekindle.dev/{annotation} is not usable: {problem}")]
    Annotation {
        /// Which one, without its prefix.
        annotation: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// The address must not be written to.
    #[error("{0} is not pushed to: {1}")]
    Address(IpAddr, &'static str),
}

/// What a target says that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Running {
    /// The version's number.
    pub version: VersionNumber,
    /// The version's digest.
    pub digest: Digest,
}

/// What a push ended in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The target proves that it runs the pushed digest.
    Ack,
    /// A notice was taken; nothing is proven.
    Delivered,
    /// The target refuses the version and says why.
    Nack {
        /// The target's words, shortened and without control characters.
        reason: String,
    },
    /// The target runs something newer than what was pushed.
    Stale {
        /// What it runs, when it says so.
        running: Option<Running>,
    },
    /// Anything else: no connection, no answer in time, an answer outside the contract.
    Failed {
        /// What happened, without any content of the configuration.
        reason: String,
    },
}
