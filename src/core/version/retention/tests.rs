//! Retention by count, age and bytes, and the laws that hold for all of them.
//! Must not need contents.

use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::document::Documents;

fn items(rows: &[(u64, i64, u64)]) -> BTreeMap<VersionNumber, Item> {
    let digest = Digest::of(&Documents::default());
    rows.iter()
        .map(|(number, created, bytes)| {
            (VersionNumber(*number), Item { digest, created: Timestamp(*created), bytes: *bytes })
        })
        .collect()
}

fn gone(rows: &[(u64, i64, u64)], limits: Limits, pinned: &[u64], now: i64) -> Vec<(u64, Because)> {
    let keep = Keep { pinned: pinned.iter().copied().map(VersionNumber).collect(), ..Keep::default() };
    expendable(&items(rows), &limits, &keep, Timestamp(now)).into_iter().map(|(number, why)| (number.0, why)).collect()
}

const ROWS: [(u64, i64, u64); 4] = [(1, 1000, 10), (2, 2000, 20), (3, 3000, 30), (4, 4000, 40)];

#[test]
fn each_limit_takes_the_oldest() {
    let any = Limits { count: 100, ..Limits::default() };
    let second = Some(Duration::from_secs(1));
    assert_eq!(gone(&ROWS, any, &[], 4000), []);
    assert_eq!(gone(&ROWS, Limits { count: 2, ..any }, &[], 4000), [(1, Because::Count), (2, Because::Count)]);
    assert_eq!(gone(&ROWS, Limits { age: second, ..any }, &[], 4000), [(1, Because::Age), (2, Because::Age)]);
    assert_eq!(gone(&ROWS, Limits { bytes: Some(75), ..any }, &[], 4000), [(1, Because::Bytes), (2, Because::Bytes)]);
    let all = Limits { count: 3, age: second, bytes: Some(50) };
    assert_eq!(gone(&ROWS, all, &[], 4000), [(1, Because::Count), (2, Because::Age), (3, Because::Bytes)]);
}

#[test]
fn what_is_pinned_and_the_newest_stay_whatever_the_limits() {
    let nothing = Limits { count: 0, age: Some(Duration::ZERO), bytes: Some(0) };
    assert_eq!(gone(&ROWS, nothing, &[2], 9_000_000), [(1, Because::Count), (3, Because::Count)]);
    let small = Limits { count: 100, age: None, bytes: Some(65) };
    assert_eq!(gone(&ROWS, small, &[1], 4000), [(2, Because::Bytes), (3, Because::Bytes)]);
}

#[test]
fn a_clock_that_was_set_back_takes_nothing() {
    let aged = Limits { count: 100, age: Some(Duration::from_millis(1)), bytes: None };
    assert_eq!(gone(&ROWS, aged, &[], -5_000_000), []);
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn limits_hold_as_far_as_what_must_stay_lets_them(
        rows in proptest::collection::btree_map(1_u64..30, (0_i64..100, 0_u64..50), 0..20),
        pinned in proptest::collection::btree_set(1_u64..30, 0..5),
        count in 0_usize..12,
        age in proptest::option::of(0_u64..100),
        bytes in proptest::option::of(0_u64..300),
    ) {
        let rows: Vec<_> = rows.into_iter().map(|(number, (created, bytes))| (number, created, bytes)).collect();
        let pinned: Vec<_> = pinned.into_iter().collect();
        let limits = Limits { count, age: age.map(Duration::from_millis), bytes };
        let gone = gone(&rows, limits, &pinned, 100);
        let stays = |number: u64| pinned.contains(&number) || rows.last().is_some_and(|last| last.0 == number);
        prop_assert!(gone.iter().all(|(number, _)| !stays(*number)));
        let left: Vec<_> = rows.iter().filter(|row| !gone.iter().any(|(number, _)| *number == row.0)).collect();
        let loose: Vec<_> = left.iter().filter(|row| !stays(row.0)).collect();
        prop_assert!(left.len() <= count || loose.is_empty());
        if let Some(bytes) = bytes {
            prop_assert!(left.iter().map(|row| row.2).sum::<u64>() <= bytes || loose.is_empty());
        }
        if let Some(age) = age {
            prop_assert!(loose.iter().all(|row| 100 - row.1 <= i64::try_from(age).unwrap()));
        }
    }
}
