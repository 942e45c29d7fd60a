//! What users are shown: statuses that add up, and bounded lists.

use super::world::Happened::Copied;
use super::world::{HURTS, Mood, World, digest, name, version};
use crate::ids::ObjectName;
use crate::reason::Reason;
use crate::reconcile::plan::Because;
use crate::reconcile::report::{MAX_ACKS, MAX_FAILURES, MAX_FINDINGS};
use crate::status::ConditionKind::{self, BreakerClosed, Ready, SchemaReady, SourceReady, TargetsReady, Valid};
use crate::status::Truth;

const ALL: [ConditionKind; 6] = [Ready, SourceReady, SchemaReady, Valid, TargetsReady, BreakerClosed];

fn says(world: &World) -> Vec<String> {
    ALL.into_iter().map(|kind| world.says(kind)).collect()
}

#[test]
fn conditions_come_in_a_fixed_order_and_say_something() {
    for mut world in [World::new(1), World::running(2)] {
        world.settle();
        assert_eq!(world.status().conditions.iter().map(|condition| condition.kind).collect::<Vec<_>>(), ALL);
        assert!(world.status().conditions.iter().all(|condition| !condition.message.is_empty()));
        assert_eq!(world.status().generation, 3);
    }
}

#[test]
fn before_the_first_version_what_is_not_known_is_unknown() {
    let mut world = World::new(1);
    world.settle();
    assert_eq!(
        says(&world),
        [
            "False SourceMissing",
            "False SourceMissing",
            "True SchemaReady",
            "Unknown SourceMissing",
            "Unknown NothingRecorded",
            "True Closed"
        ]
    );
    world.edit("pool: 1\n");
    world.round();
    assert_eq!(world.ready(), "Unknown NothingRecorded");
    assert_eq!((world.status().active, world.status().last_number), (None, None));
}

#[test]
fn a_settled_policy_is_fine_in_every_respect() {
    let mut world = World::running(2);
    world.settle();
    assert_eq!(
        says(&world),
        ["True Settled", "True Read", "True SchemaReady", "True Valid", "True AllConfirmed", "True Closed"]
    );
    assert_eq!(world.condition(TargetsReady).message, "2 of 2 targets run it");
    let status = world.status();
    assert_eq!(status.active, status.last_good);
    assert_eq!(status.last_number, Some(version(1)));
}

#[test]
fn an_edit_on_its_way_is_not_ready_yet() {
    let mut world = World::running(2);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.round();
    assert_eq!(world.ready(), "False RollingOut");
    world.settle();
    assert_eq!((world.ready(), world.says(TargetsReady)), ("False Pending".to_owned(), "False Pending".to_owned()));
    assert_eq!(world.condition(Ready).message, "2 of 2 targets have not confirmed yet");
}

#[test]
fn an_open_breaker_alone_takes_nothing_away_from_what_runs() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.settle();
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.says(BreakerClosed), world.ready()), ("False BreakerOpen".into(), "True Settled".into()));
    world.settle_for(61);
    assert_eq!((world.says(BreakerClosed), world.ready()), ("False HalfOpen".into(), "True Settled".into()));
}

#[test]
fn what_the_shell_could_not_do_is_shown_first() {
    let mut world = World::running(1);
    world.trouble = Some(Because::new(Reason::Forbidden, "the operator may not create configversions"));
    world.settle();
    assert_eq!(world.ready(), "False Forbidden");
    assert_eq!(world.condition(Ready).message, "the operator may not create configversions");
}

#[test]
fn why_nothing_was_recorded_yet_says_more_than_that() {
    let mut world = World::new(1);
    world.records_fail = true;
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.outcome(), world.ready()), (Reason::RecordFailed, "False RecordFailed".to_owned()));
    assert_eq!(
        Some(&world.condition(Ready).message),
        world.ledger.record_failure.as_ref().map(|failure| &failure.message)
    );
}

