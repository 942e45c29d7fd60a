//! The catalogue of condition types and of reasons: each word that a condition can show is a variant here.
//! Must not know when a reason applies; whoever decides says so.

use std::fmt;

use serde::Serialize;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// Every word, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$word,)+];

            /// The word as users see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => stringify!($word),)+
                }
            }

            /// The word of this spelling, if the catalogue has it.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// What a condition speaks of.
    ConditionType {
        /// Policy: every target runs the newest configuration and nothing is wrong. Schema: configurations can be
        /// checked against it.
        Ready,
        /// Policy: the sources are there and can be read.
        SourceReady,
        /// Policy: the schema is there and sound, or none is asked for.
        SchemaReady,
        /// Policy: every target runs the active version.
        TargetsReady,
        /// Policy: new configurations are let through.
        BreakerClosed,
        /// Version: targets are meant to run it.
        Active,
        /// Version: it is or was last-good.
        Proven,
        /// Version: it hurt.
        Tripped,
        /// Rollback: it is done; false when it was refused.
        Complete,
    }
);

words!(
    /// Why a condition has its status.
    Reason {
        // Policy: all is well, or on its way.
        /// Every target runs the active version and nothing is wrong.
        Settled,
        /// A version is on its way to the targets.
        RollingOut,
        /// The policy observes: it decides and reports and touches nothing.
        Observing,
        /// The policy is paused and holds everything as it is.
        Paused,
        /// The first version is still to come.
        NothingRecorded,

        // Policy: sources and validation.
        /// The sources are there and could be read.
        SourceRead,
        /// A source does not exist; what pods run stays.
        SourceMissing,
        /// A source is there and cannot be read.
        SourceUnreadable,
        /// The newest configuration is not valid; what pods run stays.
        Invalid,
        /// The newest configuration is larger than what can be recorded.
        TooLarge,

        // Policy and schema.
        /// The schema is sound.
        SchemaSound,
        /// No schema is asked for.
        NoSchema,
        /// The schema that the policy names does not exist; nothing new is pushed.
        SchemaMissing,
        /// The schema has faults of its own; nothing new is pushed.
        SchemaBroken,

        // Policy: targets.
        /// Every target runs the active version.
        Confirmed,
        /// Every target took the notice of the active version, which proves nothing.
        Delivered,
        /// The policy has no targets, or no pod matches the selector and carries the annotation.
        NoTargets,
        /// No container of a pod has a port of the name that is asked for.
        NoSuchPort,
        /// An annotation of a pod cannot be used.
        BadAnnotation,
        /// The address of a pod is one that is never pushed to.
        AddressRefused,
        /// A target refuses the version.
        Refused,
        /// A target gives no usable answer.
        Unreachable,
        /// A target runs something newer than the active version.
        Stale,
        /// An older policy names the same pods.
        Conflict,

        // Policy and version: the breaker.
        /// The breaker lets new configurations through.
        BreakerClosed,
        /// The breaker holds new configurations.
        BreakerOpen,
        /// The breaker tries the next configuration on one pod first.
        BreakerHalfOpen,
        /// The version hurt.
        Tripped,
        /// The newest configuration hurt before and is not tried again by itself.
        Quarantined,
        /// A person rolled back from the newest configuration.
        SetAside,
        /// A version hurt, and the policy does not revert by itself.
        RevertDisabled,
        /// A version hurt, and there is no last good one to go back to.
        NoLastGood,
        /// The author's ConfigMap was restored and written again by another; it was left at that.
        RevertContested,

        // What keeps the operator from acting.
        /// The specification cannot be used, although the API server took it.
        BadSpecification,
        /// The version could not be recorded, so nothing goes out.
        RecordFailed,
        /// The operator lacks a right; the message names verb and resource.
        Forbidden,
        /// The content of a recorded version does not have its digest; it is never pushed.
        CorruptVersion,
        /// A write to the cluster failed for another cause and is tried again.
        WriteFailed,

        // Version.
        /// The targets are meant to run it.
        Current,
        /// A newer version took its place.
        Superseded,
        /// Targets were brought back from it.
        Reverted,
        /// A person rolled back from it.
        RolledBackFrom,

        // Rollback.
        /// The rollback is under way.
        InProgress,
        /// The targets are back on the content that was asked for.
        RolledBack,
        /// The content that was asked for is refused by the schema of today; `force` would skip that.
        RollbackRefused,
        /// There is no version of that number, or not so many.
        NoSuchVersion,
        /// The policy does not exist.
        NoSuchPolicy,
        /// The version belongs to another policy.
        WrongPolicy,
        /// The targets run the content that is asked for already.
        NothingToDo,
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_reads_back_as_itself() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
        }
        for kind in ConditionType::ALL {
            assert_eq!(ConditionType::parse(&kind.to_string()), Some(*kind));
        }
        assert_eq!(Reason::parse("settled"), None);
    }
}
