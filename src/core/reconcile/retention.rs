//! Which records may go.
//! Must never take the active version, last-good, one in flight, or one that a pod reports (S5).

use super::plan::{Action, Because, Plan};
use super::situation::Situation;
use crate::ids::VersionNumber;
use crate::reason::Reason;

/// Deletes the oldest records beyond the limit, when nothing else is under way.
pub(super) fn prune(situation: &Situation<'_>, plan: &mut Plan) {
    let history = situation.seen.history;
    let excess = history.len().saturating_sub(situation.seen.policy.history_limit);
    let settled = situation.active.is_some_and(|active| situation.is_proven(active));
    if excess == 0 || !settled {
        return;
    }
    let mut left = excess;
    for number in history.keys() {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(1);
        if !is_needed(situation, *number) {
            plan.because.push(Because::new(Reason::Superseded, format!("version {number} exceeds the history's limit")));
            plan.actions.push(Action::Prune(*number));
        }
    }
}

fn is_needed(situation: &Situation<'_>, number: VersionNumber) -> bool {
    let active = situation.active.is_some_and(|active| active.number == number);
    let good = situation.last_good.is_some_and(|good| good.number == number);
    let reported = situation.seen.ledger.targets.values().any(|record| {
        record.in_flight == Some(number) || record.runs.is_some_and(|running| running.version == number)
    });
    active || good || reported
}
