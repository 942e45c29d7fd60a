//! The statuses of the policy, its versions and its rollbacks, computed in one place from one situation.
//! Must not decide; it tells what is.

use std::collections::BTreeMap;

use super::edit::Judged;
use super::ledger::Ledger;
use super::plan::{Action, Plan};
use super::situation::{Situation, Standing};
use super::{conditions, rollback};
use crate::ids::VersionNumber;
use crate::record::Recorded;
use crate::status::{Acknowledged, LastEdit, PolicyStatus, TargetFailure, VersionStatus};
use crate::target::{Endpoint, Payload};

/// How many failures of targets are listed.
pub const MAX_FAILURES: usize = 20;
/// How many findings are listed.
pub const MAX_FINDINGS: usize = 50;
/// How many confirmations of one version are kept.
pub const MAX_ACKS: usize = 5000;

/// Fills in what users are shown.
pub(super) fn fill(situation: &Situation<'_>, edit: &Judged, plan: &mut Plan) {
    rollback::progress(situation, plan);
    plan.shown.versions = statuses(situation);
    plan.shown.policy = Some(policy(situation, edit, plan));
}

fn policy(situation: &Situation<'_>, edit: &Judged, plan: &Plan) -> PolicyStatus {
    let ledger = situation.seen.ledger;
    let mut findings = edit.findings.clone();
    findings.truncate(MAX_FINDINGS);
    let Ledger { breaker, quarantined, set_aside, .. } = memory(situation, plan);
    PolicyStatus {
        generation: situation.seen.policy.generation,
        conditions: conditions::of(situation, edit),
        active: situation.active.map(Recorded::running),
        last_good: situation.last_good.map(Recorded::running),
        last_number: Some(ledger.last_number).filter(|number| *number > VersionNumber::default()),
        targets: situation.counts(),
        failures: failures(situation),
        breaker,
        quarantined,
        set_aside,
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
            Standing::Refused(reason) | Standing::Failed { reason, .. } | Standing::Retrying { reason, .. } => {
                (*reason).to_owned()
            }
            Standing::Stale(reason) => (*reason).to_owned(),
            _ => return None,
        };
        Some(TargetFailure { pod: target.pod.clone(), version: active.number, reason })
    });
    told.take(MAX_FAILURES).collect()
}

/// The memory with what this very plan adds before it writes anything, so that a status written now survives a crash.
fn memory(situation: &Situation<'_>, plan: &Plan) -> Ledger {
    let ledger = situation.seen.ledger;
    let mut memory = Ledger {
        breaker: situation.breaker.clone(),
        quarantined: ledger.quarantined.clone(),
        set_aside: ledger.set_aside.clone(),
        ..Ledger::default()
    };
    for action in &plan.actions {
        match action {
            Action::Remember(note) => memory.remember(note),
            Action::Announce { .. } => {}
            _ => break,
        }
    }
    memory
}

fn statuses(situation: &Situation<'_>) -> Vec<(VersionNumber, VersionStatus)> {
    let mut acks = acks(situation);
    let history = situation.seen.history.values();
    history.map(|version| (version.number, status(situation, version, acks.remove(&version.number)))).collect()
}

fn status(situation: &Situation<'_>, version: &Recorded, acks: Option<Vec<Acknowledged>>) -> VersionStatus {
    let tripped = situation.seen.ledger.quarantined.iter().find(|entry| entry.version == version.number);
    VersionStatus {
        active: situation.active.is_some_and(|active| active.number == version.number),
        proven: situation.is_proven(version),
        tripped: tripped.map(|entry| entry.reason.clone()),
        acks: acks.unwrap_or_default(),
    }
}

/// Who runs what, by version: also those that are behind, so that what they run is never pruned.
fn acks(situation: &Situation<'_>) -> BTreeMap<VersionNumber, Vec<Acknowledged>> {
    let mut acks: BTreeMap<VersionNumber, Vec<Acknowledged>> = BTreeMap::new();
    for (target, _) in &situation.standings {
        let Some(record) = situation.seen.ledger.targets.get(&target.key) else { continue };
        let version = match &target.endpoint {
            Ok(Endpoint { payload: Payload::Notice, .. }) => record.delivered,
            _ => record.runs.map(|running| running.version),
        };
        let Some(version) = version else { continue };
        let known = acks.entry(version).or_default();
        if known.len() < MAX_ACKS {
            let (pod, uid) = (target.pod.clone(), target.key.uid.clone());
            known.push(Acknowledged { pod, uid, started: target.key.started });
        }
    }
    acks
}
