//! ReloadPolicy: which sources, which schema, which targets, when a version hurts and what happens then.
//! Holds only fields that do something; must not know how they are acted on.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shapes;

mod status;

pub use status::{
    BreakerState, BreakerStatus, LastEdit, PodFailure, QuarantinedDigest, ReloadPolicyStatus, SetAsideDigest,
    TargetCounts, VersionReference,
};

/// What should happen with one configuration: where its authors write, what it must satisfy, which pods run it, and
/// when a change of it is taken back.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "rekindle.dev",
    version = "v1alpha1",
    kind = "ReloadPolicy",
    plural = "reloadpolicies",
    shortname = "rp",
    category = "rekindle",
    namespaced,
    status = "ReloadPolicyStatus",
    derive = "PartialEq",
    doc = "A ReloadPolicy carries the configuration in its sources into the pods that it selects, and takes a change \
           back when it hurts.",
    validation = Rule::new("size(self.metadata.name) <= 240").message(
        "metadata.name must have at most 240 characters, so that the names of versions fit"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether every target runs the newest configuration and nothing is wrong"),
    printcolumn(name = "Active", type_ = "integer", json_path = ".status.active.version",
        description = "The version that targets are meant to run"),
    printcolumn(name = "Last-Good", type_ = "integer", json_path = ".status.lastGood.version",
        description = "The newest version that every target confirmed"),
    printcolumn(name = "Confirmed", type_ = "string", json_path = ".status.targets.summary",
        description = "Targets that run the active version, of all targets"),
    printcolumn(name = "Breaker", type_ = "string", json_path = ".status.breaker.state",
        description = "Open while new configurations are held because one has hurt"),
    printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why it is ready or not"),
    printcolumn(name = "Message", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        description = "The same in a sentence", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "!has(self.activeCopy) || self.sources.all(source, !has(source.configMap) \
     || source.configMap.name != self.activeCopy.name)"
).message("activeCopy must not be one of the sources: it would feed on itself").field_path(".activeCopy"))]
pub struct ReloadPolicySpec {
    /// Where authors write, 1 to 8 places. Documents of later sources are merged over those of earlier ones, and a
    /// document takes the place of an earlier source's document of the same name.
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(validation = Rule::new(
        "self.all(source, !has(source.configMap) || self.exists_one(other, has(other.configMap) \
         && other.configMap.name == source.configMap.name))"
    ).message("two sources name the same ConfigMap; name it once"))]
    #[x_kube(validation = Rule::new(
        "self.all(source, !has(source.files) || self.exists_one(other, has(other.files) \
         && other.files.path == source.files.path))"
    ).message("two sources name the same path of files; name it once"))]
    pub sources: Vec<Source>,

    /// The ConfigSchema that the configuration must satisfy. Without one, everything that can be read is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_ref: Option<SchemaReference>,

    /// The pods that run the configuration. Without targets, versions are checked and recorded and pushed to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,

    /// When a version counts as hurting.
    #[serde(default)]
    pub breaker: Breaker,

    /// What happens when a version hurts.
    #[serde(default)]
    pub revert: Revert,

    /// A ConfigMap that receives the proven content, for pods to mount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_copy: Option<ActiveCopy>,

    /// How many versions are kept.
    #[serde(default)]
    pub history: History,

    /// Whether to act. `Enforce` validates, records, pushes and reverts. `Observe` decides and reports and touches
    /// nothing. `Paused` holds everything as it is. Default: `Enforce`.
    #[serde(default)]
    pub mode: Mode,
}

/// One place where authors write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.configMap) != has(self.files)")
    .message("give exactly one of configMap and files"))]
pub struct Source {
    /// Entries of a ConfigMap in the namespace of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapSource>,
    /// Files that are mounted into the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesSource>,
}

/// Entries of a ConfigMap; each key is a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapSource {
    /// The name of the ConfigMap.
    #[schemars(schema_with = "shapes::object_name")]
    pub name: String,
    /// Which keys are documents, as 1 to 32 globs such as `*.yaml` or `.env*`. Default: every key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "shapes::globs")]
    pub include: Vec<String>,
}

/// Files of a directory; each file is a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilesSource {
    /// The directory, relative to the operator's `--files-root`, such as `checkout` or `team-a/checkout`.
    #[schemars(length(min = 1, max = 512))]
    #[x_kube(validation = Rule::new(
        r"self.matches('^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$') && !self.matches('(^|/)[.][.]?(/|$)')"
    ).message("must be a relative path of letters, digits, `.`, `_` and `-`, without `.` or `..` as a part and \
               without `/` at either end"))]
    pub path: String,
}

/// A ConfigSchema in the namespace of the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemaReference {
    /// The name of the ConfigSchema.
    #[schemars(schema_with = "shapes::object_name")]
    pub name: String,
}

