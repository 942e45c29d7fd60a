//! When a version hurts: the trip, the one revert, the quarantine, the breaker and its probe, the sources' way back.

use super::world::Happened::{Copied, Pushed, Recorded, Restored};
use super::world::{HURTS, Mood, World, digest, version};
use crate::breaker::Breaker;
use crate::ids::ObjectName;
use crate::reason::Reason;
use crate::record::Origin;
use crate::status::ConditionKind::{BreakerClosed, Ready, TargetsReady};
use crate::target::Payload;
use crate::version::history::RollbackTo;

fn all(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("pod-{number}")).collect()
}

/// Worlds in which the last edit hurts, settled.
fn hurt(pods: usize) -> World {
    let mut world = World::running(pods);
    world.edit(HURTS);
    world.settle();
    world
}

#[test]
fn a_version_that_pods_refuse_is_taken_back_once_and_never_tried_again() {
    let mut world = hurt(4);
    assert_eq!(world.done(), [Recorded(2), Pushed(2, all(4)), Recorded(3), Pushed(3, all(4))]);
    assert_eq!(world.runs(), [3, 3, 3, 3], "the revert has a new number and the old content");
    assert_eq!(world.history[&version(3)].digest, digest("pool: 1\n"));
    let Origin::Revert { from, of, reason } = &world.history[&version(3)].origin else { panic!("a revert") };
    assert_eq!((from.0, of.0), (2, 1));
    assert!(reason.contains("pod-0: it hurts"), "{reason}");
    assert_eq!((world.outcome(), world.ready()), (Reason::Quarantined, "False Quarantined".to_owned()));
    assert_eq!(world.says(TargetsReady), "True AllConfirmed");
    assert_eq!(world.says(BreakerClosed), "False BreakerOpen");
    let quarantined = &world.status().quarantined;
    assert_eq!(
        quarantined.iter().map(|entry| (entry.digest, entry.version.0)).collect::<Vec<_>>(),
        [(digest(HURTS), 2)]
    );
    world.settle_for(3600);
    assert_eq!(world.done(), [], "neither time nor the open breaker brings it back");
}

#[test]
fn a_trip_is_announced_and_so_is_what_came_of_it() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.announced(), [Reason::Tripped, Reason::Quarantined, Reason::Reverted]);
}

#[test]
fn pods_that_refuse_in_a_row_trip_it_whatever_their_share() {
    let mut world = World::running(10);
    for pod in ["pod-4", "pod-5", "pod-6"] {
        world.pod(pod).mood = Mood::Stubborn;
    }
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.active(), Some(3));
    assert!(world.status().quarantined[0].reason.starts_with("3 pods in a row"));
}

#[test]
fn pods_that_refuse_in_turn_trip_it_by_their_share() {
    let mut world = World::running(4);
    world.policy.breaker.consecutive_failures = 100;
    world.pod("pod-0").mood = Mood::Stubborn;
    world.pod("pod-2").mood = Mood::Stubborn;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.active(), Some(3));
    assert!(world.status().quarantined[0].reason.starts_with("2 of "), "{}", world.status().quarantined[0].reason);
}

#[test]
fn a_share_below_the_limit_is_shown_and_does_not_trip() {
    let mut world = World::running(4);
    world.pod("pod-2").mood = Mood::Stubborn;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!((world.active(), world.says(TargetsReady)), (Some(2), "False Refused".to_owned()));
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(2));
    let failures: Vec<_> =
        world.status().failures.iter().map(|failure| (failure.pod.as_str(), &*failure.reason)).collect();
    assert_eq!(failures, [("pod-2", "no")]);
    assert_eq!(world.status().targets.refused, 1);
}

#[test]
fn too_few_answers_are_waited_for() {
    let mut world = World::running(10);
    world.policy.breaker.consecutive_failures = 100;
    world.moods(Mood::Stubborn);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    world.deliver_some(2);
    world.settle();
    assert_eq!(world.active(), Some(2), "two of ten are too few to say");
    world.deliver_some(1);
    world.settle();
    assert_eq!(world.active(), Some(3));
}

