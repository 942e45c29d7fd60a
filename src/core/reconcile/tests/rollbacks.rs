//! Rollbacks that people ask for: carried out once, refused with a reason, and remembered.

use super::world::Happened::{Pushed, Recorded};
use super::world::{HURTS, Mood, World, digest, name, schema, version};
use crate::policy::Mode;
use crate::reason::Reason;
use crate::reconcile::observed::SchemaState;
use crate::record::Origin;
use crate::status::ConditionKind::Ready;
use crate::status::{RollbackStatus, Truth};
use crate::target::Payload;
use crate::version::history::RollbackTo::{LastGood, Steps, Version};

/// Three proven versions: `pool: 1`, `pool: 2`, `pool: 3`.
fn three(pods: usize) -> World {
    let mut world = World::running(pods);
    for text in ["pool: 2\n", "pool: 3\n"] {
        world.edit(text);
        world.settle();
    }
    world.happened.clear();
    world
}

fn status<'world>(world: &'world World, rollback: &str) -> &'world RollbackStatus {
    world.rollback_status.get(&name(rollback)).unwrap()
}

fn refusal(world: &mut World, rollback: &str) -> (Reason, String) {
    world.settle();
    assert_eq!(world.done(), [], "nothing is recorded or pushed");
    let status = status(world, rollback);
    assert_eq!((status.complete, status.version), (Truth::False, None));
    (status.reason, status.message.clone())
}

#[test]
fn a_rollback_to_a_version_brings_its_content_back_under_a_new_number() {
    let mut world = three(2);
    world.ask_back("back", Version(version(1)), false);
    world.settle();
    let pods = vec!["pod-0".to_owned(), "pod-1".to_owned()];
    assert_eq!(world.done(), [Recorded(4), Pushed(4, pods)]);
    assert_eq!(world.text_of(4), "pool: 1\n");
    let Origin::Rollback { from, of, forced, reason, .. } = &world.history[&version(4)].origin else { panic!() };
    assert_eq!((from.0, of.0, *forced, reason.as_deref()), (3, 1, false, Some("latency doubled")));
    let status = status(&world, "back");
    assert_eq!((status.complete, status.reason), (Truth::True, Reason::RolledBack));
    assert_eq!((status.from, status.to, status.version), (Some(version(3)), Some(version(1)), Some(version(4))));
    assert_eq!(status.pods, Some((2, 2)));
    assert_eq!((world.outcome(), world.ready()), (Reason::SetAside, "False SetAside".to_owned()));
    assert!(world.condition(Ready).message.contains("the rollback back left version 3"));
}

#[test]
fn a_rollback_under_way_says_so() {
    let mut world = three(2);
    world.holds_answers = true;
    world.ask_back("back", Steps(1), false);
    world.settle();
    let status = status(&world, "back");
    assert_eq!((status.complete, status.reason, status.pods), (Truth::Unknown, Reason::RollingBack, Some((0, 2))));
}

#[test]
fn steps_go_one_further_back_each_time() {
    let mut world = three(1);
    world.ask_back("one", Steps(1), false);
    world.settle();
    assert_eq!(world.text_of(4), "pool: 2\n");
    world.pass(1);
    world.ask_back("another", Steps(1), false);
    world.settle();
    assert_eq!(world.text_of(5), "pool: 1\n");
    assert_eq!(world.outcome(), Reason::SetAside, "what the sources held all the time is not taken up again");
    assert_eq!(world.runs(), [5]);
    world.pass(1);
    world.happened.clear();
    world.ask_back("third", Steps(1), false);
    assert_eq!(refusal(&mut world, "third").0, Reason::NoSuchVersion);
}

