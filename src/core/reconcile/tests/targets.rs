//! Pods that come late, restart, do not answer, are not ready, run something else or cannot be asked at all.

use super::world::Happened::{Pruned, Pushed, Recorded};
use super::world::{Mood, World, digest, name, version};
use crate::contract::body::Reason as PushReason;
use crate::ids::{Namespace, PolicyId};
use crate::reason::Reason;
use crate::reconcile::edit::MAX_OVERTAKEN;
use crate::status::ConditionKind::{Ready, TargetsReady};
use crate::target::{Answer, Payload, Running, TargetProblem};

fn pushed(number: u64, pod: &str) -> super::world::Happened {
    Pushed(number, vec![pod.to_owned()])
}

#[test]
fn a_late_pod_is_caught_up() {
    let mut world = World::running(2);
    world.add_pod("pod-2");
    world.settle();
    assert_eq!(world.done(), [pushed(1, "pod-2")]);
    assert_eq!(world.pod("pod-2").pushes, [(version(1), PushReason::CatchUp)]);
    assert_eq!(world.pod("pod-0").pushes, [(version(1), PushReason::Edit)]);
}

#[test]
fn a_pod_that_restarts_is_caught_up() {
    let mut world = World::running(2);
    world.restart_pod("pod-1");
    world.settle();
    assert_eq!(world.done(), [pushed(1, "pod-1")]);
    assert_eq!(world.pod("pod-1").pushes, [(version(1), PushReason::CatchUp)]);
}

#[test]
fn a_push_that_does_not_arrive_is_tried_again_with_growing_pauses() {
    let mut world = World::running(4);
    world.pod("pod-1").mood = Mood::Down;
    world.edit("pool: 2\n");
    world.settle();
    let retry_at = world.ledger.targets[&world.pods["pod-1"].key].failing.as_ref().map(|failing| failing.retry_at);
    assert_eq!(world.plan().again, retry_at);
    assert_eq!(world.says(TargetsReady), "False Pending");
    assert!(world.condition(TargetsReady).message.contains("pod-1: connection refused"));
    world.happened.clear();
    world.settle_for(600);
    let attempts = world.done().len();
    assert!((10..60).contains(&attempts), "{attempts} attempts in ten minutes");
    assert_eq!((world.says(TargetsReady), world.status().targets.failed), ("False Unreachable".to_owned(), 1));
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(2), "one of four does not hold the others");
    world.pod("pod-1").mood = Mood::Sane;
    world.settle_for(60);
    assert_eq!((world.runs(), world.ready()), (vec![2; 4], "True Settled".to_owned()));
}

#[test]
fn attempts_that_fail_count_only_from_the_third_on() {
    let mut world = World::running(3);
    world.moods(Mood::Down);
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.reverts(), 0, "a single failure proves nothing");
    world.moods(Mood::Sane);
    world.settle_for(60);
    assert_eq!(world.runs(), [2, 2, 2]);
    world.moods(Mood::Down);
    world.edit("pool: 3\n");
    world.settle_for(60);
    assert_eq!(world.reverts(), 1);
}

#[test]
fn a_pod_whose_answer_is_lost_is_asked_again() {
    let mut world = World::running(1);
    world.pod("pod-0").mood = Mood::Mute;
    world.edit("pool: 2\n");
    world.settle();
    world.pod("pod-0").mood = Mood::Sane;
    world.settle_for(60);
    assert_eq!((world.runs(), world.ready()), (vec![2], "True Settled".to_owned()));
}

#[test]
fn a_pod_that_is_not_ready_is_served_and_never_counts() {
    let mut world = World::running(4);
    for pod in ["pod-0", "pod-1", "pod-2"] {
        world.pod(pod).ready = false;
        world.pod(pod).mood = Mood::Stubborn;
    }
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!((world.active(), world.runs()), (Some(2), vec![1, 1, 1, 2]));
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(2));
    assert_eq!(world.pod("pod-0").pushes.len(), 2);

    let mut world = World::running(4);
    for pod in ["pod-0", "pod-1"] {
        world.pod(pod).ready = false;
        world.pod(pod).mood = Mood::Stubborn;
    }
    world.pod("pod-2").mood = Mood::Stubborn;
    world.policy.breaker.failure_percent = 60;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.active(), Some(2), "of three in a row that refuse, two do not count");
}

