//! The one catalogue of reasons: every word that a condition, an Event or a plan gives as its reason.
//! Must not know where a reason is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something is as it is. The variant's name is the word that users see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// Every target runs the active version and nothing is to be done.
    Settled,
    /// A version is on its way to its targets.
    RollingOut,
    /// Nothing has been recorded yet.
    NothingRecorded,
    /// The source was read.
    Read,
    /// A source does not exist; the active version stays.
    SourceMissing,
    /// A source could not be read; the active version stays.
    SourceUnreadable,
    /// The edit does not parse or violates the schema; nothing was pushed.
    Invalid,
    /// The edit parses and satisfies the schema.
    Valid,
    /// No schema is named: every configuration that parses is valid.
    NoSchema,
    /// The schema is compiled and in use.
    SchemaReady,
    /// The schema that the policy names does not exist; nothing is pushed unvalidated.
    SchemaMissing,
    /// The schema itself is broken; nothing is pushed unvalidated.
    SchemaBroken,
    /// The edit changes bytes but no value; no version is needed.
    Unchanged,
    /// A version was recorded.
    Recorded,
    /// A version could not be recorded; it will be tried again.
    RecordFailed,
    /// The content exceeds what one version can hold.
    TooLarge,
    /// The record of a version does not match its digest; it is never pushed.
    CorruptVersion,
    /// The selector matches no pod that opted in.
    NoTargets,
    /// Every target confirmed the active version.
    AllConfirmed,
    /// Some targets have not confirmed the active version yet.
    Pending,
    /// Some targets refuse the active version.
    Refused,
    /// Some targets could not be reached.
    Unreachable,
    /// Some pods opted in with an unusable annotation, port or address.
    Unusable,
    /// An older policy owns pods that this one selects.
    Conflict,
    /// A version tripped the breaker.
    Tripped,
    /// Pods were returned to last-good.
    Reverted,
    /// The version tripped and there is no last-good version to return to.
    NoLastGood,
    /// The source holds a digest that tripped; it is never tried again by itself.
    Quarantined,
    /// The source holds a digest that a person rolled back from.
    SetAside,
    /// The breaker is open: new versions wait.
    BreakerOpen,
    /// The next version goes to one pod first.
    HalfOpen,
    /// Versions go out normally.
    Closed,
    /// The policy is paused: everything stays as it is.
    Paused,
    /// The policy only observes: it decides and reports, and touches nothing.
    Observing,
    /// The author's ConfigMap was written back.
    SourceRestored,
    /// The author's ConfigMap was written back and then changed back again; it is left alone.
    RevertContested,
    /// The copy of the proven content could not be written.
    ActiveCopyFailed,
    /// The API server refuses a request for lack of a right.
    Forbidden,
    /// The rollback was carried out.
    RolledBack,
    /// The rollback is under way.
    RollingBack,
    /// The rollback's version did not reach all pods, or tripped.
    RollbackFailed,
    /// There is no version of that number.
    NoSuchVersion,
    /// There is no policy of that name.
    NoSuchPolicy,
    /// The version asked for is active already.
    NothingToDo,
    /// The version asked for violates today's schema.
    RollbackInvalid,
    /// The version became active.
    Active,
    /// The version was replaced by a newer one.
    Superseded,
    /// The version ran on every target without tripping.
    Proven,
    /// The specification itself cannot be used.
    SpecInvalid,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