#[test]
fn last_good_is_the_newest_that_is_proven() {
    let mut world = three(3);
    world.policy.revert.automatic = false;
    world.edit(HURTS);
    world.settle();
    assert_eq!(world.ready(), "False Tripped");
    world.ask_back("back", LastGood, false);
    world.settle();
    assert_eq!((world.text_of(5), world.runs()), ("pool: 3\n".to_owned(), vec![5, 5, 5]));
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let mut world = three(1);
    world.ask_back("nowhere", Version(version(9)), false);
    let (reason, message) = refusal(&mut world, "nowhere");
    assert_eq!(reason, Reason::NoSuchVersion);
    assert!(message.contains("these are kept: 1, 2, 3"), "{message}");
    world.ask_back("nothing", LastGood, false);
    assert_eq!(refusal(&mut world, "nothing").0, Reason::NothingToDo);
    world.ask_back("too-far", Steps(7), true);
    assert_eq!(refusal(&mut world, "too-far").0, Reason::NoSuchVersion);

    let mut world = World::new(1);
    world.ask_back("early", Steps(1), false);
    assert_eq!(refusal(&mut world, "early").0, Reason::NoSuchVersion);

    let mut world = World::running(3);
    world.pods.values_mut().for_each(|pod| pod.ready = false);
    world.edit("pool: 2\n");
    world.settle();
    world.history.values_mut().for_each(|record| std::sync::Arc::make_mut(record).proven = false);
    world.happened.clear();
    world.ask_back("unproven", LastGood, false);
    assert_eq!(refusal(&mut world, "unproven").0, Reason::NoLastGood);
}

#[test]
fn a_content_that_violates_todays_schema_needs_force() {
    let mut world = World::new(1);
    world.schema = SchemaState::None;
    for text in ["pool: 500\n", "pool: 2\n"] {
        world.edit(text);
        world.settle();
    }
    world.happened.clear();
    world.schema = schema();
    world.ask_back("back", Version(version(1)), false);
    let (reason, message) = refusal(&mut world, "back");
    assert_eq!(reason, Reason::RollbackInvalid);
    assert!(message.contains("pool") && message.contains("spec.force") && !message.contains("500"), "{message}");
    for (schema, back, reason) in [
        (SchemaState::Missing, "unjudged", Reason::SchemaMissing),
        (SchemaState::Broken, "misjudged", Reason::SchemaBroken),
    ] {
        world.schema = schema;
        world.ask_back(back, Version(version(1)), false);
        assert_eq!(refusal(&mut world, back).0, reason);
    }
    world.ask_back("forced", Version(version(1)), true);
    world.settle();
    assert_eq!(world.runs(), [3]);
    assert!(matches!(world.history[&version(3)].origin, Origin::Rollback { forced: true, .. }));
}

#[test]
fn what_tripped_needs_force_and_is_reverted_once_more_when_it_trips_again() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.settle();
    world.happened.clear();
    world.ask_back("back", Version(version(2)), false);
    let (reason, message) = refusal(&mut world, "back");
    assert_eq!(reason, Reason::Quarantined);
    assert!(message.contains("spec.force"), "{message}");
    world.ask_back("forced", Version(version(2)), true);
    world.settle();
    assert_eq!((world.active(), world.runs()), (Some(5), vec![5, 5, 5]));
    assert_eq!(world.text_of(5), "pool: 1\n");
    let status = status(&world, "forced");
    assert_eq!(
        (status.complete, status.reason, status.version),
        (Truth::False, Reason::RollbackFailed, Some(version(4)))
    );
    assert_eq!(world.status().quarantined.iter().map(|entry| entry.version.0).collect::<Vec<_>>(), [4]);
    world.crash();
    world.settle_for(600);
    assert_eq!((world.active(), world.reverts()), (Some(5), 2), "once for each time that somebody tried it");
}

#[test]
fn what_tripped_and_is_forced_stays_when_pods_can_live_with_it_now() {
    let mut world = World::running(3);
    world.policy.revert.restore_source = true;
    world.edit(HURTS);
    world.round();
    world.round();
    world.deliver();
    world.round();
    world.policy.revert.restore_source = false;
    world.settle();
    world.moods(Mood::Careless);
    world.ask_back("forced", Version(version(2)), true);
    world.policy.revert.restore_source = true;
    world.round();
    world.settle();
    assert_eq!((world.text_of(4), world.runs()), (HURTS.to_owned(), vec![4, 4, 4]));
    assert_eq!(world.assessment().digest(), Some(digest(HURTS)), "the sources are not written over what was forced");
    assert_eq!(world.ready(), "True Settled");
}

