//! Pruning and rollback targets on histories written as text: `1a 2b` is version 1 with content a, 2 with b.
//! Must not know more of contents than that they differ.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::document::{DocumentName, Documents};

fn digest(content: char) -> Digest {
    let name = DocumentName::parse("a").unwrap();
    Digest::of(&Documents::from_ordered(vec![(name, Bytes::from(content.to_string()))]).unwrap())
}

fn history(text: &str) -> History {
    let versions = text.split_whitespace().map(|version| {
        let content = version.chars().last().unwrap();
        (VersionNumber(version.trim_end_matches(content).parse().unwrap()), digest(content))
    });
    versions.collect()
}

/// The active version is the last of the history.
fn lineage(text: &str, avoided: &str) -> Lineage {
    let history = history(text);
    let active = history.keys().next_back().copied();
    Lineage { history, active, last_good: None, avoided: avoided.chars().map(digest).collect() }
}

fn back(text: &str, avoided: &str, steps: u32) -> Result<u64, RollbackError> {
    lineage(text, avoided).resolve(RollbackTo::Steps(steps)).map(|number| number.0)
}

fn numbers(numbers: &[u64]) -> Vec<VersionNumber> {
    numbers.iter().copied().map(VersionNumber).collect()
}

#[test]
fn the_oldest_versions_go_until_the_limit_is_met() {
    let history = history("1a 2b 3c 4d 5e");
    let keep = Keep { active: Some(VersionNumber(5)), ..Keep::default() };
    assert_eq!(prune(&history, 3, &keep), numbers(&[1, 2]));
    assert_eq!(prune(&history, 5, &keep), []);
    assert_eq!(prune(&history, 0, &keep), numbers(&[1, 2, 3, 4]));
    assert_eq!(prune(&History::new(), 0, &keep), []);
}

#[test]
fn versions_in_use_stay_and_count() {
    let history = history("1a 2b 3c 4d 5e 6f 7g");
    let set = |number| BTreeSet::from([VersionNumber(number)]);
    let keep = Keep {
        active: Some(VersionNumber(6)),
        last_good: Some(VersionNumber(2)),
        in_flight: set(5),
        pinned: set(1),
        reported: set(3),
    };
    assert_eq!(prune(&history, 6, &keep), numbers(&[4]));
    assert_eq!(prune(&history, 2, &keep), numbers(&[4]), "all others are in use, and 7 is the highest number");
}

#[test]
fn a_step_leads_to_the_content_before() {
    assert_eq!(back("1a 2b 3c", "", 1), Ok(2));
    assert_eq!(back("1a 2b 3c", "", 2), Ok(1));
    assert_eq!(back("1a 5b 9c", "", 1), Ok(5), "numbers may have gaps");
}

#[test]
fn a_content_counts_once_and_the_active_one_never() {
    assert_eq!(back("1a 2b 3b 4c", "", 1), Ok(3));
    assert_eq!(back("1a 2b 3b 4c", "", 2), Ok(1));
    assert_eq!(back("1a 2b 3c 4b", "", 1), Ok(3));
    assert_eq!(back("1a 2b 3c 4b", "", 2), Ok(1));
}

#[test]
fn steps_pass_over_what_tripped_or_was_rolled_back_from() {
    assert_eq!(back("1a 2b 3c 4b", "c", 1), Ok(1), "going back again goes further back");
    assert_eq!(back("1a 2x 3a 4b", "x", 1), Ok(3));
    let refused = back("1a 2x 3a", "x", 1);
    assert_eq!(refused, Err(RollbackError::TooManySteps { wanted: 1, available: 0 }));
}

#[test]
fn versions_after_the_active_one_are_not_behind_it() {
    let lineage = Lineage { active: Some(VersionNumber(2)), ..lineage("1a 2b 3c", "") };
    assert_eq!(lineage.resolve(RollbackTo::Steps(1)), Ok(VersionNumber(1)));
    assert_eq!(lineage.resolve(RollbackTo::Version(VersionNumber(3))), Ok(VersionNumber(3)));
}

#[test]
fn a_named_version_is_taken_even_from_quarantine() {
    let lineage = lineage("1a 2x 3a", "x");
    assert_eq!(lineage.resolve(RollbackTo::Version(VersionNumber(2))), Ok(VersionNumber(2)));
}

