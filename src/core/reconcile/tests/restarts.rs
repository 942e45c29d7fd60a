//! The operator ends anywhere and begins again with what is durable: nothing is done twice, nothing is forgotten.

use std::time::Duration;

use super::world::Happened::{Pushed, Recorded};
use super::world::{HURTS, Mood, World, digest, version};
use crate::breaker::Breaker;
use crate::ids::ObjectName;
use crate::reason::Reason;
use crate::reconcile::ledger::Ledger;
use crate::reconcile::observed::SourceState;
use crate::status::ConditionKind::BreakerClosed;

/// Tells the story with the process ending after each number of actions, statuses written or not, and compares ends.
fn ends_alike(story: impl Fn(&mut World), check: impl Fn(&World)) {
    for writes_statuses in [true, false] {
        for steps in 0..25 {
            let mut world = World::running(4);
            world.policy.active_copy = Some(ObjectName::parse("checkout-active").unwrap());
            world.writes_statuses = writes_statuses;
            world.dies_after = Some(steps);
            story(&mut world);
            world.dies_after = None;
            world.crash();
            world.writes_statuses = true;
            world.settle_for(3600);
            check(&world);
            world.crash();
            world.happened.clear();
            world.settle_for(3600);
            assert_eq!(world.happened, [], "a restart with nothing changed does nothing, after {steps} steps");
        }
    }
}

#[test]
fn an_edit_reaches_every_pod_whatever_the_process_ends_on() {
    let story = |world: &mut World| {
        world.edit("pool: 2\n");
        world.settle();
    };
    ends_alike(story, |world| {
        assert_eq!((world.runs(), world.ready()), (vec![2; 4], "True Settled".to_owned()));
        assert_eq!(world.copy.as_ref().map(crate::digest::Digest::of), Some(digest("pool: 2\n")));
    });
}

#[test]
fn what_hurts_is_taken_back_once_whatever_the_process_ends_on() {
    let story = |world: &mut World| {
        world.edit(HURTS);
        world.settle();
    };
    ends_alike(story, |world| {
        assert_eq!((world.reverts(), world.runs()), (1, vec![3; 4]));
        assert_eq!((world.outcome(), world.says(BreakerClosed)), (Reason::Quarantined, "False HalfOpen".to_owned()));
        assert_eq!(world.status().quarantined.iter().map(|entry| entry.version.0).collect::<Vec<_>>(), [2]);
    });
}

#[test]
fn a_probe_ends_alike_whatever_the_process_ends_on() {
    let story = |world: &mut World| {
        world.dies_after = world.dies_after.map(|steps| steps + 8);
        world.edit(HURTS);
        world.settle_for(61);
        world.edit("pool: 2\n");
        world.settle();
    };
    ends_alike(story, |world| {
        assert_eq!((world.ready(), world.says(BreakerClosed)), ("True Settled".to_owned(), "True Closed".to_owned()));
        assert_eq!(world.runs(), vec![world.active().unwrap(); 4]);
        assert_eq!(world.text_of(world.active().unwrap()), "pool: 2\n");
    });
}

#[test]
fn the_record_of_a_revert_tells_of_the_trip_when_the_status_does_not() {
    let mut world = World::running(3);
    world.writes_statuses = false;
    world.edit(HURTS);
    world.settle();
    let ledger = Ledger::restore(world.status.as_ref(), &world.history, Duration::from_secs(60));
    assert!(
        matches!(&ledger.breaker, Breaker::Open { until, .. } if *until == world.now.after(Duration::from_secs(60)))
    );
    assert_eq!(ledger.quarantined.iter().map(|entry| entry.digest).collect::<Vec<_>>(), [digest(HURTS)]);
    assert_eq!(ledger.last_edit, None);
    world.crash();
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.outcome(), Reason::BreakerOpen);
}

