//! ConfigRollback: a person's request to go back to an older version, done once, and the record of what was done.
//! Must not know how it is done.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, MicroTime};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::shapes;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rekindle.dev",
    version = "v1alpha1",
    kind = "ConfigRollback",
    plural = "configrollbacks",
    shortname = "cr",
    category = "rekindle",
    namespaced,
    status = "ConfigRollbackStatus",
    derive = "PartialEq",
    selectable = ".spec.policyRef.name",
    doc = "A ConfigRollback brings the targets of a ReloadPolicy back to an older version. It is done once, however \
           often it is applied, and its status is the record of what was done.",
    printcolumn(
        name = "Policy",
        type_ = "string",
        json_path = ".spec.policyRef.name",
        description = "The policy that it is about"
    ),
    printcolumn(
        name = "Complete",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Complete")].status"#,
        description = "True when it is done, False when it was refused"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Complete")].reason"#,
        description = "Why"
    ),
    printcolumn(
        name = "From",
        type_ = "integer",
        json_path = ".status.from",
        description = "The version that was left"
    ),
    printcolumn(
        name = "To",
        type_ = "integer",
        json_path = ".status.to",
        description = "The version whose content was taken"
    ),
    printcolumn(
        name = "Version",
        type_ = "integer",
        json_path = ".status.version",
        description = "The new version that carries it"
    ),
    printcolumn(
        name = "Outcome",
        type_ = "string",
        json_path = ".status.outcome",
        description = "What came of it",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self == oldSelf").message("a rollback is done once; ask again by another one"))]
pub struct ConfigRollbackSpec {
    /// The policy whose targets go back.
    pub policy_ref: PolicyReference,
    /// Where to.
    pub to: RollbackTo,
    /// Why, for those who read the record later, at most 1024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Whether to go back even to content that the schema of today refuses. Default: false.
    #[serde(default)]
    pub force: bool,
}

/// A ReloadPolicy in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReference {
    /// The name of the policy.
    #[schemars(schema_with = "shapes::policy_name")]
    pub name: String,
}

/// Which version to go back to: exactly one of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "(has(self.version) ? 1 : 0) + (has(self.steps) ? 1 : 0) + (has(self.lastGood) ? 1 : 0) == 1"
).message("give exactly one of version, steps and lastGood"))]
pub struct RollbackTo {
    /// The version of this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub version: Option<u64>,
    /// So many versions back from the active one, counting distinct contents, 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub steps: Option<u32>,
    /// The last good version; only `true` has a meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self").message("must be true; leave it out otherwise"))]
    pub last_good: Option<bool>,
}

/// What was done: the audit record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigRollbackStatus {
    /// Complete: True when it is done, False when it was refused, Unknown while it is under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shapes::conditions")]
    pub conditions: Vec<Condition>,
    /// The version that was left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub from: Option<u64>,
    /// The version whose content was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub to: Option<u64>,
    /// The new version that carries that content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "shapes::number")]
    pub version: Option<u64>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<MicroTime>,
    /// When it was done or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<MicroTime>,
    /// How many pods it reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<RollbackPods>,
    /// What came of it, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub outcome: Option<String>,
}

/// How many pods a rollback reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackPods {
    /// All targets.
    pub total: u32,
    /// Those that proved that they run it.
    pub acked: u32,
}
