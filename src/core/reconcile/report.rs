//! The statuses of the policy, its versions and its rollbacks, computed in one place from one situation.
//! Must not decide; it tells what is.

use super::edit::Judged;
use super::plan::{Action, Note, Plan};
use super::situation::{Situation, Standing};
use super::{conditions, rollback};
use crate::ids::VersionNumber;
use crate::record::Recorded;
use crate::status::{Acknowledged, LastEdit, PolicyStatus, Quarantined, SetAside, TargetFailure, VersionStatus};
use crate::target::Payload;

/// How many failures of targets are listed.
pub const MAX_FAILURES: usize = 20;
/// How many findings are listed.
pub const MAX_FINDINGS: usize = 50;
/// How many confirmations of one version are kept.
pub const MAX_ACKS: usize = 5000;

/// Fills in what users are shown.
pub(super) fn fill(situation: &Situation<'_>, edit: &Judged, plan: &mut Plan) {
    rollback::progress(situation, plan);
    plan.shown.versions =
        situation.seen.history.values().map(|version| (version.number, status(situation, version))).collect();
    plan.shown.policy = Some(policy(situation, edit, plan));
}

fn policy(situation: &Situation<'_>, edit: &Judged, plan: &Plan) -> PolicyStatus {
    let ledger = situation.seen.ledger;
    let mut findings = edit.findings.clone();
    findings.truncate(MAX_FINDINGS);
    PolicyStatus {
        generation: situation.seen.policy.generation,
        conditions: conditions::of(situation, edit),
        active: situation.active.map(Recorded::running),
        last_good: situation.last_good.map(Recorded::running),
        last_number: Some(ledger.last_number).filter(|number| *number > VersionNumber::default()),
        targets: situation.counts(),
        failures: failures(situation),
        breaker: situation.breaker.clone(),
        quarantined: quarantined(situation, plan),
        set_aside: set_aside(situation, plan),
        findings,
        last_edit: LastEdit {
            digest: situation.seen.assessment.digest(),
            outcome: edit.outcome,
            message: edit.message.clone(),
        },
    }
}

fn failures(situation: &Situation<'_>) -> Vec<TargetFailure> {
    let Some(active) = situation.active else { return Vec::new() };
    let told = situation.standings.iter().filter_map(|(target, standing)| {
        let reason = match standing {
            Standing::Unusable(reason) => reason.clone(),
            Standing::Refused(reason) | Standing::Failed { reason, .. } => (*reason).to_owned(),
            _ => return None,
        };
        Some(TargetFailure { pod: target.pod.clone(), version: active.number, reason })
    });
    told.take(MAX_FAILURES).collect()
}

/// With what this very plan adds, so that a status written now survives a crash before the next round.
fn quarantined(situation: &Situation<'_>, plan: &Plan) -> Vec<Quarantined> {
    let mut entries = situation.seen.ledger.quarantined.clone();
    for action in &plan.actions {
        if let Action::Remember(Note::Tripped { entry, .. }) = action {
            entries.push(entry.clone());
        }
    }
    entries
}

fn set_aside(situation: &Situation<'_>, plan: &Plan) -> Vec<SetAside> {
    let mut entries = situation.seen.ledger.set_aside.clone();
    for action in &plan.actions {
        match action {
            Action::Remember(Note::SetAside(entry)) => entries.push(entry.clone()),
            Action::Remember(Note::ClearSetAside) => entries.clear(),
            _ => {}
        }
    }
    entries
}

fn status(situation: &Situation<'_>, version: &Recorded) -> VersionStatus {
    let active = situation.active.is_some_and(|active| active.number == version.number);
    let tripped = situation.seen.ledger.quarantined.iter().find(|entry| entry.version == version.number);
    VersionStatus {
        active,
        proven: situation.is_proven(version),
        tripped: tripped.map(|entry| entry.reason.clone()),
        acks: if active { acks(situation) } else { Vec::new() },
    }
}

fn acks(situation: &Situation<'_>) -> Vec<Acknowledged> {
    let confirmed = situation.standings.iter().filter(|(target, standing)| {
        let payload = target.endpoint.as_ref().map(|endpoint| endpoint.payload);
        matches!((standing, payload), (Standing::Confirmed, Ok(Payload::Content)) | (Standing::Delivered, _))
    });
    let acks = confirmed.map(|(target, _)| Acknowledged {
        pod: target.pod.clone(),
        uid: target.key.uid.clone(),
        started: target.key.started,
    });
    acks.take(MAX_ACKS).collect()
}
