//! ConfigVersion: the immutable record of one configuration, made before any byte of it goes out.
//! Its specification holds what is known when it is made, its status what became of it.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::shapes;

/// What was recorded: which configuration, where it came from, what it changes and its content.
#[derive(Debug, Clone, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rekindle.dev",
    version = "v1alpha1",
    kind = "ConfigVersion",
    plural = "configversions",
    shortname = "cv",
    category = "rekindle",
    namespaced,
    status = "ConfigVersionStatus",
    derive = "PartialEq",
    selectable = ".spec.policy",
    doc = "A ConfigVersion is the immutable record of one configuration of a ReloadPolicy; the operator makes it \
           before any byte of that configuration goes out.",
    validation = Rule::new(
        "self.metadata.name.startsWith(self.spec.policy + '-v') \
         && self.metadata.name.substring(size(self.spec.policy) + 2).matches('^[1-9][0-9]{0,8}$') \
         && int(self.metadata.name.substring(size(self.spec.policy) + 2)) == self.spec.number"
    ).message(
        "metadata.name must be `<policy>-v<number>`, so that a number is given once"
    ),
    printcolumn(name = "Policy", type_ = "string", json_path = ".spec.policy",
        description = "The policy that it belongs to"),
    printcolumn(name = "Number", type_ = "integer", json_path = ".spec.number",
        description = "Given once per policy and only rising"),
    printcolumn(name = "Origin", type_ = "string", json_path = ".spec.origin.type",
        description = "What it came from"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.summary",
        description = "Where it stands"),
    printcolumn(name = "Diff", type_ = "string", json_path = ".spec.diff.summary",
        description = "Values added, removed and changed against its parent"),
    printcolumn(name = "Verdict", type_ = "string", json_path = ".spec.verdict",
        description = "Whether it was found valid or forced", priority = 1),
    printcolumn(name = "Digest", type_ = "string", json_path = ".spec.digest",
        description = "What identifies its content", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("a version is immutable; a change makes a new one"))]
#[x_kube(validation = Rule::new("!has(self.lastGood) || self.lastGood < self.number")
    .message("lastGood must be the number of an older version"))]
pub struct ConfigVersionSpec {
    /// The name of the policy, at most 240 characters.
    #[schemars(schema_with = "shapes::policy_name")]
    pub policy: String,
    /// The number, from 1; given once per policy and only rising.
    #[schemars(schema_with = "shapes::number")]
    pub number: u64,
    /// SHA-256 over the documents, `sha256:<hex>`. Two equal digests are the same configuration.
    #[schemars(schema_with = "shapes::digest")]
    pub digest: String,
    /// The number of the version that was active before; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub parent: Option<u64>,
    /// The number of the version that was last-good when this one was recorded, which a trip returns to; absent when
    /// none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub last_good: Option<u64>,
    /// Where it came from.
    pub origin: Origin,
    /// `Valid`: it passed validation. `Forced`: a rollback took it back unchecked, because a person asked for that.
    pub verdict: Verdict,
    /// Warnings of the validation, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub findings: Vec<Finding>,
    /// What it changes against its parent, in values of the merged tree.
    pub diff: DiffSummary,
    /// The documents.
    pub content: Content,
}

/// Whether a version was validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// It passed.
    Valid,
    /// It was not checked, because a rollback was forced.
    Forced,
}

/// Where a version came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.type == 'Rollback') == has(self.rollback)")
    .message("rollback is given for an origin of type Rollback and for no other"))]
#[x_kube(validation = Rule::new(
    "(self.type in ['Rollback', 'Revert']) == (has(self.from) && has(self.of))"
).message("from and of are given for origins of type Rollback and Revert and for no other"))]
pub struct Origin {
    /// `Edit` of a ConfigMap, change of a `File`, `Rollback` by a person, or automatic `Revert`.
    #[serde(rename = "type")]
    pub type_: OriginType,
    /// What it was read from, at most 8.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub sources: Vec<SeenSource>,
    /// The ConfigRollback that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackReference>,
    /// For a rollback or revert, the version that was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub from: Option<u64>,
    /// For a rollback or revert, the version whose content this one carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub of: Option<u64>,
    /// Why, as the person or the breaker says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
}

/// What a version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OriginType {
    /// Somebody wrote a ConfigMap.
    Edit,
    /// A mounted file changed.
    File,
    /// A person asked to go back.
    Rollback,
    /// The breaker tripped.
    Revert,
}

/// What was read, at which state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeenSource {
    /// `ConfigMap` or `Files`.
    pub kind: SourceKind,
    /// The name of the ConfigMap, or the path of the files.
    #[schemars(length(min = 1, max = 512))]
    pub name: String,
    /// The resourceVersion of the ConfigMap; absent for files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub resource_version: Option<String>,
    /// Who wrote the ConfigMap last, as its managed fields name it; absent when nothing says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub field_manager: Option<String>,
}

/// The kinds of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SourceKind {
    /// A ConfigMap.
    ConfigMap,
    /// A directory of mounted files.
    Files,
}

/// The ConfigRollback that asked for a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackReference {
    /// Its name.
    #[schemars(schema_with = "shapes::object_name")]
    pub name: String,
    /// Its unique id: one of the same name that is made later is another.
    #[schemars(length(min = 1, max = 128))]
    pub uid: String,
}

/// The documents of a version, compressed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// How `data` is compressed.
    pub encoding: Encoding,
    /// The compressed documents in base64, at most 1,500,000 characters.
    #[schemars(length(max = 1_500_000))]
    pub data: String,
    /// The size of what `data` holds once decompressed, in bytes.
    #[schemars(range(min = 0, max = 16_777_216))]
    pub size: u64,
}

/// The size only: what is small is hardly compressed, and could be read.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({:?}, {} bytes)", self.encoding, self.size)
    }
}

/// How content is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// Zstandard.
    #[serde(rename = "zstd")]
    Zstd,
}

/// What a version changes against its parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiffSummary {
    /// How many values are new.
    pub added: u32,
    /// How many values are gone.
    pub removed: u32,
    /// How many values are others.
    pub changed: u32,
    /// The same for people, such as `+1 -0 ~2`.
    #[schemars(length(max = 64))]
    pub summary: String,
    /// Where, at most 50 paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 1024)))]
    pub paths: Vec<String>,
    /// Whether there are more paths than are listed.
    #[serde(default)]
    pub truncated: bool,
}

/// What became of a version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigVersionStatus {
    /// Active: targets are meant to run it. Proven: every target confirmed it, so it is or was last-good. Tripped: it
    /// hurt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shapes::conditions")]
    pub conditions: Vec<Condition>,
    /// Where it stands, in a few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub summary: Option<String>,
    // One value to the API server, not a map: the managed fields of a map would take more room than the map itself.
    /// Which pods proved that they run it, at most 5000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5000))]
    pub acks: Vec<Acknowledgement>,
}

/// One pod's proof that it runs a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledgement {
    /// The pod's name.
    #[schemars(length(max = 253))]
    pub pod: String,
    /// The pod's unique id.
    #[schemars(length(min = 1, max = 128))]
    pub uid: String,
    /// When the youngest of its running containers started: a restart loses the proof.
    pub started: MicroTime,
}
