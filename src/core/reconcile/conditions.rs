//! The conditions of a policy: each a statement with a word and a sentence; `Ready` sums them up.
//! Must not say True of what was not observed: what is not known is Unknown.

use super::edit::Judged;
use super::observed::{Assessment, SchemaState};
use super::situation::{Situation, Standing};
use crate::breaker::Breaker;
use crate::policy::Mode;
use crate::reason::Reason;
use crate::status::{Condition, ConditionKind, Truth};

/// The conditions in their fixed order.
pub(super) fn of(situation: &Situation<'_>, edit: &Judged) -> Vec<Condition> {
    let details =
        [source(situation, edit), schema(situation), valid(situation, edit), targets(situation), breaker(situation)];
    let mut conditions = vec![ready(situation, edit, &details)];
    conditions.extend(details);
    conditions
}

fn condition(kind: ConditionKind, truth: Truth, reason: Reason, message: impl Into<String>) -> Condition {
    Condition { kind, truth, reason, message: message.into() }
}

fn ready(situation: &Situation<'_>, edit: &Judged, details: &[Condition]) -> Condition {
    let kind = ConditionKind::Ready;
    match situation.seen.policy.mode {
        Mode::Paused => return condition(kind, Truth::Unknown, Reason::Paused, "the policy is paused"),
        Mode::Observe => {
            let message = format!("the policy only observes; it would decide: {}", edit.message);
            return condition(kind, Truth::Unknown, Reason::Observing, message);
        }
        Mode::Enforce => {}
    }
    if let Some(trouble) = situation.seen.trouble {
        return condition(kind, Truth::False, trouble.reason, trouble.message.clone());
    }
    // A half-open or open breaker alone takes nothing away from what runs.
    let weighty = || details.iter().filter(|detail| detail.kind != ConditionKind::BreakerClosed);
    let bad = weighty().find(|detail| detail.truth == Truth::False);
    if bad.is_none() && edit.outcome == Reason::RecordFailed {
        // That nothing was recorded yet would say less.
        return condition(kind, Truth::False, edit.outcome, edit.message.clone());
    }
    match bad.or_else(|| weighty().find(|detail| detail.truth == Truth::Unknown)) {
        Some(detail) => condition(kind, detail.truth, detail.reason, detail.message.clone()),
        None => match edit.outcome {
            Reason::Active | Reason::Unchanged => {
                condition(kind, Truth::True, Reason::Settled, "every target runs what the sources hold")
            }
            Reason::Valid => condition(kind, Truth::False, Reason::RollingOut, edit.message.clone()),
            outcome => condition(kind, Truth::False, outcome, edit.message.clone()),
        },
    }
}

fn source(situation: &Situation<'_>, edit: &Judged) -> Condition {
    let kind = ConditionKind::SourceReady;
    match situation.seen.assessment {
        Assessment::SourceMissing { .. } => condition(kind, Truth::False, Reason::SourceMissing, edit.message.clone()),
        Assessment::SourceUnreadable { .. } => {
            condition(kind, Truth::False, Reason::SourceUnreadable, edit.message.clone())
        }
        _ => condition(kind, Truth::True, Reason::Read, "the sources were read"),
    }
}

fn schema(situation: &Situation<'_>) -> Condition {
    let kind = ConditionKind::SchemaReady;
    match situation.seen.schema {
        SchemaState::None => {
            condition(kind, Truth::True, Reason::NoSchema, "no schema is named: whatever parses is valid")
        }
        SchemaState::Ready(_) => condition(kind, Truth::True, Reason::SchemaReady, "the schema is in use"),
        SchemaState::Missing => {
            condition(kind, Truth::False, Reason::SchemaMissing, "the schema that the policy names does not exist")
        }
        SchemaState::Broken => {
            condition(kind, Truth::False, Reason::SchemaBroken, "the schema is broken; its own status says where")
        }
    }
}

fn valid(situation: &Situation<'_>, edit: &Judged) -> Condition {
    let kind = ConditionKind::Valid;
    match situation.seen.assessment {
        Assessment::Invalid { .. } => condition(kind, Truth::False, Reason::Invalid, edit.message.clone()),
        Assessment::Valid(_) if edit.outcome == Reason::TooLarge => {
            condition(kind, Truth::False, Reason::TooLarge, edit.message.clone())
        }
        Assessment::Valid(_) => condition(kind, Truth::True, Reason::Valid, "what the sources hold is valid"),
        _ => condition(kind, Truth::Unknown, edit.outcome, "what the sources hold was not judged"),
    }
}

