//! What readers and writers may rely on, alone and all at once.
//! Must not depend on time: threads run until what they wait for has happened.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::*;

#[test]
fn a_snapshot_stays_as_it_was_and_shares_what_did_not_change() {
    let store = Store::of_tree(&json!({"a": {"x": 1}, "b": {"y": [1, 2]}}));
    let first = store.load();
    let second = store.update(|edit| edit.set("a.x", &json!(2))).unwrap();

    assert_eq!((first.version(), second.version()), (VersionNumber(1), VersionNumber(2)));
    assert_eq!((first.get("a.x"), second.get("a.x")), (Ok(1), Ok(2)));
    assert_eq!(store.load(), second);
    assert_ne!(first.digest(), second.digest());
    let shared = |path: &str| {
        let [Some(Tree::Map(old)), Some(Tree::Map(new))] =
            [&first, &second].map(|side| side.tree().find_text(path).unwrap())
        else {
            panic!("{path} is no map");
        };
        Arc::ptr_eq(old, new)
    };
    assert!(shared("b") && !shared("a"));
}

#[test]
fn what_fails_or_changes_nothing_makes_no_version() {
    let store = Store::of_tree(&json!({"a": {"x": 1}, "secret": "hunter2"}));
    let failed = store.update(|edit| {
        edit.set("a.x", &json!(2))?;
        edit.set("secret.x", &json!(2))
    });
    let message = "set `secret.x`: `secret` is of the type string and holds no keys";
    assert_eq!(failed.unwrap_err().to_string(), message);
    assert!(store.update(|edit| edit.remove("a..x").map(drop)).is_err());
    store.update(|edit| edit.set("a.x", &json!(1))).unwrap();
    store.update(|edit| edit.remove("b").map(drop)).unwrap();
    let first = store.load();
    store.replace(&json!({"secret": "hunter2", "a": {"x": 1}}), first.digest());
    assert_eq!(store.load().version(), VersionNumber(1));
    assert!(!format!("{store:?} {first:?}").contains("hunter2"));
}

#[test]
fn a_default_stands_for_what_is_missing_and_not_for_what_is_wrong() {
    let snapshot = Store::of_tree(&json!({"a": 1, "none": null, "text": "x"})).load();
    assert_eq!(snapshot.get_or("a", 7), Ok(1));
    assert_eq!(snapshot.get_or("b.c", 7), Ok(7));
    assert_eq!(snapshot.get_or("none", 7), Ok(7));
    assert!(snapshot.get_or("text", 7).is_err());
    assert!(snapshot.contains("none") && snapshot.contains("") && !snapshot.contains("b") && !snapshot.contains("a."));
}

/// Every version holds its own number in every leaf, so a torn one would show two numbers.
fn stamped(number: u64) -> Value {
    let section = |parts: u64| (0..parts).map(|part| (format!("k{part}"), json!(number))).collect::<Value>();
    json!({"one": section(3), "two": {"deep": {"deeper": section(5)}}, "list": [number, {"n": number}]})
}

fn stamps(tree: &Value, found: &mut Vec<u64>) {
    match tree {
        Value::Object(map) => map.values().for_each(|value| stamps(value, found)),
        Value::Array(list) => list.iter().for_each(|value| stamps(value, found)),
        leaf => found.push(leaf.as_u64().unwrap()),
    }
}

#[test]
fn no_reader_ever_sees_a_torn_snapshot_or_an_older_one_than_before() {
    const CHANGES: u64 = 2_000;
    let store = Store::of_tree(&stamped(0));
    let done = AtomicBool::new(false);
    let read = |old: &mut Arc<Snapshot>| {
        let new = store.load();
        let mut found = Vec::new();
        stamps(&new.tree().to_value(), &mut found);
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|stamp| *stamp == found[0]), "torn: {found:?}");
        assert_eq!(new.digest(), Store::of_tree(&stamped(found[0])).load().digest(), "another version's digest");
        assert!(new.version() >= old.version(), "{new:?} after {old:?}");
        assert!(new.version() > old.version() || *new == **old, "two snapshots have one number");
        *old = new;
    };
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut last = store.load();
                while !done.load(Ordering::Relaxed) {
                    read(&mut last);
                }
                read(&mut last);
            });
        }
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let store = &store;
                scope.spawn(move || {
                    for change in 0..CHANGES / 2 {
                        let number = 1 + change * 2 + writer;
                        let tree = stamped(number);
                        let digest = digest_of(&Tree::from(&tree));
                        store.replace(&tree, digest);
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(store.load().version(), VersionNumber(1 + CHANGES));
}

#[test]
fn no_update_is_lost_when_writers_meet() {
    let store = Store::of_tree(&json!({"total": 0, "by": {}}));
    thread::scope(|scope| {
        for writer in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for count in 1..=100_u64 {
                    let added = store.update(|edit| {
                        let total: u64 = edit.tree().read("total").unwrap();
                        edit.set("total", &json!(total + 1))?;
                        edit.set(&format!("by.w{writer}"), &json!(count))
                    });
                    let seen = added.unwrap();
                    assert_eq!(seen.get::<u64>(&format!("by.w{writer}")), Ok(count));
                }
            });
        }
    });
    let last = store.load();
    assert_eq!((last.get("total"), last.version()), (Ok(800), VersionNumber(801)));
    assert_eq!(last.get::<BTreeMap<String, u64>>("by").unwrap().values().sum::<u64>(), 800);
}
