//! What users are shown of a policy, its versions and its rollbacks; always computed, also after a failure.
//! Must not know how it is written down.

use serde::Serialize;

use crate::breaker::Breaker;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::ids::{ObjectName, Uid, VersionNumber};
use crate::reason::Reason;
use crate::target::Running;
use crate::time::Timestamp;

/// The conditions of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ConditionKind {
    /// The summary: every target runs what the author wrote.
    Ready,
    /// The sources can be read and hold documents.
    SourceReady,
    /// The schema can be used.
    SchemaReady,
    /// The last edit satisfies the schema.
    Valid,
    /// Every target confirmed the active version.
    TargetsReady,
    /// The breaker is closed.
    BreakerClosed,
}

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It is not known.
    Unknown,
}

/// One statement about an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Which statement.
    pub kind: ConditionKind,
    /// Whether it holds.
    pub truth: Truth,
    /// Why, as a word of the catalogue.
    pub reason: Reason,
    /// Why, as a sentence: what, where and what to do.
    pub message: String,
}

/// How many targets stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TargetCounts {
    /// All targets.
    pub total: u32,
    /// Those that proved that they run the active version.
    pub confirmed: u32,
    /// Those that took the notice of it, which proves nothing.
    pub delivered: u32,
    /// Those that refuse it.
    pub refused: u32,
    /// Those that could not be reached.
    pub failed: u32,
    /// Those that were not asked yet or have not answered.
    pub pending: u32,
    /// Pods that opted in and cannot be targets.
    pub unusable: u32,
}

impl TargetCounts {
    /// Whether every target has the active version, as far as its payload can tell.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.confirmed.saturating_add(self.delivered) == self.total
    }
}

/// A target that does not run what it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetFailure {
    /// The pod.
    pub pod: ObjectName,
    /// The version that it should run.
    pub version: VersionNumber,
    /// Why it does not.
    pub reason: String,
}

/// A digest that tripped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// The digest.
    pub digest: Digest,
    /// The version that tripped.
    pub version: VersionNumber,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// Whether the author's ConfigMap was written back for it; that is done once.
    pub restored: bool,
}

/// A digest that a person rolled back from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// The digest.
    pub digest: Digest,
    /// The version that was left.
    pub version: VersionNumber,
    /// The ConfigRollback.
    pub rollback: ObjectName,
    /// When.
    pub at: Timestamp,
}

/// What became of the last edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastEdit {
    /// What the sources hold; none when they could not be read.
    pub digest: Option<Digest>,
    /// What became of it.
    pub outcome: Reason,
    /// Why.
    pub message: String,
}

/// The status of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyStatus {
    /// The generation that this is about.
    pub generation: i64,
    /// In a fixed order, `Ready` first.
    pub conditions: Vec<Condition>,
    /// What targets are meant to run.
    pub active: Option<Running>,
    /// The newest proven version.
    pub last_good: Option<Running>,
    /// The highest number ever given.
    pub last_number: Option<VersionNumber>,
    /// How many targets stand where.
    pub targets: TargetCounts,
    /// Bounded.
    pub failures: Vec<TargetFailure>,
    /// The breaker.
    pub breaker: Breaker,
    /// Newest last, bounded.
    pub quarantined: Vec<Quarantined>,
    /// Newest last, bounded.
    pub set_aside: Vec<SetAside>,
    /// What is wrong with the last edit, bounded.
    pub findings: Vec<Finding>,
    /// What became of the last edit.
    pub last_edit: LastEdit,
}

/// The status of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionStatus {
    /// Whether targets are meant to run it.
    pub active: bool,
    /// Whether it ran on every target without tripping.
    pub proven: bool,
    /// Why it tripped, when it did.
    pub tripped: Option<String>,
    /// Who confirmed it.
    pub acks: Vec<Acknowledged>,
}

/// A pod's life that confirmed a version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Acknowledged {
    /// The pod's name.
    pub pod: ObjectName,
    /// The pod's unique id.
    pub uid: Uid,
    /// When the youngest of its containers had started.
    pub started: Timestamp,
}

/// The status of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackStatus {
    /// Whether it is complete: unknown while it runs, false when it was refused or failed.
    pub complete: Truth,
    /// Why.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
    /// The version that was active before.
    pub from: Option<VersionNumber>,
    /// The version whose content was asked for.
    pub to: Option<VersionNumber>,
    /// The version that was recorded for it.
    pub version: Option<VersionNumber>,
    /// Targets at the end.
    pub pods: Option<(u32, u32)>,
}