fn targets(situation: &Situation<'_>) -> Condition {
    let kind = ConditionKind::TargetsReady;
    let Some(active) = situation.active else {
        return condition(kind, Truth::Unknown, Reason::NothingRecorded, "no version was recorded yet");
    };
    if let Some(Err(problem)) = situation.seen.active {
        let message = format!("version {} cannot be pushed: {problem}", active.number);
        return condition(kind, Truth::False, Reason::CorruptVersion, message);
    }
    if let Some(entry) = situation.tripped {
        let message = format!("version {} tripped: {}", entry.version, entry.reason);
        if situation.last_good.is_some() {
            return condition(kind, Truth::False, Reason::Tripped, message);
        }
        let way_out = "nothing is known to be good: edit a value, or try it again by a ConfigRollback to it with force";
        return condition(kind, Truth::False, Reason::NoLastGood, format!("{message}; {way_out}"));
    }
    if let Some((pod, owner)) = situation.seen.taken.first_key_value() {
        let message = format!(
            "the older policy {owner} owns the pod {pod} and {} more; narrow a selector or annotate the pods with \
             rekindle.dev/policy",
            situation.seen.taken.len().saturating_sub(1)
        );
        return condition(kind, Truth::False, Reason::Conflict, message);
    }
    counted(situation)
}

fn counted(situation: &Situation<'_>) -> Condition {
    let kind = ConditionKind::TargetsReady;
    let counts = situation.counts();
    let told = |wanted: fn(&Standing<'_>) -> Option<String>| {
        let found = situation.standings.iter().find_map(|(target, standing)| Some((&target.pod, wanted(standing)?)));
        found.map_or_else(String::new, |(pod, reason)| format!("{pod}: {reason}"))
    };
    if counts.unusable > 0 {
        let first = told(|standing| match standing {
            Standing::Unusable(reason) => Some(reason.clone()),
            _ => None,
        });
        let message = format!("{} pods that opted in cannot be reached: {first}", counts.unusable);
        return condition(kind, Truth::False, Reason::Unusable, message);
    }
    if counts.refused > 0 {
        let first = told(|standing| match standing {
            Standing::Refused(reason) => Some((*reason).to_owned()),
            Standing::Stale(reason) => Some((*reason).to_owned()),
            _ => None,
        });
        let message = format!("{} of {} targets refuse the version: {first}", counts.refused, counts.total);
        return condition(kind, Truth::False, Reason::Refused, message);
    }
    if counts.failed > 0 {
        let first = told(|standing| match standing {
            Standing::Failed { reason, .. } => Some((*reason).to_owned()),
            _ => None,
        });
        let message = format!("{} of {} targets do not answer: {first}", counts.failed, counts.total);
        return condition(kind, Truth::False, Reason::Unreachable, message);
    }
    if !counts.complete() {
        let first = told(|standing| match standing {
            Standing::Retrying { reason, .. } => Some((*reason).to_owned()),
            _ => None,
        });
        let start = format!("{} of {} targets have not confirmed yet", counts.pending, counts.total);
        let message = if first.is_empty() { start } else { format!("{start}: {first}") };
        return condition(kind, Truth::False, Reason::Pending, message);
    }
    if counts.total == 0 {
        let message = "no running pod matches the selector and carries the annotation rekindle.dev/reload: \"true\"";
        return condition(kind, Truth::True, Reason::NoTargets, message);
    }
    let good = counts.confirmed.saturating_add(counts.delivered);
    condition(kind, Truth::True, Reason::AllConfirmed, format!("{good} of {} targets run it", counts.total))
}

fn breaker(situation: &Situation<'_>) -> Condition {
    let kind = ConditionKind::BreakerClosed;
    match &situation.breaker {
        Breaker::Closed => condition(kind, Truth::True, Reason::Closed, "versions go out normally"),
        Breaker::Open { reason, .. } => condition(kind, Truth::False, Reason::BreakerOpen, reason.clone()),
        Breaker::HalfOpen => condition(kind, Truth::False, Reason::HalfOpen, "the next version goes to one pod first"),
    }
}