#[test]
fn last_good_is_taken_when_there_is_one() {
    let mut lineage = lineage("1a 2b", "");
    assert_eq!(lineage.resolve(RollbackTo::LastGood), Err(RollbackError::NoLastGood));
    lineage.last_good = Some(VersionNumber(1));
    assert_eq!(lineage.resolve(RollbackTo::LastGood), Ok(VersionNumber(1)));
    lineage.last_good = Some(VersionNumber(2));
    let refused = lineage.resolve(RollbackTo::LastGood).unwrap_err();
    assert_eq!(refused.to_string(), "version 2 has the content of the active version 2: there is nothing to do");
}

#[test]
fn going_to_what_is_active_is_nothing_to_do() {
    let refused = RollbackError::AlreadyActive { wanted: VersionNumber(1), active: VersionNumber(3) };
    assert_eq!(lineage("1a 2b 3a", "").resolve(RollbackTo::Version(VersionNumber(1))), Err(refused));
    assert!(matches!(back("1a 2b", "", 0), Err(RollbackError::AlreadyActive { .. })));
}

#[test]
fn a_missing_version_is_refused_with_those_that_are_kept() {
    let refused = lineage("2b 3c", "").resolve(RollbackTo::Version(VersionNumber(1))).unwrap_err();
    assert_eq!(refused.to_string(), "there is no version 1; these are kept: 2, 3");
    let refused = Lineage::default().resolve(RollbackTo::Version(VersionNumber(1))).unwrap_err();
    assert_eq!(refused.to_string(), "there is no version 1; none is recorded yet");
    assert_eq!(Lineage::default().resolve(RollbackTo::Steps(1)), Err(RollbackError::NothingActive));
}

#[test]
fn too_many_steps_are_refused_with_how_many_there_are() {
    let refused = back("1a 2b 3a 4c", "", 3).unwrap_err();
    let wanted = "the history does not go back 3 steps: 2 can be taken from the active version";
    assert_eq!(refused.to_string(), wanted);
    assert!(back("1a 2b", "", u32::MAX).is_err());
}

fn any_keep() -> impl Strategy<Value = Keep> {
    let number = || (1_u64..30).prop_map(VersionNumber);
    let set = || proptest::collection::btree_set(number(), 0..4);
    let one = || proptest::option::of(number());
    (one(), one(), set(), set(), set()).prop_map(|(active, last_good, in_flight, pinned, reported)| Keep {
        active,
        last_good,
        in_flight,
        pinned,
        reported,
    })
}

proptest! {
    #[test]
    fn pruning_takes_no_version_in_use_and_no_more_than_needed(
        versions in proptest::collection::btree_set(1_u64..30, 0..20),
        limit in 0_usize..12,
        keep in any_keep(),
    ) {
        let history: History = versions.iter().map(|number| (VersionNumber(*number), digest('a'))).collect();
        let gone = prune(&history, limit, &keep);
        let stays: Vec<_> = history.keys().filter(|number| !gone.contains(number)).copied().collect();
        prop_assert!(gone.iter().all(|number| history.contains_key(number) && !keep.holds(*number)));
        prop_assert!(gone.is_sorted());
        prop_assert_eq!(history.keys().next_back(), stays.last());
        prop_assert!(gone.is_empty() || stays.len() >= limit);
        let expendable = stays.iter().rev().skip(1).filter(|number| !keep.holds(**number));
        let oldest_left = expendable.clone().min();
        prop_assert!(stays.len() <= limit || expendable.count() == 0);
        prop_assert!(oldest_left.is_none_or(|oldest| gone.iter().all(|number| number < oldest)));
    }

    #[test]
    fn a_rollback_always_leads_to_another_content(
        contents in proptest::collection::vec(proptest::char::range('a', 'e'), 1..12),
        steps in 0_u32..8,
    ) {
        let history: History = (1..).map(VersionNumber).zip(contents.into_iter().map(digest)).collect();
        let active = history.keys().next_back().copied();
        let lineage = Lineage { history, active, last_good: None, avoided: BTreeSet::from([digest('e')]) };
        if let Ok(found) = lineage.resolve(RollbackTo::Steps(steps)) {
            prop_assert_ne!(lineage.history.get(&found), lineage.history.get(&active.unwrap()));
            prop_assert!(!lineage.avoided.contains(&lineage.history[&found]));
            prop_assert!(found < active.unwrap());
        }
    }
}
