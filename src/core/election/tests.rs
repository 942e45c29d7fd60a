//! One candidate's decisions case by case; `laws` lets several compete in a world of delays, losses and skewed clocks.

mod laws;
mod world;

use std::time::Duration;

use super::{Claim, Election, Lease, Moment, Purpose, Sighting, Step, Timing};
use crate::ids::Epoch;

const ME: &str = "me";
const OTHER: &str = "other";

fn at(millis: u64) -> Moment {
    Moment(Duration::from_millis(millis))
}

fn timing() -> Timing {
    Timing::new(Duration::from_secs(15), Duration::from_secs(10), Duration::from_secs(2)).unwrap()
}

fn candidate() -> Election {
    Election::new(ME.to_owned(), timing(), 0)
}

fn held_by(holder: Option<&str>, transitions: u32, revision: u64) -> Sighting {
    Sighting::There(Lease {
        holder: holder.map(str::to_owned),
        renewed: format!("{revision}"),
        duration: Duration::from_secs(15),
        transitions,
        revision,
    })
}

/// The server carries the claim out and answers at once.
fn carry_out(election: &mut Election, claim: &Claim, revision: u64, now: Moment) {
    let Claim { holder, duration, transitions, .. } = claim.clone();
    let lease = Lease { holder, renewed: format!("{revision}"), duration, transitions, revision };
    election.wrote(claim, now, lease, now);
}

fn claim(step: Step) -> Claim {
    match step {
        Step::Write(claim) => claim,
        other => panic!("a claim, not {other:?}"),
    }
}

/// A candidate that began its term at this moment, over a Lease that somebody released.
fn leader(now: Moment) -> Election {
    let mut election = candidate();
    election.read(held_by(None, 6, 1), now);
    let acquire = claim(election.next(now));
    carry_out(&mut election, &acquire, 2, now);
    assert!(election.term(now).is_some());
    election
}

#[test]
fn the_first_creates_the_lease_with_the_floor() {
    let mut election = Election::new(ME.to_owned(), timing(), 70);
    assert_eq!(election.next(at(0)), Step::Read);
    election.read(Sighting::Absent(None), at(5));
    let create = claim(election.next(at(5)));
    let expected = Claim {
        purpose: Purpose::Acquire,
        holder: Some(ME.to_owned()),
        duration: Duration::from_secs(15),
        transitions: 70,
        replaces: None,
    };
    assert_eq!(create, expected);
    carry_out(&mut election, &create, 1, at(5));
    assert_eq!(election.term(at(5)).map(|term| term.epoch()), Some(Epoch(71)));
}

#[test]
fn a_lease_that_another_holds_is_taken_when_it_was_seen_unchanged_for_its_duration() {
    let mut election = candidate();
    election.read(held_by(Some(OTHER), 3, 7), at(1_000));
    assert_eq!(election.next(at(1_000)), Step::Wait(at(3_000)));
    assert_eq!(election.next(at(3_000)), Step::Read);
    // The holder was heard of.
    election.read(held_by(Some(OTHER), 3, 8), at(3_000));
    for seconds in 2..9 {
        election.read(held_by(Some(OTHER), 3, 8), at(seconds * 2_000));
    }
    assert_eq!(election.next(at(17_999)), Step::Wait(at(18_000)));
    let acquire = claim(election.next(at(18_000)));
    assert_eq!((acquire.replaces, acquire.transitions), (Some(8), 4));
}

#[test]
fn what_others_write_beside_the_holder_is_no_sign_of_life() {
    let mut election = candidate();
    election.read(held_by(Some(OTHER), 3, 7), at(0));
    let Sighting::There(lease) = held_by(Some(OTHER), 3, 7) else { unreachable!() };
    election.saw(Sighting::There(Lease { revision: 9, ..lease }), at(14_000));
    let acquire = claim(election.next(at(15_000)));
    assert_eq!(acquire.replaces, Some(9));
}

#[test]
fn a_released_lease_is_taken_at_once() {
    let mut election = candidate();
    election.read(held_by(Some(OTHER), 3, 7), at(0));
    election.saw(held_by(None, 3, 8), at(10));
    assert_eq!(claim(election.next(at(10))).transitions, 4);
}