#[test]
fn the_way_back_reaches_every_pod_and_never_trips() {
    let mut world = World::running(4);
    world.edit(HURTS);
    world.round();
    world.round();
    world.deliver();
    world.moods(Mood::Stubborn);
    world.settle();
    assert_eq!((world.active(), world.reverts()), (Some(3), 1));
    assert_eq!((world.says(TargetsReady), world.ready()), ("False Refused".to_owned(), "False Refused".to_owned()));
    assert_eq!(world.status().quarantined.len(), 1, "the old content is not blamed");
    for pod in all(4) {
        world.restart_pod(&pod);
    }
    world.moods(Mood::Sane);
    world.settle();
    assert_eq!(world.runs(), [3, 3, 3, 3]);
}

#[test]
fn a_pod_that_took_what_hurt_is_taken_back_too() {
    let mut world = World::running(4);
    world.pod("pod-0").mood = Mood::Careless;
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.runs(), [3, 3, 3, 3]);
}

#[test]
fn nothing_known_to_be_good_means_that_it_stops() {
    let mut world = World::new(3);
    world.edit(HURTS);
    world.settle_for(3600);
    assert_eq!(world.done(), [Recorded(1), Pushed(1, all(3))]);
    assert_eq!((world.outcome(), world.ready()), (Reason::Tripped, "False NoLastGood".to_owned()));
    world.add_pod("pod-3");
    world.settle();
    assert_eq!(world.runs(), [0, 0, 0, 0], "new pods do not get it either");
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.runs(), world.ready()), (vec![2; 4], "True Settled".to_owned()));
}

#[test]
fn pods_that_do_not_listen_yet_get_the_only_version_as_soon_as_they_do() {
    let mut world = World::new(0);
    world.edit("pool: 1\n");
    world.settle();
    world.add_pod("pod-0");
    world.moods(Mood::Down);
    world.settle_for(600);
    assert_eq!((world.outcome(), world.says(TargetsReady)), (Reason::Active, "False Unreachable".to_owned()));
    world.moods(Mood::Sane);
    world.settle_for(120);
    assert_eq!((world.runs(), world.ready()), (vec![1], "True Settled".to_owned()));
}

#[test]
fn a_restart_of_every_pod_takes_nothing_away_from_what_they_ran() {
    let mut world = World::running(2);
    world.edit("pool: 2\n");
    world.settle();
    world.moods(Mood::Down);
    for pod in all(2) {
        world.restart_pod(&pod);
    }
    world.settle_for(600);
    assert_eq!((world.active(), world.status().quarantined.len()), (Some(2), 0));
    world.moods(Mood::Sane);
    world.settle_for(120);
    assert_eq!((world.runs(), world.ready()), (vec![2, 2], "True Settled".to_owned()));
}

#[test]
fn a_new_version_that_makes_pods_fall_silent_is_taken_back() {
    let mut world = World::running(3);
    world.moods(Mood::Down);
    world.edit("pool: 2\n");
    world.settle_for(120);
    assert_eq!((world.active(), world.outcome()), (Some(3), Reason::Quarantined));
    world.moods(Mood::Sane);
    world.settle_for(120);
    assert_eq!(world.runs(), [3, 3, 3]);
}

#[test]
fn what_tripped_with_no_way_back_is_tried_again_when_a_person_insists() {
    let mut world = World::new(3);
    world.moods(Mood::Stubborn);
    world.edit("pool: 1\n");
    world.settle();
    world.edit("pool: 1 # please\n");
    world.settle();
    assert_eq!(world.outcome(), Reason::Tripped, "the same values are not tried again");
    let told = &world.condition(TargetsReady).message;
    assert!(told.ends_with("or try it again by a ConfigRollback to it with force"), "{told}");
    world.moods(Mood::Sane);
    world.ask_back("insist", RollbackTo::Version(version(1)), true);
    world.settle();
    assert_eq!((world.runs(), world.status().set_aside.len()), (vec![2; 3], 0));
}

