//! The laws of the comparison and of merging, on arbitrary values.
//! Must not fix how values are written: only where and how they differ.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::value::merge;

fn differences(old: &Value, new: &Value) -> Vec<String> {
    values(old, new).iter().map(|entry| format!("{}: {:?}", entry.path, entry.change)).collect()
}

#[test]
fn every_kind_of_change_is_found_where_it_is() {
    let old = json!({"db": {"pool": {"size": 5, "idle": 1}, "host": "a"}, "tags": ["x", "y"], "on": true, "z": 1});
    let new =
        json!({"db": {"pool": {"size": 9}, "host": 7}, "tags": ["x", "w", "v"], "on": true, "y": {"k": 1}, "z": 1});
    let expected = [
        "db.host: changed from string to integer",
        "db.pool.idle: removed integer",
        "db.pool.size: changed integer",
        "tags[1]: changed string",
        "tags[2]: added string",
        "y: added object",
    ];
    assert_eq!(differences(&old, &new), expected);
}

#[test]
fn a_map_that_becomes_a_list_is_one_change() {
    assert_eq!(differences(&json!({"a": {"b": 1}}), &json!({"a": [1]})), ["a: changed from object to array"]);
    assert_eq!(differences(&json!({}), &json!([])), [": changed from object to array"]);
    assert_eq!(differences(&json!({"a": null}), &json!({})), ["a: removed null"]);
    assert_eq!(differences(&json!({"a": 1}), &json!({"a": 1.0})), ["a: changed from integer to number"]);
}

#[test]
fn long_lists_are_in_the_order_of_their_indexes() {
    let old = json!(vec![0; 12]);
    let new = json!(vec![1; 12]);
    let order: Vec<_> = values(&old, &new).iter().map(|entry| entry.path.to_string()).collect();
    assert_eq!(order[9..], ["[9]", "[10]", "[11]"]);
}

#[test]
fn debug_output_shows_no_value() {
    let shown = format!("{:?}", values(&json!({"password": "hunter2"}), &json!({"password": "correct horse"})));
    assert!(shown.contains("password") && shown.contains("changed string"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("horse"), "{shown}");
}

/// Replays entries on the old value.
fn apply(value: &mut Value, entries: &[Entry<'_>]) {
    // From the end, so that what is removed from a list does not move what is still to be removed.
    for entry in entries.iter().rev() {
        if let Change::Removed(_) = entry.change {
            let parent = at(value, &entry.path.parent().unwrap());
            match (parent, entry.path.segments().last().unwrap()) {
                (Value::Object(map), Segment::Key(key)) => drop(map.remove(key)),
                (Value::Array(list), Segment::Index(index)) => drop(list.remove(*index)),
                (parent, last) => panic!("{last:?} cannot be removed from {parent}"),
            }
        }
    }
    for entry in entries {
        match entry.change {
            Change::Removed(_) => {}
            Change::Changed(_, new) | Change::TypeChanged(_, new) => *at(value, &entry.path) = new.clone(),
            Change::Added(new) => {
                let parent = at(value, &entry.path.parent().unwrap());
                match (parent, entry.path.segments().last().unwrap()) {
                    (Value::Object(map), Segment::Key(key)) => drop(map.insert(key.clone(), new.clone())),
                    (Value::Array(list), Segment::Index(index)) => list.insert(*index, new.clone()),
                    (parent, last) => panic!("{last:?} cannot be added to {parent}"),
                }
            }
        }
    }
}

fn at<'value>(value: &'value mut Value, path: &Path) -> &'value mut Value {
    path.segments().iter().fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key).unwrap(),
        Segment::Index(index) => value.get_mut(*index).unwrap(),
    })
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        "[ab]{0,2}".prop_map(Value::from),
    ]
}

