//! Patterns by table, and everything that is clever against a definition that is not.
//! Must not know how an index is arranged.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::*;
use crate::cases::cases;
use crate::retry::Backoff;
use crate::time::Timestamp;
use crate::tree::Tree;
use crate::value::{Path, Segment, Value};

/// `a.b.0`, with digits as indices.
fn path(text: &str) -> Path {
    let steps = text.split('.').filter(|step| !step.is_empty());
    steps.map(|step| step.parse().map_or_else(|_| Segment::Key(step.to_owned()), Segment::Index)).collect()
}

#[test]
fn patterns_mean_what_the_table_says() {
    let cases = [
        ("database.pool.size", "database.pool.size", true),
        ("database.pool.size", "database.pool", false),
        ("database.pool", "database.pool.size", false),
        ("database.**", "database", true),
        ("database.**", "database.pool.size", true),
        ("database.**", "databases", false),
        ("database.*", "database.pool", true),
        ("database.*", "database.0", true),
        ("database.*", "database.pool.size", false),
        ("database.*.size", "database.pool.size", true),
        ("*", "a.b.c", true),
        ("**", "a.b.c", true),
        ("**", "", true),
        ("*.*", "a", false),
        ("*.*", "a.b", true),
        ("feature.new_*", "feature.new_cart", true),
        ("feature.new_*", "feature.old_new_cart", false),
        ("feature.*_*x", "feature.a_b_x", true),
        ("feature.?", "feature.é", true),
        ("feature.?", "feature.ab", false),
        ("**.timeout", "timeout", true),
        ("**.timeout", "a.0.timeout", true),
        ("**.timeout", "a.timeout.b", false),
        ("a.**.x.**.y", "a.x.b.x.c.y", true),
        ("a.**.x.**.y", "a.y.x", false),
        ("pools[0].size", "pools.0.size", true),
        ("pools[*].size", "pools.7.size", true),
        ("pools[*].size", "pools.main.size", false),
        ("pools.0", "pools.0", true),
        ("pools.00", "pools.0", false),
        ("re:^feature\\..*", "feature.x", true),
        ("re:^feature\\..*", "a.feature.x", false),
        ("re:size$", "pools.0.size", true),
        ("re:\\[0\\]", "pools.0.size", true),
    ];
    for (text, at, expected) in cases {
        assert_eq!(Pattern::parse(text).unwrap().matches(&path(at)), expected, "{text} {at}");
    }
    let number: Path = [Segment::Key("pools".to_owned()), Segment::Key("0".to_owned())].into_iter().collect();
    assert!(Pattern::parse("pools.0").unwrap().matches(&number));
    assert!(!Pattern::parse("pools[0]").unwrap().matches(&number));
    let dotted = Path::root().key("a.b").key("c*");
    assert!(Pattern::parse("[\"a.b\"][\"c*\"]").unwrap().matches(&dotted));
    assert!(!Pattern::parse("[\"a.b\"][\"c*\"]").unwrap().matches(&Path::root().key("a.b").key("cd")));
}

#[test]
fn what_is_no_pattern_is_refused_with_a_reason() {
    let long = "x".repeat(MAX_PATTERN + 1);
    let deep = vec!["a"; 65].join(".");
    for bad in
        ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a[0]b", "a[\"b]", "a[\"\\q\"]", "a]", "a**", &long, &deep]
    {
        let error = Pattern::parse(bad).unwrap_err();
        assert!(!error.problem.is_empty() && error.to_string().len() < 300, "{error}");
    }
    for bad in ["re:(", "re:(a{1000}){1000}", "re:\\p{L}"] {
        assert!(Pattern::parse(bad).is_err(), "{bad}");
    }
    let nested = format!("re:{}a{}", "(".repeat(40), ")".repeat(40));
    assert!(Pattern::parse(&nested).is_err());
}

#[test]
fn lists_of_patterns_are_read_and_bounded() {
    let patterns: Patterns = "database.**;re:^feature\\..*".parse().unwrap();
    assert_eq!(patterns.to_string(), "database.**; re:^feature\\..*");
    assert!(patterns.matches(&path("feature.x")) && patterns.matches(&path("database")));
    assert!(!patterns.matches(&path("cache")));
    assert_eq!(Patterns::parse("a; ; b").unwrap_err().problem, "it is empty");
    assert!(Patterns::try_from(Vec::new()).is_err());
    assert!(Patterns::parse(&vec!["a"; 65].join(";")).is_err());
    assert!(Patterns::everything().matches(&path("a.b")));
}