#[test]
fn a_pod_counts_once_however_often_it_restarts() {
    let mut world = World::running(9);
    world.pod("pod-8").mood = Mood::Stubborn;
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    world.holds_answers = false;
    for _ in 0..5 {
        world.settle();
        world.restart_pod("pod-8");
    }
    world.settle();
    assert_eq!(world.active(), Some(2));
}

#[test]
fn nothing_is_proven_before_every_ready_pod_answered() {
    let mut world = World::running(3);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    world.deliver_some(2);
    world.settle();
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(1));
    assert_eq!(world.says(TargetsReady), "False Pending");
    world.deliver();
    world.settle();
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(2));
}

#[test]
fn with_nobody_to_ask_a_version_is_proven_by_nobody_and_late_pods_judge_it() {
    let mut world = World::new(0);
    for text in ["pool: 1\n", "pool: 2\n"] {
        world.edit(text);
        world.settle();
    }
    assert_eq!((world.ready(), world.says(TargetsReady)), ("True Settled".to_owned(), "True NoTargets".to_owned()));
    assert!(world.condition(TargetsReady).message.contains("rekindle.dev/reload"));
    for number in 0..3 {
        world.add_pod(&format!("pod-{number}"));
    }
    world.moods(Mood::Stubborn);
    world.settle();
    assert_eq!((world.active(), world.reverts()), (Some(3), 1));
}

#[test]
fn a_notice_is_delivered_and_proves_nothing_more() {
    let mut world = World::running(2);
    world.pod("pod-1").payload = Payload::Notice;
    world.settle();
    assert_eq!(world.done(), [pushed(1, "pod-1")], "what it was sent as content is no notice");
    let targets = world.status().targets;
    assert_eq!((targets.confirmed, targets.delivered, targets.total), (1, 1, 2));
    assert_eq!(world.ready(), "True Settled");
    world.restart_pod("pod-1");
    world.settle();
    assert_eq!(world.done(), [pushed(1, "pod-1")]);
}

#[test]
fn numbers_continue_above_what_pods_of_an_earlier_life_report() {
    let mut world = World::new(3);
    for (pod, number) in [("pod-0", 7), ("pod-1", 9)] {
        world.pod(pod).runs = Some(Running { version: version(number), digest: digest("pool: 0\n") });
    }
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!(world.runs(), [10, 10, 10]);
    assert_eq!((world.ready(), world.status().quarantined.len()), ("True Settled".to_owned(), 0));
    assert_eq!(world.done()[2], Recorded(10), "once, above the highest");
    assert_eq!(world.history.len(), 2);
}

#[test]
fn a_pod_that_stays_ahead_is_overtaken_once() {
    let mut world = World::running(3);
    world.holds_answers = true;
    world.restart_pod("pod-1");
    for number in [5, 50] {
        world.pod("pod-1").runs = Some(Running { version: version(number), digest: digest("other") });
        world.settle();
        world.deliver();
    }
    world.holds_answers = false;
    world.settle_for(3600);
    assert_eq!((world.active(), world.history.len()), (Some(6), 2), "two that push to one pod do not race");
    assert_eq!((world.runs(), world.reverts()), (vec![6, 50, 6], 0));
    assert_eq!(world.says(TargetsReady), "False Refused");
    assert!(world.condition(TargetsReady).message.contains("runs a newer version"));
    assert_eq!(world.status().failures.len(), 1);
}

#[test]
fn a_pod_that_calls_what_it_runs_old_follows_a_newer_leader_and_no_number_helps() {
    let mut world = World::running(2);
    world.holds_answers = true;
    world.restart_pod("pod-1");
    world.settle();
    let (key, running) = (world.pods["pod-1"].key.clone(), world.history[&version(1)].running());
    world.on_its_way.clear();
    world.ledger.answered(&key, running, Answer::Stale { running: Some(running) }, world.now);
    world.settle_for(3600);
    assert_eq!((world.active(), world.says(TargetsReady)), (Some(1), "False Refused".to_owned()));
    let told = &world.condition(TargetsReady).message;
    assert!(told.contains("pod-1: it follows a newer leader"), "{told}");
}

#[test]
fn a_number_that_nobody_ever_gave_is_not_believed() {
    let mut world = World::running(3);
    world.restart_pod("pod-1");
    world.pod("pod-1").runs = Some(Running { version: MAX_OVERTAKEN, digest: digest("other") });
    world.settle();
    assert_eq!((world.active(), world.says(TargetsReady)), (Some(1), "False Refused".to_owned()));
}