#[test]
fn a_leader_renews_every_retry_period_and_ends_at_its_deadline() {
    let mut election = leader(at(0));
    assert_eq!(election.next(at(0)), Step::Wait(at(2_000)));
    let renew = claim(election.next(at(2_000)));
    assert_eq!((renew.purpose, renew.transitions, renew.replaces), (Purpose::Renew, 7, Some(2)));
    carry_out(&mut election, &renew, 3, at(2_000));
    // From here on nobody answers.
    election.failed(at(5_000));
    assert_eq!(election.next(at(5_000)), Step::Wait(at(7_000)));
    assert_eq!(election.next(at(7_000)), Step::Read);
    election.failed(at(10_000));
    assert!(election.term(at(11_999)).is_some());
    assert!(election.term(at(12_000)).is_none());
    assert_eq!(election.next(at(12_000)), Step::StartOver);
    election.started_over();
    assert_eq!(election.next(at(12_001)), Step::Read);
}

#[test]
fn a_term_is_counted_from_when_its_renewal_was_sent() {
    let mut election = leader(at(0));
    let renew = claim(election.next(at(2_000)));
    let Sighting::There(lease) = held_by(Some(ME), 7, 3) else { unreachable!() };
    election.wrote(&renew, at(2_000), lease, at(9_000));
    assert_eq!(election.term(at(9_000)).map(|term| term.until), Some(at(12_000)));
}

#[test]
fn an_acquisition_that_was_answered_too_late_is_none() {
    let mut election = candidate();
    election.read(held_by(None, 6, 1), at(0));
    let acquire = claim(election.next(at(0)));
    let Sighting::There(lease) = held_by(Some(ME), 7, 2) else { unreachable!() };
    election.wrote(&acquire, at(0), lease, at(10_000));
    assert!(election.term(at(10_000)).is_none());
    // It holds the Lease by name, and begins another term with another epoch.
    assert_eq!(claim(election.next(at(10_000))).transitions, 8);
}

#[test]
fn an_acquisition_whose_answer_was_lost_is_followed_by_another_epoch() {
    let mut election = candidate();
    election.read(held_by(None, 6, 1), at(0));
    claim(election.next(at(0)));
    election.failed(at(3_000));
    assert_eq!(election.next(at(5_000)), Step::Read);
    election.read(held_by(Some(ME), 7, 2), at(5_000));
    let again = claim(election.next(at(5_000)));
    assert_eq!((again.transitions, again.replaces), (8, Some(2)));
}

#[test]
fn whoever_sees_another_in_office_steps_down_at_once() {
    let mut election = leader(at(0));
    election.saw(held_by(Some(OTHER), 8, 5), at(100));
    assert!(election.term(at(100)).is_none());
    assert_eq!(election.next(at(100)), Step::StartOver);
}

#[test]
fn a_watch_that_lags_behind_does_not_end_a_term() {
    let mut election = leader(at(0));
    election.saw(held_by(Some(OTHER), 6, 1), at(100));
    election.saw(Sighting::Absent(Some(1)), at(100));
    assert!(election.term(at(100)).is_some());
    assert_eq!(election.next(at(100)), Step::Wait(at(2_000)));
}

#[test]
fn a_leader_creates_a_deleted_lease_again_and_others_leave_it_the_time_to() {
    let mut election = leader(at(0));
    election.saw(Sighting::Absent(Some(9)), at(100));
    let renew = claim(election.next(at(100)));
    assert_eq!((renew.purpose, renew.transitions, renew.replaces), (Purpose::Renew, 7, None));
    let mut standby = candidate();
    standby.read(held_by(Some(ME), 7, 2), at(0));
    standby.saw(Sighting::Absent(Some(9)), at(100));
    standby.read(Sighting::Absent(None), at(7_000));
    standby.read(Sighting::Absent(None), at(14_000));
    assert_eq!(standby.next(at(15_099)), Step::Wait(at(15_100)));
    assert_eq!(claim(standby.next(at(15_100))).transitions, 8);
}

#[test]
fn a_release_empties_the_holder_and_keeps_the_count() {
    let mut election = leader(at(0));
    let release = election.release(at(1_000)).unwrap();
    assert_eq!((release.holder.as_deref(), release.transitions, release.replaces), (None, 7, Some(2)));
    assert!(election.term(at(1_000)).is_none());
    carry_out(&mut election, &release, 3, at(1_000));
    assert!(election.term(at(1_000)).is_none());
    assert_eq!(election.release(at(1_000)), None);
}

#[test]
fn whoever_was_out_of_reach_looks_at_the_cluster_anew() {
    let mut election = candidate();
    election.read(held_by(Some(OTHER), 3, 7), at(0));
    election.failed(at(5_000));
    election.failed(at(9_000));
    election.read(held_by(Some(OTHER), 3, 7), at(10_001));
    assert_eq!(election.next(at(10_001)), Step::StartOver);
    election.started_over();
    assert_eq!(election.next(at(15_000)), Step::Write(claim(election.clone().next(at(15_000)))));
}
