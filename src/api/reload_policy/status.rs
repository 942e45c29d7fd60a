//! What the operator says about a policy; everything that it needs to go on after a restart is in here or in the
//! versions. Must not know how it is decided.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::shapes;

/// What is known of a policy's configuration and its targets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReloadPolicyStatus {
    /// The generation of the specification that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, and what it depends on: SourceReady, SchemaReady, Valid, TargetsReady, BreakerClosed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shapes::conditions")]
    pub conditions: Vec<Condition>,
    /// The version that targets are meant to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<VersionReference>,
    /// The newest version that every target confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<VersionReference>,
    /// The highest number that was ever given to a version; numbers only rise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub last_number: Option<u64>,
    /// How many targets there are, and how they stand to the active version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<TargetCounts>,
    /// Targets that do not run the active version and why, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub failures: Vec<PodFailure>,
    /// Whether new configurations are tried or held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerStatus>,
    /// Digests that tripped the breaker and are not tried again by themselves, the newest 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub quarantined: Vec<QuarantinedDigest>,
    /// Digests that a person rolled back from; not tried again until the source changes, the newest 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub set_aside: Vec<SetAsideDigest>,
    /// What is wrong with the newest configuration, at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub findings: Vec<Finding>,
    /// What became of the newest edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_edit: Option<LastEdit>,
}

/// A version by number and content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct VersionReference {
    /// Its number.
    #[schemars(schema_with = "shapes::number")]
    pub version: u64,
    /// The digest of its content.
    #[schemars(schema_with = "shapes::digest")]
    pub digest: String,
}

/// How many targets there are, and how they stand to the active version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetCounts {
    /// All of them.
    pub total: u32,
    /// Those that proved that they run it.
    pub confirmed: u32,
    /// Those that took a notice, which proves nothing.
    #[serde(default)]
    pub delivered: u32,
    /// Those that refused it.
    #[serde(default)]
    pub refused: u32,
    /// Those that gave no usable answer.
    #[serde(default)]
    pub failed: u32,
    /// Those that it is still to be brought to.
    #[serde(default)]
    pub pending: u32,
    /// Pods that opted in and cannot be reached as they are annotated or addressed; not counted in `total`.
    #[serde(default)]
    pub unusable: u32,
    /// Confirmed or delivered of all, such as `3/3`.
    #[schemars(length(max = 32))]
    pub summary: String,
}

/// A target that does not run the active version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodFailure {
    /// The pod.
    #[schemars(length(max = 253))]
    pub pod: String,
    /// The version that it should run.
    #[schemars(schema_with = "shapes::number")]
    pub version: u64,
    /// Why it does not.
    #[schemars(length(max = 512))]
    pub reason: String,
}

/// Whether new configurations are tried.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BreakerStatus {
    /// `Closed` lets them through, `Open` holds them, `HalfOpen` tries the next one on one pod first.
    pub state: BreakerState,
    /// When an open breaker becomes half open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_until: Option<MicroTime>,
    /// What tripped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
}

/// The state of a breaker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum BreakerState {
    /// Configurations go to all targets.
    #[default]
    Closed,
    /// New configurations are held.
    Open,
    /// The next configuration goes to one pod first.
    HalfOpen,
}

/// A digest that tripped the breaker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuarantinedDigest {
    /// The digest.
    #[schemars(schema_with = "shapes::digest")]
    pub digest: String,
    /// The version that carried it.
    #[schemars(schema_with = "shapes::number")]
    pub version: u64,
    /// What it did.
    #[schemars(length(max = 1024))]
    pub reason: String,
    /// When.
    pub at: MicroTime,
    /// Whether the author's ConfigMap was written back for it; that is done once.
    #[serde(default)]
    pub restored: bool,
}

/// A digest that a person rolled back from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetAsideDigest {
    /// The digest.
    #[schemars(schema_with = "shapes::digest")]
    pub digest: String,
    /// The version that carried it.
    #[schemars(schema_with = "shapes::number")]
    pub version: u64,
    /// The name of the ConfigRollback that asked for it.
    #[schemars(length(max = 253))]
    pub rollback: String,
    /// When.
    pub at: MicroTime,
}

/// What became of the newest edit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastEdit {
    /// The digest of what was written; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::digest")]
    pub digest: Option<String>,
    /// What became of it, as one word of the catalogue of reasons, such as `Active`, `Invalid` or `Quarantined`.
    #[schemars(schema_with = "shapes::word")]
    pub outcome: String,
    /// The same in a sentence.
    #[schemars(length(max = 1024))]
    pub message: String,
}
