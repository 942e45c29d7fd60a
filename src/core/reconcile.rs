//! The one door to every decision about a policy: what was observed and the time go in, a plan comes out.
//! Must not do anything: the shell executes the plan without making a choice, then observes again.
//!
//! Each round first asks which version should be active (trip, revert, rollback, edit, in this order) and only when
//! that stands, which targets lack it. So bytes go out only for a version that the observed history already holds.

pub mod observed;
pub mod plan;

pub mod ledger;
pub mod situation;

mod edit;
mod finish;
mod retention;
mod rollback;
mod rollout;
mod verdict;

mod conditions;
mod report;

pub mod assess;

#[cfg(test)]
mod tests;

use crate::breaker::Breaker;
use crate::policy::Mode;
use crate::reason::Reason;
use crate::time::Timestamp;
use observed::Observed;
use plan::{Because, Plan};
use situation::Situation;

/// Decides what to do now, why, what to show, and when to look again.
///
/// Guarantees: the same arguments give the same plan, whatever the order in which targets and rollbacks are given;
/// a plan names no version that it does not record or that the history does not hold; a second round on the state
/// that a plan leads to comes to rest.
#[must_use]
pub fn decide(seen: &Observed<'_>, now: Timestamp) -> Plan {
    let situation = Situation::of(seen, now);
    let mut plan = Plan::default();
    let edit = edit::judge(&situation);
    edit::move_on(&situation, &mut plan);
    match seen.policy.mode {
        Mode::Paused => plan.because.push(Because::new(Reason::Paused, "the policy is paused: everything stays")),
        Mode::Observe => plan.because.push(Because::new(Reason::Observing, edit.message.clone())),
        Mode::Enforce => enforce(&situation, &edit, &mut plan),
    }
    edit::note(&situation, &edit, &mut plan);
    look_again(&situation, &edit, &mut plan);
    report::fill(&situation, &edit, &mut plan);
    plan
}

/// What changes by time alone, whatever the policy's mode is: the breaker, and the judgment of an edit that waits.
fn look_again(situation: &Situation<'_>, edit: &edit::Judged, plan: &mut Plan) {
    if let Breaker::Open { until, .. } = &situation.breaker {
        plan.look_again(*until);
    }
    if let (Reason::RecordFailed, Some(retry_at)) = (edit.outcome, situation.record_waits()) {
        plan.look_again(retry_at);
    }
}

fn enforce(situation: &Situation<'_>, edit: &edit::Judged, plan: &mut Plan) {
    let changes_version = verdict::trip(situation, plan)
        || verdict::revert(situation, plan)
        || finish::close_breaker(situation, plan)
        || rollback::carry_out(situation, plan)
        || edit::record(situation, edit, plan);
    if changes_version {
        return;
    }
    rollout::push(situation, plan);
    finish::prove(situation, plan);
    finish::write_active_copy(situation, plan);
    finish::restore_source(situation, plan);
    retention::prune(situation, plan);
    if plan.because.is_empty() {
        plan.because.push(Because::new(Reason::Settled, "nothing is to be done"));
    }
}