#[test]
fn a_status_that_is_newer_than_the_revert_is_believed() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.settle_for(61);
    world.edit("pool: 2\n");
    world.settle();
    assert_eq!(world.says(BreakerClosed), "True Closed");
    world.crash();
    assert_eq!(world.ledger.breaker, Breaker::Closed);
    assert_eq!(world.ledger.last_edit.as_ref().map(|edit| edit.outcome), Some(Reason::Active));
}

#[test]
fn numbers_go_on_where_they_were_when_records_are_gone() {
    let mut world = World::running(1);
    for number in 2..5 {
        world.edit(&format!("pool: {number}\n"));
        world.settle();
    }
    world.history.clear();
    world.crash();
    world.settle();
    assert_eq!((world.active(), world.runs()), (Some(5), vec![5]));
}

#[test]
fn a_restart_asks_only_pods_that_have_not_confirmed() {
    let mut world = World::running(3);
    world.pod("pod-1").mood = Mood::Down;
    world.edit("pool: 2\n");
    world.settle();
    world.crash();
    world.pod("pod-1").mood = Mood::Sane;
    world.happened.clear();
    world.settle();
    assert_eq!(world.done(), [Pushed(2, vec!["pod-1".into()])]);
}

#[test]
fn a_pod_whose_container_restarts_while_nobody_looks_counts_as_not_confirmed() {
    let mut world = World::running(3);
    world.restart_pod("pod-2");
    world.crash();
    world.settle();
    assert_eq!(world.done(), [Pushed(1, vec!["pod-2".into()])]);
    assert_eq!(world.runs(), [1, 1, 1]);
}

#[test]
fn an_edit_made_while_nobody_looks_is_not_lost() {
    let mut world = World::running(2);
    world.edit("pool: 2\n");
    world.crash();
    world.settle();
    assert_eq!((world.runs(), world.history.len()), (vec![2, 2], 2));
    world.source = SourceState::Missing;
    world.crash();
    world.settle();
    assert_eq!((world.runs(), world.ready()), (vec![2, 2], "False SourceMissing".to_owned()));
}

#[test]
fn a_trip_that_only_the_status_tells_of_still_leads_back() {
    let mut world = World::running(3);
    world.edit(HURTS);
    world.round();
    world.round();
    world.deliver();
    let plan = world.plan();
    world.shown = plan.shown;
    world.write_statuses();
    world.crash();
    assert_eq!(world.ledger.quarantined.len(), 1, "what a plan decides is shown with it");
    assert!(matches!(world.ledger.breaker, Breaker::Open { .. }));
    world.happened.clear();
    world.settle();
    assert_eq!(world.done(), [Recorded(3), Pushed(3, vec!["pod-0".into(), "pod-1".into(), "pod-2".into()])]);
    assert_eq!(world.history[&version(3)].digest, digest("pool: 1\n"));
}

#[test]
fn a_trip_leads_back_though_no_status_came_to_tell_that_the_version_before_was_proven() {
    let mut world = World::new(3);
    world.writes_statuses = false;
    world.edit("pool: 1\n");
    world.settle();
    world.edit(HURTS);
    world.round();
    assert_eq!((world.history.len(), world.history[&version(1)].proven), (2, false));
    world.crash();
    world.writes_statuses = true;
    world.settle();
    assert_eq!((world.reverts(), world.runs()), (1, vec![3; 3]));
    assert_eq!(world.history[&version(3)].digest, digest("pool: 1\n"));
    assert!(world.history[&version(1)].proven, "the status is made up for");
}

#[test]
fn a_record_proves_no_version_but_an_older_one_that_is_still_there() {
    let mut world = World::running(1);
    world.edit("pool: 2\n");
    world.settle();
    for (number, good) in [(1, 2), (2, 9)] {
        let record = std::sync::Arc::make_mut(world.history.get_mut(&version(number)).unwrap());
        (record.proven, record.last_good) = (false, Some(version(good)));
    }
    let ledger = Ledger::restore(world.status.as_ref(), &world.history, Duration::from_secs(60));
    assert_eq!(ledger.proven.len(), 0);
}