#[test]
fn a_damaged_record_is_refused_with_and_without_force() {
    let mut world = three(1);
    world.damage(1);
    for (rollback, force) in [("back", false), ("forced", true)] {
        world.ask_back(rollback, Version(version(1)), force);
        let (reason, message) = refusal(&mut world, rollback);
        assert_eq!(reason, Reason::CorruptVersion);
        assert!(message.contains("the record of version 1 is damaged"), "{message}");
    }
}

#[test]
fn a_rollback_leads_away_from_a_damaged_active_version() {
    let mut world = three(1);
    world.damage(3);
    world.restart_pod("pod-0");
    world.settle();
    assert_eq!((world.runs(), world.ready()), (vec![0], "False CorruptVersion".to_owned()));
    world.ask_back("back", Steps(1), false);
    world.settle();
    assert_eq!((world.runs(), world.text_of(4)), (vec![4], "pool: 2\n".to_owned()));
}

#[test]
fn a_rollback_is_done_once_also_after_a_restart_and_before_its_status_is_written() {
    for steps in 0..8 {
        let mut world = three(2);
        world.writes_statuses = false;
        world.ask_back("back", Version(version(1)), false);
        world.dies_after = Some(steps);
        world.settle();
        world.dies_after = None;
        world.crash();
        world.writes_statuses = true;
        world.settle();
        world.crash();
        world.settle_for(600);
        assert_eq!((world.active(), world.runs()), (Some(4), vec![4, 4]), "after {steps} steps");
        assert_eq!(world.outcome(), Reason::SetAside, "after {steps} steps");
        assert_eq!(status(&world, "back").reason, Reason::RolledBack);
    }
}

#[test]
fn two_rollbacks_before_a_restart_leave_nothing_that_comes_back() {
    let mut world = three(1);
    world.writes_statuses = false;
    for rollback in ["one", "another"] {
        world.pass(1);
        world.ask_back(rollback, Steps(1), false);
        world.settle();
    }
    world.crash();
    world.writes_statuses = true;
    world.settle_for(600);
    assert_eq!((world.active(), world.outcome()), (Some(5), Reason::SetAside));
    assert_eq!(world.text_of(5), "pool: 1\n");
}

#[test]
fn the_older_of_two_rollbacks_goes_first() {
    let mut world = three(1);
    world.ask_back("z-first", Version(version(2)), false);
    world.pass(1);
    world.ask_back("a-second", Version(version(1)), false);
    world.settle();
    assert_eq!((world.text_of(4), world.text_of(5)), ("pool: 2\n".to_owned(), "pool: 1\n".to_owned()));
    let first = status(&world, "z-first");
    assert_eq!((first.complete, first.reason, first.pods), (Truth::True, Reason::Superseded, None));
}

#[test]
fn what_was_set_aside_may_go_out_again_once_the_sources_moved_on() {
    let mut world = three(1);
    world.ask_back("back", Version(version(1)), false);
    world.settle();
    world.edit("pool: 500\n");
    world.settle();
    assert_eq!(world.status().set_aside, [], "any other content moves on, also one that is invalid");
    world.edit("pool: 3\n");
    world.settle();
    assert_eq!((world.active(), world.ready()), (Some(5), "True Settled".to_owned()));
}

#[test]
fn a_second_rollback_does_not_bring_the_first_ones_content_back() {
    let mut world = three(1);
    for (rollback, to) in [("one", 1), ("two", 2)] {
        world.pass(1);
        world.ask_back(rollback, Version(version(to)), false);
        world.settle();
    }
    assert_eq!((world.text_of(5), world.active()), ("pool: 2\n".to_owned(), Some(5)));
    world.settle_for(600);
    assert_eq!((world.active(), world.outcome()), (Some(5), Reason::SetAside));
    world.edit("pool: 1\n");
    world.settle();
    assert_eq!((world.active(), world.ready()), (Some(6), "True Settled".to_owned()), "an edit is an edit");
}

#[test]
fn a_source_that_is_made_anew_with_the_same_content_has_not_moved_on() {
    let mut world = three(1);
    world.ask_back("back", Version(version(1)), false);
    world.settle();
    world.source = crate::reconcile::observed::SourceState::Missing;
    world.settle();
    world.edit("pool: 3\n");
    world.settle();
    assert_eq!((world.active(), world.outcome()), (Some(4), Reason::SetAside));
}