#[test]
fn without_automatic_reverts_it_stops_and_waits_for_a_person() {
    let mut world = World::running(4);
    world.policy.revert.automatic = false;
    world.policy.revert.restore_source = true;
    world.pod("pod-0").mood = Mood::Careless;
    world.edit(HURTS);
    world.settle_for(3600);
    assert_eq!((world.active(), world.reverts()), (Some(2), 0));
    assert_eq!(world.runs(), [2, 1, 1, 1]);
    assert_eq!(world.ready(), "False Tripped");
    assert_eq!(world.says(BreakerClosed), "False HalfOpen", "one pod that runs what tripped closes no breaker");
    world.restart_pod("pod-1");
    world.settle();
    assert_eq!(world.runs(), [2, 0, 1, 1]);
    assert_eq!(world.outcome(), Reason::Tripped, "the sources are not written back while there is no way back");
}

#[test]
fn a_damaged_last_good_is_told_and_not_pushed() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.round();
    world.damage(1);
    world.settle();
    let plan = world.plan();
    assert_eq!(plan.actions, []);
    assert!(plan.because.iter().any(|because| because.reason == Reason::CorruptVersion), "{:?}", plan.because);
    assert_eq!(world.reverts(), 0);
}

#[test]
fn a_revert_that_cannot_be_recorded_is_tried_again_in_time() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.round();
    world.records_fail = true;
    world.settle();
    let retry_at = world.ledger.record_failure.as_ref().map(|failure| failure.retry_at);
    assert!(retry_at.is_some() && world.plan().again == retry_at);
    world.records_fail = false;
    world.settle_for(30);
    assert_eq!((world.runs(), world.reverts()), (vec![3; 3], 1));
}

#[test]
fn an_open_breaker_holds_the_next_edit_until_its_time() {
    let mut world = hurt(3);
    let Breaker::Open { until, .. } = world.status().breaker.clone() else { panic!("open") };
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!((world.outcome(), world.plan().again), (Reason::BreakerOpen, Some(until)));
    assert_eq!(world.ready(), "False BreakerOpen");
    world.now = until;
    world.happened.clear();
    world.settle();
    assert_eq!(
        world.done(),
        [Recorded(4), Pushed(4, vec!["pod-0".into()]), Pushed(4, vec!["pod-1".into(), "pod-2".into()])]
    );
    assert_eq!((world.says(BreakerClosed), world.ready()), ("True Closed".to_owned(), "True Settled".to_owned()));
}

#[test]
fn a_half_open_breaker_opens_again_when_the_first_pod_refuses() {
    let mut world = hurt(5);
    world.settle_for(61);
    assert_eq!(world.says(BreakerClosed), "False HalfOpen");
    world.happened.clear();
    world.edit("hurts: again\n");
    world.settle();
    assert_eq!(world.done(), [Recorded(4), Pushed(4, vec!["pod-0".into()]), Recorded(5), Pushed(5, all(5))]);
    assert_eq!(world.status().quarantined.len(), 2);
    assert_eq!(world.says(BreakerClosed), "False BreakerOpen");
    assert!(
        world.status().quarantined[1].reason.starts_with("the first pod"),
        "{}",
        world.status().quarantined[1].reason
    );
}

#[test]
fn the_probe_asks_a_ready_pod_and_another_when_that_one_is_lost() {
    let mut world = hurt(3);
    world.settle_for(61);
    world.pod("pod-0").ready = false;
    world.pod("pod-1").mood = Mood::Down;
    world.happened.clear();
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.done(), [Recorded(4), Pushed(4, vec!["pod-1".into()])]);
    world.pod("pod-1").ready = false;
    world.settle();
    assert_eq!(&world.runs()[..], [4, 3, 4], "the ready pod is asked, then all");
}

#[test]
fn without_a_ready_pod_the_probe_asks_one_after_the_other() {
    let mut world = hurt(3);
    world.settle_for(61);
    world.pods.values_mut().for_each(|pod| pod.ready = false);
    world.happened.clear();
    world.edit("pool: 2\n");
    world.settle();
    let one = |pod: &str| Pushed(4, vec![pod.to_owned()]);
    assert_eq!(world.done(), [Recorded(4), one("pod-0"), one("pod-1"), one("pod-2")]);
    assert_eq!(world.says(BreakerClosed), "False HalfOpen", "no pod that counts has answered");
    world.pod("pod-2").ready = true;
    world.settle();
    assert_eq!(world.says(BreakerClosed), "True Closed");
}