/// Which pods run the configuration, and where in them it is received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Targets {
    /// Which pods of the policy's namespace. A pod must also carry the annotation `rekindle.dev/reload: "true"`. The
    /// empty selector takes every pod that carries it.
    pub selector: LabelSelector,
    /// Where pods listen: a number from 1 to 65535 or the name of a container's port. A pod's annotation
    /// `rekindle.dev/port` overrides it. Default: 8080.
    #[serde(default = "default_port")]
    #[schemars(schema_with = "shapes::port")]
    pub port: IntOrString,
    /// The path that is posted to. It begins with `/` and has neither a query nor `..`. A pod's annotation
    /// `rekindle.dev/path` overrides it. Default: `/rekindle/v1/config`.
    #[serde(default = "default_path")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new(
        "self.matches('^(/|(/[A-Za-z0-9._~!$&()*+,=:@-]+)+/?)$') && !self.matches('/[.][.]?(/|$)')"
    ).message("must be a path that begins with `/`, without empty, `.` or `..` parts, without `%` and `;`, and without \
               scheme, host, query or fragment"))]
    pub path: String,
    /// What is sent. `Content` is the documents, signed; the answer proves what the pod runs. `Notice` is a POST
    /// without a body, for software that reads its own mounted files; it proves nothing. Default: `Content`.
    #[serde(default)]
    pub payload: Payload,
    /// How long one push may take, from 100ms to 60s. A pod's annotation `rekindle.dev/timeout` overrides it.
    /// Default: `2s`.
    #[serde(default = "default_timeout")]
    #[schemars(schema_with = "shapes::push_timeout")]
    pub timeout: String,
    /// Whether pods that share their node's network are targets too: what listens there may be something else.
    /// Default: false.
    #[serde(default)]
    pub host_network: bool,
}

fn default_port() -> IntOrString {
    IntOrString::Int(8080)
}

fn default_path() -> String {
    "/rekindle/v1/config".to_owned()
}

fn default_timeout() -> String {
    "2s".to_owned()
}

impl Default for Targets {
    fn default() -> Self {
        Self {
            selector: LabelSelector::default(),
            port: default_port(),
            path: default_path(),
            payload: Payload::default(),
            timeout: default_timeout(),
            host_network: false,
        }
    }
}

/// Which pods, by their labels: all that is asked for must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels and the values that they must have, at most 32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "label_map")]
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions on labels, at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub match_expressions: Vec<LabelRequirement>,
}

fn label_map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 32,
        "additionalProperties": {"type": "string", "maxLength": 63},
    })
}

/// One condition on a label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new(
    "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)"
).message("In and NotIn need values; Exists and DoesNotExist take none"))]
pub struct LabelRequirement {
    /// The label.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How its value is compared: `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: LabelOperator,
    /// The values for `In` and `NotIn`, 1 to 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 63)))]
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LabelOperator {
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
    /// The label is there.
    #[default]
    Exists,
    /// The label is absent.
    DoesNotExist,
}

/// What is sent to a pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Payload {
    /// The documents, signed.
    #[default]
    Content,
    /// A bare POST.
    Notice,
}

/// When a version counts as hurting: a target that refuses it or does not answer has failed. Pods that failed before
/// the version came do not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breaker {
    /// So many targets that fail one after the other trip the breaker, 1 to 1000. Default: 3.
    #[serde(default = "default_consecutive_failures")]
    #[schemars(range(min = 1, max = 1000))]
    pub consecutive_failures: u32,
    /// So many of a hundred targets that answered must have failed to trip it, 1 to 100. Default: 50.
    #[serde(default = "default_failure_percent")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: u32,
    /// From how many targets on `failurePercent` counts, 1 to 1000; with fewer targets, all of them. Default: 3.
    #[serde(default = "default_minimum_pods")]
    #[schemars(range(min = 1, max = 1000))]
    pub minimum_pods: u32,
    /// How long an open breaker holds new configurations, from 1s to 24h; the next one is then tried on one pod
    /// first. Default: `60s`.
    #[serde(default = "default_open_for")]
    #[schemars(schema_with = "shapes::open_for")]
    pub open_for: String,
}

fn default_consecutive_failures() -> u32 {
    3
}

fn default_failure_percent() -> u32 {
    50
}

fn default_minimum_pods() -> u32 {
    3
}

fn default_open_for() -> String {
    "60s".to_owned()
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            consecutive_failures: default_consecutive_failures(),
            failure_percent: default_failure_percent(),
            minimum_pods: default_minimum_pods(),
            open_for: default_open_for(),
        }
    }
}

/// What happens when a version hurts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revert {
    /// Whether pods are brought back to the last good version without anybody asking. Default: true.
    #[serde(default = "default_automatic")]
    pub automatic: bool,
    /// What becomes of the author's ConfigMap. `Keep` leaves it as it is, so that GitOps tools have nothing to fight.
    /// `Restore` writes the last good content back, once. Default: `Keep`.
    #[serde(default)]
    pub source: RestoreSource,
}

fn default_automatic() -> bool {
    true
}

impl Default for Revert {
    fn default() -> Self {
        Self { automatic: default_automatic(), source: RestoreSource::default() }
    }
}

/// What a revert does with the author's ConfigMap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RestoreSource {
    /// Leave it.
    #[default]
    Keep,
    /// Write the last good content back, once.
    Restore,
}

/// The ConfigMap that receives the proven content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActiveCopy {
    /// The name of the ConfigMap; it is made when it is missing. It must not be one of the sources.
    #[schemars(schema_with = "shapes::object_name")]
    pub name: String,
}

/// How many versions are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// How many, 2 to 100. What is active, last good or still run by a pod is kept beyond it. Default: 10.
    #[serde(default = "default_history_limit")]
    #[schemars(range(min = 2, max = 100))]
    pub limit: u32,
}

fn default_history_limit() -> u32 {
    10
}

impl Default for History {
    fn default() -> Self {
        Self { limit: default_history_limit() }
    }
}

/// Whether to act.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// Validate, record, push, revert.
    #[default]
    Enforce,
    /// Decide and report; touch nothing.
    Observe,
    /// Hold everything as it is.
    Paused,
}