#[test]
fn a_renumbering_that_cannot_be_recorded_is_tried_again_and_holds_no_edit_up() {
    let mut world = World::running(2);
    world.restart_pod("pod-1");
    world.pod("pod-1").runs = Some(Running { version: version(5), digest: digest("other") });
    world.records_fail = true;
    world.settle();
    assert_eq!(world.plan().again, world.ledger.record_failure.as_ref().map(|failure| failure.retry_at));
    world.records_fail = false;
    world.settle_for(60);
    assert_eq!(world.runs(), [6, 6]);

    let mut world = World::running(2);
    world.restart_pod("pod-1");
    world.pod("pod-1").runs = Some(Running { version: version(5), digest: digest("other") });
    world.round();
    world.deliver();
    world.damage(1);
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.text_of(world.active().unwrap()), "pool: 2\n");
}

#[test]
fn pods_that_cannot_be_asked_are_named_and_hold_nobody_up() {
    let mut world = World::running(2);
    world.pod("pod-1").problem = Some(TargetProblem::NoSuchPort("http".to_owned()));
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.done(), [Recorded(2), pushed(2, "pod-0")]);
    assert_eq!((world.says(TargetsReady), world.ready()), ("False Unusable".to_owned(), "False Unusable".to_owned()));
    assert!(world.condition(Ready).message.contains("pod-1: no container of the pod has a port named `http`"));
    let targets = world.status().targets;
    assert_eq!((targets.total, targets.unusable), (1, 1));
    assert_eq!(world.status().last_good.map(|good| good.version.0), Some(2));
}

#[test]
fn pods_of_an_older_policy_are_a_conflict() {
    let mut world = World::running(1);
    let owner = PolicyId { namespace: Namespace::parse("shop").unwrap(), name: name("older") };
    world.taken.insert(name("pod-9"), owner.clone());
    world.taken.insert(name("pod-8"), owner);
    world.settle();
    assert_eq!((world.ready(), world.says(TargetsReady)), ("False Conflict".to_owned(), "False Conflict".to_owned()));
    assert!(world.condition(Ready).message.contains("the older policy shop/older owns the pod pod-8 and 1 more"));
}

#[test]
fn records_beyond_the_limit_go_oldest_first_and_never_what_is_needed() {
    let mut world = World::running(3);
    world.policy.history_limit = 3;
    world.pod("pod-1").mood = Mood::Down;
    world.pod("pod-1").ready = false;
    for number in 2..8 {
        world.edit(&format!("pool: {number}\n"));
        world.settle();
    }
    let pruned: Vec<_> = world.done().into_iter().filter(|event| matches!(event, Pruned(_))).collect();
    assert_eq!(pruned, [Pruned(2), Pruned(3), Pruned(4), Pruned(5)], "pod-1 still runs version 1");
    world.crash();
    world.settle();
    assert!(world.history.contains_key(&version(1)), "also after a restart: {:?}", world.history.keys());
    world.pod("pod-1").mood = Mood::Sane;
    world.settle_for(120);
    world.edit("pool: 8\n");
    world.settle();
    assert_eq!(world.history.keys().map(|number| number.0).collect::<Vec<_>>(), [6, 7, 8]);
}

#[test]
fn nothing_is_pruned_while_a_version_is_on_its_way() {
    let mut world = World::running(1);
    world.policy.history_limit = 2;
    world.holds_answers = true;
    for number in 2..6 {
        world.edit(&format!("pool: {number}\n"));
        world.settle();
    }
    assert_eq!(world.history.len(), 5);
    world.holds_answers = false;
    world.settle();
    assert_eq!(world.history.keys().map(|number| number.0).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_damaged_active_version_is_reported_and_never_pushed() {
    let mut world = World::running(2);
    world.damage(1);
    world.add_pod("pod-2");
    world.settle();
    assert_eq!(world.done(), []);
    assert_eq!(
        (world.ready(), world.says(TargetsReady)),
        ("False CorruptVersion".into(), "False CorruptVersion".into())
    );
    assert!(world.plan().because.iter().any(|because| because.reason == Reason::CorruptVersion));
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.runs(), [2, 2, 2], "an edit leads on");
}

#[test]
fn an_answer_of_a_pod_that_is_gone_is_forgotten() {
    let mut world = World::running(2);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    let key = world.pods.remove("pod-1").unwrap().key;
    world.settle();
    assert!(world.ledger.is_pushing() && world.ledger.is_in_flight(&key, version(2)));
    world.holds_answers = false;
    world.settle();
    assert!(!world.ledger.targets.contains_key(&key));
    assert_eq!(world.ready(), "True Settled");
}
