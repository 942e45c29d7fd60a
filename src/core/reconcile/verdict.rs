//! Whether the active version hurts, and the way back to last-good.
//! Must not write anything itself: the quarantine comes first, then the record of the revert, then the pushes.

use super::edit::recording;
use super::plan::{Because, Note, Plan};
use super::situation::{Situation, Standing};
use crate::diff::Summary;
use crate::ids::VersionNumber;
use crate::reason::Reason;
use crate::record::{NewVersion, Origin, Recorded};
use crate::status::Quarantined;
use crate::version::content::{Packed, UnpackError};

/// Finds that the active version hurts; says whether it did.
pub(super) fn trip(situation: &Situation<'_>, plan: &mut Plan) -> bool {
    let Some(active) = situation.active else { return false };
    // A revert is the way out: it never trips, whatever pods say. What ran everywhere is not blamed for late pods.
    let settled = situation.is_proven(active) && was_confirmed(situation, active);
    if situation.tripped.is_some() || settled || matches!(active.origin, Origin::Revert { .. }) {
        return false;
    }
    // Silence is a reason to go back where there is a way back. A version that ran everywhere, or the only one that
    // there is, waits for pods that do not listen yet, however often they are asked.
    let way_back = situation.last_good.is_some_and(|good| good.number != active.number);
    let silence_counts = way_back && !situation.is_proven(active);
    let tally = if silence_counts { situation.tally() } else { situation.tally_of_answers() };
    let probe_failed = situation.is_probe() && tally.bad > 0;
    let why = match situation.seen.policy.breaker.judge(tally) {
        Some(why) => why,
        None if probe_failed => "the first pod to get the version refused it or failed".to_owned(),
        None => return false,
    };
    let reason = match first_refusal(situation) {
        Some((pod, words)) => format!("{why}; {pod}: {words}"),
        None => why,
    };
    let entry = Quarantined {
        digest: active.digest,
        version: active.number,
        reason: reason.clone(),
        at: situation.now,
        restored: false,
    };
    let message = format!("version {} tripped the breaker: {reason}", active.number);
    plan.because.push(Because::new(Reason::Tripped, message.clone()));
    let open_until = situation.now.after(situation.seen.policy.breaker.open_for);
    plan.remember(Note::Tripped { entry, open_until });
    plan.announce(true, Reason::Tripped, message);
    true
}

fn was_confirmed(situation: &Situation<'_>, active: &Recorded) -> bool {
    !active.acks.is_empty() || situation.tally().good > 0
}

fn first_refusal<'a>(situation: &'a Situation<'_>) -> Option<(&'a str, &'a str)> {
    situation.standings.iter().find_map(|(target, standing)| match standing {
        Standing::Refused(reason) | Standing::Failed { reason, .. } => Some((target.pod.as_str(), *reason)),
        _ => None,
    })
}

/// Records the way back from a version that tripped; says whether it did.
pub(super) fn revert(situation: &Situation<'_>, plan: &mut Plan) -> bool {
    let (Some(active), Some(entry)) = (situation.active, situation.tripped) else { return false };
    if !situation.seen.policy.revert.automatic {
        let message = format!("version {} tripped and automatic reverts are off: roll back or edit", active.number);
        plan.because.push(Because::new(Reason::Tripped, message));
        return false;
    }
    if let Some(retry_at) = situation.record_waits() {
        plan.because.push(Because::new(Reason::RecordFailed, "the way back could not be recorded and is tried again"));
        plan.look_again(retry_at);
        return false;
    }
    let Some(good) = situation.last_good else {
        let message = format!("version {} tripped and no earlier version is known to be good", active.number);
        plan.because.push(Because::new(Reason::NoLastGood, message));
        return false;
    };
    let origin = Origin::Revert { from: active.number, of: good.number, reason: entry.reason.clone() };
    match returning(situation, good, origin) {
        Ok(version) => {
            let message = format!("version {} returns to the content of version {}", version.number, good.number);
            plan.because.push(Because::new(Reason::Reverted, message));
            plan.actions.push(recording(situation, version));
            true
        }
        Err(error) => {
            let message = format!("version {} is last-good, but its record is damaged: {error}", good.number);
            plan.because.push(Because::new(Reason::CorruptVersion, message));
            false
        }
    }
}

/// A new version with the content of an older one, under a number that targets accept.
///
/// # Errors
/// The older version's record is damaged.
pub(super) fn returning(situation: &Situation<'_>, to: &Recorded, origin: Origin) -> Result<NewVersion, UnpackError> {
    let documents = to.open()?;
    let encoding = to.content.encoding.clone()?;
    let bytes = to.content.bytes.clone();
    let parent: Option<VersionNumber> = situation.active.map(|active| active.number);
    Ok(NewVersion {
        number: situation.next_number(),
        digest: to.digest,
        parent,
        last_good: situation.last_good.map(|good| good.number),
        origin,
        content: Packed { encoding, bytes, size: documents.size() },
        diff: diff_from_active(situation, &documents),
        documents,
        warnings: Vec::new(),
    })
}

fn diff_from_active(situation: &Situation<'_>, documents: &crate::document::Documents) -> Summary {
    let dialect = match situation.seen.schema {
        super::observed::SchemaState::Ready(schema) => schema.dialect(),
        _ => crate::format::Dialect::default(),
    };
    let before = situation.seen.active.and_then(|active| active.as_ref().ok());
    // What was recorded parsed then; should it no longer, the version is recorded without a diff and says so itself.
    match crate::configuration::Configuration::parse(documents.clone(), dialect) {
        Ok(after) => Summary::between(before.map(AsRef::as_ref), &after),
        Err(_) => Summary::default(),
    }
}