#[test]
fn versions_show_where_they_stand() {
    let mut world = World::running(4);
    world.edit(HURTS);
    world.settle();
    let shown: Vec<_> = world
        .shown
        .versions
        .iter()
        .map(|(number, status)| (number.0, status.active, status.proven, status.tripped.is_some(), status.acks.len()))
        .collect();
    assert_eq!(shown, [(1, false, true, false, 0), (2, false, false, true, 0), (3, true, true, false, 4)]);
    let (_, newest) = world.shown.versions.last().unwrap();
    assert_eq!(newest.acks[0].pod, name("pod-0"));
    assert_eq!(newest.acks[0].uid, world.pods["pod-0"].key.uid);
}

#[test]
fn lists_are_bounded() {
    let mut world = World::running(60);
    for pod in 0..29 {
        world.pod(&format!("pod-{pod}")).mood = Mood::Down;
    }
    world.policy.breaker.failure_percent = 100;
    world.policy.breaker.consecutive_failures = 100;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.status().failures.len(), MAX_FAILURES);
    let (_, newest) = world.shown.versions.last().unwrap();
    assert!((1..=MAX_ACKS).contains(&newest.acks.len()));
    let entries: String = (0..80).map(|number| format!("pool: {number}\n")).collect();
    world.edit(&entries);
    world.settle();
    assert!((1..=MAX_FINDINGS).contains(&world.status().findings.len()));
}

#[test]
fn no_value_is_shown_anywhere() {
    let mut world = World::running(3);
    world.policy.active_copy = Some(ObjectName::parse("checkout-active").unwrap());
    for text in ["pool: 8151\n", "pool: 7\nsecret: s3cr3t\n", "hurts: 8151\nsecret: s3cr3t\n"] {
        world.edit(text);
        for _ in 0..12 {
            let plan = world.plan();
            let told = format!("{plan:?} {:?} {:?} {:?}", world.source, world.assessment(), world.history);
            assert!(!told.contains("s3cr3t") && !told.contains("8151"), "{told}");
            world.round();
            world.deliver();
        }
    }
    assert_eq!(world.outcome(), Reason::Quarantined);
}

#[test]
fn the_copy_of_the_proven_content_is_written_only_when_it_differs() {
    let mut world = World::running(2);
    world.policy.active_copy = Some(name("checkout-active"));
    world.settle();
    assert_eq!(world.done(), [Copied(1)]);
    world.settle();
    assert_eq!(world.done(), []);
    world.holds_answers = true;
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(
        world.copy.as_ref().map(crate::digest::Digest::of),
        Some(digest("pool: 1\n")),
        "not before it is proven"
    );
    world.holds_answers = false;
    world.settle();
    assert_eq!(world.done().last(), Some(&Copied(2)));
    world.copy = None;
    world.settle();
    assert_eq!(world.done(), [Copied(2)], "a copy that somebody deleted comes back");
    world.edit(HURTS);
    world.settle();
    assert!(!world.done().iter().any(|event| matches!(event, Copied(_))), "what hurts is not copied");
}

#[test]
fn every_plan_says_why() {
    let mut world = World::new(1);
    world.settle();
    let plan = world.plan();
    assert_eq!(plan.because, [Because::new(Reason::Settled, "nothing is to be done")]);
    assert_eq!(world.status().conditions[0].truth, Truth::False);
}

#[test]
fn nothing_that_is_decided_with_or_on_shows_a_value_when_it_is_printed() {
    let mut world = World::running(3);
    let mut shown = Vec::new();
    world.policy.revert.restore_source = true;
    for text in ["password: hunter2\n", "pool: 500\npassword: hunter2\n", "hurts: hunter2\n"] {
        world.edit(text);
        shown.push(format!("{:?} {:?}", world.source, world.assessment()));
        for _ in 0..6 {
            shown.push(format!("{:?}", world.plan()));
            world.round();
            world.deliver();
        }
    }
    shown.push(format!("{:?} {:?} {:?}", world.history, world.ledger, world.copy));
    let shown = shown.join("\n");
    for seen in ["Record", "Push", "RestoreSource", "Invalid", "Valid"] {
        assert!(shown.contains(seen), "{seen} does not occur");
    }
    for secret in ["hunter2", &format!("{:?}", b"hunter2"), "aHVudGVyMg"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
