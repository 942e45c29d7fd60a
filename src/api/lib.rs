//! The custom resources of Rekindle as Rust types, group `rekindle.dev`, version `v1alpha1`, and their definitions.
//! It decides nothing and must not know the core: `convert` in the root package translates between the two.
//!
//! Flow: the API server checks every object against these definitions before it stores it, so what a rule here says
//! holds for everything that is read. Absent and null are the same: no field is nullable, so the server drops nulls.

#![expect(clippy::duplicated_attributes, reason = "the lint takes printcolumn(…) of two columns for one attribute")]

pub mod names;

mod definitions;
mod shapes;

mod config_rollback;
mod config_schema;
mod config_version;
mod finding;
mod reload_policy;

pub use config_rollback::{
    ConfigRollback, ConfigRollbackSpec, ConfigRollbackStatus, PolicyReference, RollbackPods, RollbackTo,
};
pub use config_schema::{
    ConfigSchema, ConfigSchemaSpec, ConfigSchemaStatus, DependencyRule, DocumentRules, MergedRules, SchemaFault,
    UnknownFields, ValidationRule, YamlDialect,
};
pub use config_version::{
    Acknowledgement, ConfigVersion, ConfigVersionSpec, ConfigVersionStatus, Content, DiffSummary, Encoding, Origin,
    OriginType, RollbackReference, SeenSource, SourceKind, Verdict,
};
pub use definitions::definitions;
pub use finding::{Finding, Severity};
pub use reload_policy::{
    ActiveCopy, Breaker, BreakerState, BreakerStatus, ConfigMapSource, FilesSource, History, LabelOperator,
    LabelRequirement, LabelSelector, LastEdit, Mode, Payload, PodFailure, QuarantinedDigest, ReloadPolicy,
    ReloadPolicySpec, ReloadPolicyStatus, RestoreSource, Revert, SchemaReference, SetAsideDigest, Source, TargetCounts,
    Targets, VersionReference,
};
