//! Conditions by the Kubernetes API conventions: the transition time moves only when the status does.
//! Must not know which conditions there are.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use rekindle_core::reason::Reason;
use rekindle_core::status::Truth;
use rekindle_core::time::Timestamp;

use super::text::bounded;
use super::time::time_of;

/// One statement about an object.
pub(super) struct Statement {
    /// The type of the condition.
    pub kind: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// Why, as a word.
    pub reason: Reason,
    /// Why, as a sentence.
    pub message: String,
}

/// The conditions that say this, in this order; where a status is as before, so is its transition time.
pub(super) fn merged(
    before: &[Condition],
    statements: impl IntoIterator<Item = Statement>,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let condition = |statement: Statement| {
        let status = truth_word(statement.truth);
        let old = before.iter().find(|old| old.type_ == statement.kind && old.status == status);
        Condition {
            type_: statement.kind.to_owned(),
            status: status.to_owned(),
            reason: statement.reason.to_string(),
            message: bounded(&statement.message, 4096),
            observed_generation: generation,
            last_transition_time: old.map_or_else(|| time_of(now), |old| old.last_transition_time.clone()),
        }
    };
    statements.into_iter().map(condition).collect()
}

fn truth_word(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "True",
        Truth::False => "False",
        Truth::Unknown => "Unknown",
    }
}

/// The truth that a condition states; a word that is none of the three says nothing.
pub(super) fn truth_of(condition: &Condition) -> Truth {
    match condition.status.as_str() {
        "True" => Truth::True,
        "False" => Truth::False,
        _ => Truth::Unknown,
    }
}

/// Whether there is a condition of this type that is true.
pub(super) fn holds(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == kind && truth_of(condition) == Truth::True)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(truth: Truth, message: &str) -> Statement {
        Statement { kind: "Ready", truth, reason: Reason::Settled, message: message.to_owned() }
    }

    #[test]
    fn the_transition_time_moves_with_the_status_only() {
        let first = merged(&[], [ready(Truth::True, "a")], Some(1), Timestamp(1_000));
        let same = merged(&first, [ready(Truth::True, "b")], Some(2), Timestamp(5_000));
        let other = merged(&same, [ready(Truth::False, "b")], Some(2), Timestamp(9_000));

        assert_eq!(same[0].last_transition_time, time_of(Timestamp(1_000)));
        assert_eq!((same[0].message.as_str(), same[0].observed_generation), ("b", Some(2)));
        assert_eq!(other[0].last_transition_time, time_of(Timestamp(9_000)));
        assert!(holds(&same, "Ready") && !holds(&other, "Ready") && !holds(&[], "Ready"));
    }
}