#[test]
fn only_what_differs_is_touched() {
    let old =
        json!({"db": {"pool": {"size": 1, "idle": 2}}, "list": [1, {"a": 1}], "gone": {"x": {}}, "kind": {"a": 1}});
    let new = json!({"db": {"pool": {"size": 2, "idle": 2}}, "list": [1, {"a": 2}, 3], "kind": [1], "new": {"y": 1}});
    let found: Vec<_> = touched(&old, &new).iter().map(ToString::to_string).collect();
    let expected =
        ["db.pool.size", "gone", "gone.x", "kind", "kind.a", "kind[0]", "list[1].a", "list[2]", "new", "new.y"];
    assert_eq!(found, expected);
    assert!(touched(&old, &old.clone()).is_empty());
}

#[test]
fn a_full_queue_does_what_its_policy_says() {
    let second = Duration::from_secs(1);
    for (policy, full) in [
        (Overfull::LatestWins, Place::Merge),
        (Overfull::Block(second), Place::Wait(second)),
        (Overfull::Block(Duration::ZERO), Place::Merge),
        (Overfull::Drop, Place::Drop),
    ] {
        assert_eq!(policy.place(1, 2), Place::Queue);
        assert_eq!(policy.place(2, 2), full);
        assert_eq!(policy.place(0, 0), Place::Queue, "no capacity counts as one");
        assert_eq!(policy.place(1, 0), full);
    }
}

#[test]
fn what_is_gathered_is_told_by_size_by_time_and_by_flush() {
    let gathering = Gathering { within: Duration::from_millis(50), most: 3 };
    let due = |gathered, now, flush| gathering.due(gathered, Timestamp(100), Timestamp(now), flush);
    assert_eq!(due(0, 500, true), Due::Never);
    assert_eq!(due(2, 149, false), Due::At(Timestamp(150)));
    assert_eq!(due(2, 150, false), Due::Now);
    assert_eq!(due(3, 100, false), Due::Now);
    assert_eq!(due(1, 100, true), Due::Now);
    assert_eq!(Gathering::NONE.due(1, Timestamp(5), Timestamp(5), false), Due::Now);
}

#[test]
fn failures_are_tried_again_so_often_and_no_more() {
    let backoff = Backoff { first: Duration::from_millis(10), cap: Duration::from_millis(40) };
    let persistence = Persistence { attempts: 3, backoff };
    assert!(persistence.pause(1, 7).is_some_and(|pause| pause <= Duration::from_millis(10)));
    assert!(persistence.pause(2, 7).is_some_and(|pause| pause <= Duration::from_millis(20)));
    assert_eq!(persistence.pause(3, 7), None);
    assert_eq!(Persistence::ONCE.pause(1, 7), None);
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), (0..3_i64).prop_map(Value::from), Just(json!("x"))];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            2 => btree_map("[abc]", inner.clone(), 0..4).prop_map(|map| map.into_iter().collect()),
            1 => vec(inner, 0..3).prop_map(Value::Array),
        ]
    })
}

/// All paths of a tree.
fn everywhere(value: &Value, at: &Path, found: &mut BTreeSet<Path>) {
    found.insert(at.clone());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| everywhere(value, &at.key(key), found)),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| everywhere(value, &at.index(index), found));
        }
        _ => {}
    }
}

