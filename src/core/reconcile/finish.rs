//! What follows once targets answered: proof, closing the breaker, the copy of the proven content, the restore.
//! Must not push.

use super::observed::Assessment;
use super::plan::{Action, Because, Note, Plan};
use super::situation::Situation;
use crate::policy::Source;
use crate::reason::Reason;
use crate::record::{Origin, Recorded};
use crate::version::content::UnpackError;

/// Finds that the active version ran everywhere without tripping.
///
/// Every ready target must have answered, and one of them well; with no target at all nothing contradicts.
pub(super) fn prove(situation: &Situation<'_>, plan: &mut Plan) {
    let Some(active) = situation.active else { return };
    if situation.is_proven(active) || situation.tripped.is_some() || matches!(situation.seen.active, Some(Err(_))) {
        return;
    }
    let tally = situation.tally();
    let answered = tally.targets > 0 && tally.good > 0 && tally.good.saturating_add(tally.bad) == tally.targets;
    if !(answered || situation.is_alone()) {
        return;
    }
    let message = format!("version {} runs on {} of {} targets", active.number, tally.good, tally.targets);
    plan.because.push(Because::new(Reason::Proven, message.clone()));
    plan.remember(Note::Proven(active.number));
    let reason = match active.origin {
        Origin::Revert { .. } => Reason::Reverted,
        Origin::Rollback { .. } => Reason::RolledBack,
        Origin::Edit(_) | Origin::File(_) => Reason::Active,
    };
    plan.announce(false, reason, message);
}

/// Closes a half-open breaker once the probe ran well, so that the others get the version; says whether it did.
pub(super) fn close_breaker(situation: &Situation<'_>, plan: &mut Plan) -> bool {
    let ran = situation.tally().good > 0 || situation.is_alone() || !situation.is_probe();
    if !situation.is_on_trial() || !ran {
        return false;
    }
    plan.because.push(Because::new(Reason::Closed, "the first pod runs the version: the breaker closes"));
    plan.remember(Note::CloseBreaker);
    true
}

/// Writes the copy of the proven content where it differs.
pub(super) fn write_active_copy(situation: &Situation<'_>, plan: &mut Plan) {
    let (Some(name), Some(good)) = (&situation.seen.policy.active_copy, situation.last_good) else { return };
    if situation.seen.active_copy == Some(good.digest) {
        return;
    }
    if let Err(error) = good.open() {
        plan.because.push(damaged(good, &error));
        return;
    }
    plan.because.push(Because::new(Reason::Proven, format!("{name} gets the content of version {}", good.number)));
    plan.actions.push(Action::WriteActiveCopy { name: name.clone(), version: good.number });
}

/// Writes the author's ConfigMaps back after a trip, once.
pub(super) fn restore_source(situation: &Situation<'_>, plan: &mut Plan) {
    let policy = situation.seen.policy;
    let (true, Some(good)) = (policy.revert.restore_source, situation.last_good) else { return };
    // While what tripped is still what targets are meant to run, there is no way back to go along with.
    if situation.active.is_none_or(|active| situation.is_quarantined(active.digest)) {
        return;
    }
    let Assessment::Valid(candidate) = situation.seen.assessment else { return };
    let held = candidate.configuration.digest();
    let entry = situation.seen.ledger.quarantined.iter().find(|entry| entry.digest == held);
    let Some(entry) = entry else { return };
    let writable = policy.sources.iter().any(|source| matches!(source, Source::ConfigMap { .. }));
    if entry.restored || !writable {
        return;
    }
    let documents = match good.open() {
        Ok(documents) => documents,
        Err(error) => return plan.because.push(damaged(good, &error)),
    };
    let message = format!("the sources get the content of version {} back", good.number);
    plan.because.push(Because::new(Reason::SourceRestored, message.clone()));
    plan.actions.push(Action::RestoreSource { documents, version: good.number });
    plan.remember(Note::Restored(entry.version));
    plan.announce(true, Reason::SourceRestored, message);
}

fn damaged(good: &Recorded, error: &UnpackError) -> Because {
    let message = format!("version {} is last-good, but its record is damaged: {error}", good.number);
    Because::new(Reason::CorruptVersion, message)
}
