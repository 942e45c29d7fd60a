//! Which targets get the active version now.
//! Must not choose the version; that stands before this is asked.

use std::collections::BTreeMap;

use super::plan::{Action, Because, Plan};
use super::situation::{Situation, Standing};
use crate::contract::body as contract;
use crate::ids::ObjectName;
use crate::reason::Reason;
use crate::target::{Endpoint, TargetKey};

/// Pushes the active version to the targets that lack it and are due.
pub(super) fn push(situation: &Situation<'_>, plan: &mut Plan) {
    let Some(active) = situation.active else { return };
    if situation.tripped.is_some() {
        return;
    }
    if let Some(Err(problem)) = situation.seen.active {
        let message = format!("version {} is not pushed: {problem}; roll back or edit", active.number);
        plan.because.push(Because::new(Reason::CorruptVersion, message));
        return;
    }
    let mut due = due(situation, plan);
    if situation.is_probe() {
        due = first_alone(situation, due);
    }
    if due.is_empty() {
        return;
    }
    let reason = if situation.is_proven(active) { contract::Reason::CatchUp } else { active.origin.push_reason() };
    let message = format!("{} targets lack version {}", due.len(), active.number);
    plan.because.push(Because::new(Reason::RollingOut, message));
    plan.actions.push(Action::Push { version: active.number, reason, targets: due });
}

fn due(situation: &Situation<'_>, plan: &mut Plan) -> Vec<(TargetKey, ObjectName, Endpoint)> {
    let mut due = Vec::new();
    for (target, standing) in &situation.standings {
        let Ok(endpoint) = &target.endpoint else { continue };
        match standing {
            Standing::Waiting => due.push((target.key.clone(), target.pod.clone(), endpoint.clone())),
            Standing::Failed { retry_at, .. } | Standing::Retrying { retry_at, .. } => {
                if *retry_at <= situation.now {
                    due.push((target.key.clone(), target.pod.clone(), endpoint.clone()));
                } else {
                    plan.look_again(*retry_at);
                }
            }
            _ => {}
        }
    }
    due
}

/// Half-open: one pod alone until it answered, a ready one if there is any, since only ready pods count.
///
/// Without a ready pod one of the others is asked, for it may need the version to become ready.
fn first_alone(
    situation: &Situation<'_>,
    due: Vec<(TargetKey, ObjectName, Endpoint)>,
) -> Vec<(TargetKey, ObjectName, Endpoint)> {
    let reachable = || situation.standings.iter().filter(|(target, _)| target.endpoint.is_ok());
    let any_ready = reachable().any(|(target, _)| target.ready);
    let group: BTreeMap<&TargetKey, &Standing<'_>> = reachable()
        .filter(|(target, _)| target.ready || !any_ready)
        .map(|(target, standing)| (&target.key, standing))
        .collect();
    let asked = |standing: &Standing<'_>| matches!(standing, Standing::InFlight | Standing::Retrying { .. });
    let busy = group.values().any(|standing| asked(standing));
    let may = |standing: &&Standing<'_>| !busy || asked(standing);
    due.into_iter().filter(|(key, ..)| group.get(key).is_some_and(may)).take(1).collect()
}
