//! Which records may go.
//! Must never take the active version, last-good, one in flight, or one that a pod reports (S5).

use std::collections::BTreeSet;

use super::plan::{Action, Because, Plan};
use super::rollback::recorded_for;
use super::situation::Situation;
use crate::reason::Reason;
use crate::version::history::{self, Keep};

/// Deletes the oldest records beyond the limit, once the record of the active version says that it is proven.
///
/// Until then a restart may need the older ones to know what is good, what tripped and what was asked for.
pub(super) fn prune(situation: &Situation<'_>, plan: &mut Plan) {
    let seen = situation.seen;
    let settled = situation.active.is_some_and(|active| active.proven);
    if seen.history.len() <= seen.policy.history_limit || !settled {
        return;
    }
    let history = seen.history.iter().map(|(number, version)| (*number, version.digest)).collect();
    for number in history::prune(&history, seen.policy.history_limit, &needed(situation)) {
        plan.because.push(Because::new(Reason::Superseded, format!("version {number} exceeds the history's limit")));
        plan.actions.push(Action::Prune(number));
    }
}

fn needed(situation: &Situation<'_>) -> Keep {
    // The record is what tells that a rollback was carried out, until its own status does.
    let open = situation.seen.rollbacks.iter().filter(|request| !request.finished);
    let asked_for = open.filter_map(|request| recorded_for(situation, request)).map(|version| version.number);
    let records = || situation.seen.ledger.targets.values();
    Keep {
        active: situation.active.map(|active| active.number),
        last_good: situation.last_good.map(|good| good.number),
        in_flight: records().filter_map(|record| record.in_flight).chain(asked_for).collect(),
        pinned: BTreeSet::new(),
        reported: records().filter_map(|record| record.runs).map(|running| running.version).collect(),
    }
}