#[test]
fn a_refusal_is_shown_until_it_is_written() {
    let mut world = three(1);
    world.writes_statuses = false;
    world.ask_back("nowhere", Version(version(9)), false);
    world.settle();
    assert_eq!(world.announced(), [Reason::NoSuchVersion], "it is announced once");
    world.settle();
    assert_eq!(world.announced(), []);
    assert!(!world.rollbacks[0].finished);
    assert!(matches!(&world.shown.rollbacks[..], [(_, status)] if status.reason == Reason::NoSuchVersion));
}

#[test]
fn a_rollback_that_cannot_be_recorded_is_tried_again_in_time_and_pods_are_served_meanwhile() {
    let mut world = three(1);
    world.records_fail = true;
    world.ask_back("back", Version(version(1)), false);
    world.settle();
    assert_eq!(world.status().set_aside, [], "what is not left is not set aside");
    let retry_at = world.ledger.record_failure.as_ref().map(|failure| failure.retry_at);
    assert!(retry_at.is_some() && world.plan().again == retry_at);
    world.restart_pod("pod-0");
    world.settle();
    assert_eq!(world.runs(), [3]);
    world.records_fail = false;
    world.settle_for(60);
    assert_eq!((world.runs(), world.outcome()), (vec![4], Reason::SetAside));
}

#[test]
fn a_rollback_passes_an_open_breaker_and_reaches_all_pods_at_once() {
    let mut world = three(3);
    world.edit(HURTS);
    world.settle();
    world.happened.clear();
    world.ask_back("back", Version(version(1)), false);
    world.settle();
    assert_eq!(world.done().len(), 2, "one record, one push");
    assert_eq!(world.runs(), [6, 6, 6]);
}

#[test]
fn a_rollback_that_some_pods_refuse_says_so() {
    let mut world = three(4);
    world.pod("pod-3").mood = Mood::Stubborn;
    world.ask_back("back", Steps(1), false);
    world.settle();
    let status = status(&world, "back");
    assert_eq!((status.complete, status.pods), (Truth::True, Some((3, 4))));
    assert_eq!(status.message, "version 4 is active; 1 pods refuse it");
}

#[test]
fn a_refused_notice_of_a_rollback_is_repeated_and_blames_nobody() {
    let mut world = three(3);
    world.pods.values_mut().for_each(|pod| pod.payload = Payload::Notice);
    world.settle();
    world.moods(Mood::Stubborn);
    world.ask_back("back", Steps(1), false);
    world.settle_for(600);
    assert_eq!((world.active(), world.reverts()), (Some(4), 0));
    assert_eq!(status(&world, "back").reason, Reason::RollingBack);
    world.moods(Mood::Sane);
    world.settle_for(120);
    assert_eq!(status(&world, "back").reason, Reason::RolledBack);
}

#[test]
fn rollbacks_wait_while_the_policy_is_paused_or_only_observes() {
    for mode in [Mode::Paused, Mode::Observe] {
        let mut world = three(1);
        world.policy.mode = mode;
        world.ask_back("back", Steps(1), false);
        world.settle();
        assert_eq!((world.done(), world.rollback_status.len()), (vec![], 0));
        world.policy.mode = Mode::Enforce;
        world.settle();
        assert_eq!(world.runs(), [4]);
    }
}

#[test]
fn the_record_of_a_rollback_stays_until_its_status_is_written() {
    let mut world = three(1);
    world.policy.history_limit = 2;
    world.ask_back("back", Version(version(1)), false);
    world.writes_statuses = false;
    for number in 4..12 {
        world.settle();
        world.edit(&format!("pool: {number}\n"));
    }
    world.settle();
    assert!(world.history.contains_key(&version(4)), "{:?}", world.history.keys());
    world.crash();
    world.writes_statuses = true;
    world.settle();
    assert_eq!(world.text_of(world.active().unwrap()), "pool: 11\n", "it is not carried out again");
    world.edit("pool: 12\n");
    world.settle();
    assert!(!world.history.contains_key(&version(4)), "then it goes as well: {:?}", world.history.keys());
}