fn patterns() -> impl Strategy<Value = Patterns> {
    let step = select(vec!["a", "b", "c", "*", "**", "a*", "?", "0", "1"]);
    let glob = vec(step, 1..5).prop_map(|steps| steps.join("."));
    let indexed = (select(vec!["a", "b", "*"]), select(vec!["[0]", "[1]", "[*]"])).prop_map(|(a, b)| format!("{a}{b}"));
    let expression = select(vec!["re:^a", "re:b$", "re:a\\.b", "re:\\[1\\]"]).prop_map(str::to_owned);
    vec(prop_oneof![6 => glob, 1 => indexed, 1 => expression], 1..4).prop_map(|texts| texts.join(";").parse().unwrap())
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn touched_paths_are_those_of_the_definition(old in trees(), new in trees()) {
        let mut all = BTreeSet::new();
        everywhere(&old, &Path::root(), &mut all);
        everywhere(&new, &Path::root(), &mut all);
        let expected: Vec<_> = all
            .into_iter()
            .filter(|path| match (path.find(&old), path.find(&new)) {
                (Some(Value::Object(_)), Some(Value::Object(_))) | (Some(Value::Array(_)), Some(Value::Array(_))) => false,
                (old, new) => old != new,
            })
            .collect();
        prop_assert_eq!(touched(&old, &new), expected.clone());
        let old = Tree::from(&old);
        prop_assert_eq!(touched(&old, &Tree::from(&new)), expected.clone());
        prop_assert_eq!(touched(&old, &old.grown_to(&new)), expected);
    }

    #[test]
    fn the_index_finds_whom_asking_each_would_find(
        subscribers in vec(patterns(), 0..12),
        leaving in vec(any::<bool>(), 12),
        old in trees(),
        new in trees(),
    ) {
        let mut index = Index::default();
        for (id, patterns) in subscribers.iter().enumerate() {
            index.insert(&id, patterns);
        }
        for (id, patterns) in subscribers.iter().enumerate().filter(|(id, _)| leaving[*id]) {
            index.remove(&id, patterns);
        }
        let paths = touched(&old, &new);
        let expected: Vec<_> = (0..subscribers.len())
            .filter(|id| !leaving[*id] && paths.iter().any(|path| subscribers[*id].matches(path)))
            .collect();
        prop_assert_eq!(index.touched_by(&paths), expected.clone());
        let backwards: Vec<_> = paths.into_iter().rev().collect();
        prop_assert_eq!(index.touched_by(&backwards), expected);
        for (id, patterns) in subscribers.iter().enumerate() {
            index.remove(&id, patterns);
        }
        prop_assert!(index.is_empty());
    }

    /// Against the plain definition by backtracking.
    #[test]
    fn globs_match_as_they_are_defined(
        parts in vec(select(vec!["**", "*", "a", "b", "a*", "*b", "?"]), 2..6),
        way in vec("[ab]{1,3}", 0..6),
    ) {
        fn word(pattern: &[u8], text: &[u8]) -> bool {
            match pattern.split_first() {
                None => text.is_empty(),
                Some((b'*', rest)) => (0..=text.len()).any(|skip| word(rest, &text[skip..])),
                Some((first, rest)) => {
                    text.first().is_some_and(|c| *first == b'?' || c == first) && word(rest, &text[1..])
                }
            }
        }
        fn naive(parts: &[&str], way: &[String]) -> bool {
            match parts.split_first() {
                None => way.is_empty(),
                Some((&"**", rest)) => (0..=way.len()).any(|skip| naive(rest, &way[skip..])),
                Some((first, rest)) => {
                    !way.is_empty() && word(first.as_bytes(), way[0].as_bytes()) && naive(rest, &way[1..])
                }
            }
        }
        let path: Path = way.iter().cloned().map(Segment::Key).collect();
        prop_assert_eq!(Pattern::parse(&parts.join(".")).unwrap().matches(&path), naive(&parts, &way));
    }

    /// A path as it is shown is the exact pattern of that path, and no text whatever ends the process.
    #[test]
    fn shown_paths_are_exact_patterns(steps in vec(prop_oneof![any::<String>().prop_map(Segment::Key), (0..9_usize).prop_map(Segment::Index)], 1..5)) {
        let path: Path = steps.into_iter().collect();
        if let Ok(pattern) = Pattern::parse(&path.to_string()) {
            prop_assert!(pattern.matches(&path) && Pattern::exact(&path).matches(&path));
            prop_assert!(!pattern.matches(&path.key("x")));
        } else {
            prop_assert!(path.to_string().len() > MAX_PATTERN);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}", soup in vec(select(vec!["a", ".", "*", "[", "]", "\"", "0", "re:", "(", "\\", "?"]), 0..20)) {
        let path = Path::root().key("a").index(0);
        for text in [text, soup.concat()] {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.to_string(), text);
                prop_assert_eq!(Patterns::from(pattern.clone()).matches(&path), pattern.matches(&path));
            }
        }
    }
}