/// Few keys and few values, so that two of them have much in common.
fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c.]", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// A map of maps and scalars: what configurations of one shape look like.
fn map_of_one_shape() -> impl Strategy<Value = Value> {
    let inner = || proptest::collection::btree_map("[a-c]", scalar(), 0..3).prop_map(Value::from_iter);
    (proptest::option::of(inner()), proptest::option::of(inner()), proptest::option::of(scalar())).prop_map(
        |(one, two, three)| {
            let parts = [("one", one), ("two", two), ("three", three)];
            parts.into_iter().filter_map(|(key, part)| Some((key.to_owned(), part?))).collect()
        },
    )
}

fn merged(base: &Value, over: &Value) -> Value {
    let mut base = base.clone();
    merge(&mut base, over.clone());
    base
}

proptest! {
    #[test]
    fn a_value_does_not_differ_from_itself(value in any_value()) {
        prop_assert_eq!(values(&value, &value), []);
    }

    #[test]
    fn replaying_the_differences_gives_the_new_value(old in any_value(), new in any_value()) {
        let mut replayed = old.clone();
        apply(&mut replayed, &values(&old, &new));
        prop_assert_eq!(replayed, new);
    }

    #[test]
    fn the_other_direction_is_the_mirror(old in any_value(), new in any_value()) {
        let forth: Vec<_> = values(&old, &new)
            .into_iter()
            .map(|entry| Entry { path: entry.path, change: entry.change.mirrored() })
            .collect();
        prop_assert_eq!(forth, values(&new, &old));
    }

    #[test]
    fn entries_are_sorted_and_none_lies_below_another(old in any_value(), new in any_value()) {
        let entries = values(&old, &new);
        for pair in entries.windows(2) {
            prop_assert!(pair[0].path < pair[1].path);
            prop_assert!(!pair[1].path.segments().starts_with(pair[0].path.segments()));
        }
        for Entry { path, change } in &entries {
            let (was, is) = match *change {
                Change::Added(value) => (None, Some(value)),
                Change::Removed(value) => (Some(value), None),
                Change::Changed(was, is) | Change::TypeChanged(was, is) => (Some(was), Some(is)),
            };
            prop_assert_eq!((path.find(&old), path.find(&new)), (was, is));
            prop_assert_ne!(was, is);
        }
    }

    #[test]
    fn the_same_comes_out_whatever_the_order_of_the_keys(old in any_value(), new in any_value()) {
        let turned = |value: &Value| match value {
            Value::Object(map) => map.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect(),
            other => other.clone(),
        };
        let (turned_old, turned_new) = (turned(&old), turned(&new));
        prop_assert_eq!(values(&turned_old, &turned_new), values(&old, &new));
    }

    #[test]
    fn merging_twice_is_merging_once(base in any_value(), over in any_value()) {
        let once = merged(&base, &over);
        prop_assert_eq!(merged(&once, &over), once);
        prop_assert_eq!(merged(&base, &base), base);
    }

    #[test]
    fn an_empty_map_changes_no_map(map in map_of_one_shape()) {
        prop_assert_eq!(merged(&map, &json!({})), map.clone());
        prop_assert_eq!(merged(&json!({}), &map), map);
    }

    #[test]
    fn what_lies_on_top_is_all_there_after_merging(base in map_of_one_shape(), over in map_of_one_shape()) {
        let merged = merged(&base, &over);
        let lost = values(&over, &merged).into_iter().find(|entry| !matches!(entry.change, Change::Added(_)));
        prop_assert_eq!(lost, None);
    }

    #[test]
    fn merging_is_associative_among_configurations_of_one_shape(
        one in map_of_one_shape(),
        two in map_of_one_shape(),
        three in map_of_one_shape(),
    ) {
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
    }
}

/// Why the law above needs one shape: a scalar between two maps hides the lower one, or does not.
#[test]
fn merging_is_not_associative_where_a_map_meets_a_scalar() {
    let (one, two, three) = (json!({"k": {"a": 1}}), json!({"k": 5}), json!({"k": {"b": 2}}));
    assert_eq!(merged(&merged(&one, &two), &three), json!({"k": {"b": 2}}));
    assert_eq!(merged(&one, &merged(&two, &three)), json!({"k": {"a": 1, "b": 2}}));
}