#[test]
fn a_probe_that_fails_to_arrive_is_repeated_before_others_are_asked() {
    let mut world = hurt(3);
    world.settle_for(61);
    world.pod("pod-0").mood = Mood::Down;
    world.edit("pool: 2\n");
    world.happened.clear();
    world.settle_for(60);
    let probe = || Pushed(4, vec!["pod-0".to_owned()]);
    assert_eq!(
        world.done()[..5],
        [Recorded(4), probe(), probe(), probe(), Recorded(5)],
        "after three attempts it trips"
    );
    assert_eq!(world.status().quarantined.len(), 2);
}

#[test]
fn with_nobody_to_ask_the_breaker_closes_with_the_next_version() {
    let mut world = hurt(3);
    world.pods.clear();
    world.settle_for(61);
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!((world.says(BreakerClosed), world.ready()), ("True Closed".to_owned(), "True Settled".to_owned()));
}

#[test]
fn a_version_that_ran_everywhere_is_not_blamed_for_late_pods() {
    let mut world = World::running(3);
    for number in 3..9 {
        world.add_pod(&format!("pod-{number}"));
        world.pod(&format!("pod-{number}")).mood = Mood::Stubborn;
    }
    world.settle();
    assert_eq!((world.active(), world.says(TargetsReady)), (Some(1), "False Refused".to_owned()));
}

#[test]
fn sources_are_written_back_once() {
    let mut world = World::running(3);
    world.policy.revert.restore_source = true;
    world.policy.active_copy = Some(ObjectName::parse("checkout-active").unwrap());
    world.settle();
    assert_eq!(world.done(), [Copied(1)]);
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.done(), [Recorded(2), Pushed(2, all(3)), Recorded(3), Pushed(3, all(3)), Restored(1)]);
    assert_eq!((world.outcome(), world.ready()), (Reason::Active, "True Settled".to_owned()));
    world.crash();
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.announced(), [Reason::RevertContested], "one round, also after a restart");
    assert_eq!((world.runs(), world.outcome()), (vec![3; 3], Reason::RevertContested));
    assert!(world.condition(Ready).message.contains("left alone"));
    world.settle_for(3600);
    assert_eq!((world.done(), world.outcome()), (vec![], Reason::RevertContested));
}

#[test]
fn sources_that_are_only_files_are_not_written_back() {
    let mut world = World::running(3);
    world.policy.revert.restore_source = true;
    world.policy.sources = vec![crate::policy::Source::Files { path: "checkout".to_owned() }];
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.done(), [Recorded(2), Pushed(2, all(3)), Recorded(3), Pushed(3, all(3))]);
}

#[test]
fn a_damaged_last_good_is_not_written_back_either() {
    let mut world = hurt(3);
    world.happened.clear();
    world.damage(3);
    world.policy.revert.restore_source = true;
    world.policy.active_copy = Some(ObjectName::parse("checkout-active").unwrap());
    world.settle();
    assert_eq!(world.done(), []);
    assert_eq!(world.says(TargetsReady), "False CorruptVersion");
}

#[test]
fn a_notice_that_is_refused_trips_too_and_its_way_back_is_repeated_until_the_file_is_back() {
    let mut world = World::running(3);
    world.pods.values_mut().for_each(|pod| pod.payload = Payload::Notice);
    world.settle();
    assert_eq!(world.says(TargetsReady), "True AllConfirmed");
    assert_eq!(world.status().targets.delivered, 3);
    world.moods(Mood::Stubborn);
    world.edit("pool: 2\n");
    world.settle_for(600);
    assert_eq!((world.active(), world.reverts()), (Some(3), 1));
    assert_eq!(world.says(TargetsReady), "False Pending");
    assert!(world.condition(TargetsReady).message.contains("status 500"));
    assert_eq!(world.status().failures.len(), 3);
    world.moods(Mood::Sane);
    world.settle_for(120);
    assert_eq!(world.says(TargetsReady), "True AllConfirmed");
}

#[test]
fn only_so_many_digests_stay_in_quarantine_and_the_oldest_goes() {
    let mut world = World::running(1);
    world.policy.history_limit = 500;
    for number in 0..52 {
        world.edit(&format!("hurts: {number}\n"));
        world.settle_for(61);
    }
    let quarantined = &world.status().quarantined;
    assert_eq!((quarantined.len(), quarantined[0].digest), (50, digest("hurts: 2\n")));
}
