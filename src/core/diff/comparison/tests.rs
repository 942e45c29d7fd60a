//! The guided comparison and its four formats: laws on arbitrary values, and how each format looks.
//! A JSON Patch is applied by somebody else's library, a unified diff by the rules of `patch`.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cases::cases;
use crate::diff::{Color, MAX_IDENTIFIED, MAX_SHOWN, values};
use crate::redact::Redaction;

fn guide() -> Guide {
    let hosts = || Guide::default().identified_by(["name"]);
    let nested = Guide::default().key("ports", hosts());
    Guide::default().key("hosts", hosts().items(nested)).key("key", Guide::default().secret())
}

fn found(old: &Value, new: &Value) -> Vec<String> {
    Comparison::of(old, new, &guide()).sorted().iter().map(|difference| format!("{difference:?}")).collect()
}

fn patched(old: &Value, comparison: &Comparison<'_>) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(serde_json::to_value(comparison.patch()).unwrap()).unwrap();
    let mut patched = old.clone();
    json_patch::patch(&mut patched, &patch).unwrap();
    patched
}

fn named(names: &str) -> Value {
    names.chars().map(|name| json!({"name": name.to_string()})).collect()
}

#[test]
fn an_item_that_moved_is_told_once_and_what_changed_in_it_as_well() {
    let old = json!({"hosts": [{"name": "a", "port": 1}, {"name": "b", "port": 2}, {"name": "c"}]});
    let new = json!({"hosts": [{"name": "n"}, {"name": "c"}, {"name": "a", "port": 9}]});
    let expected =
        ["added hosts[0]", "removed hosts[1]", "moved hosts[2] -> hosts[1]", "changed hosts[0].port -> hosts[2].port"];
    assert_eq!(found(&old, &new), expected);
}

#[test]
fn what_is_put_before_others_moves_nobody_and_few_move() {
    let moves = |old: &str, new: &str| {
        let (old, new) = (json!({"hosts": named(old)}), json!({"hosts": named(new)}));
        let guide = guide();
        let comparison = Comparison::of(&old, &new, &guide);
        assert_eq!(patched(&old, &comparison), new);
        let counts = comparison.statistics();
        (counts.added, counts.removed, counts.moved)
    };
    assert_eq!(moves("abc", "xabc"), (1, 0, 0));
    assert_eq!(moves("abcdef", "bcdefa"), (0, 0, 1), "the first went to the end");
    assert_eq!(moves("abcdef", "fabcde"), (0, 0, 1), "the last came to the front");
    assert_eq!(moves("abc", "cba"), (0, 0, 2));
    assert_eq!(moves("abcd", "bxd"), (1, 2, 0));
}

#[test]
fn items_without_an_identity_of_their_own_are_compared_by_index() {
    for (old, new) in [
        (json!([{"name": "a"}, {"name": "a"}]), json!([{"name": "a"}])),
        (json!([{"name": "a"}, {}]), json!([{"name": "a"}])),
        (json!([{"name": "a"}, {"name": ["a"]}]), json!([{"name": "a"}])),
        (json!([{"name": "a"}, 1]), json!([{"name": "a"}])),
        (json!(vec![0; MAX_IDENTIFIED + 1]), json!(vec![0; MAX_IDENTIFIED])),
    ] {
        let last = old.as_array().unwrap().len() - 1;
        assert_eq!(found(&json!({"hosts": old}), &json!({"hosts": new})), [format!("removed hosts[{last}]")]);
    }
    // A text and a number are not the same identity.
    assert_eq!(found(&json!({"hosts": [{"name": 1}]}), &json!({"hosts": [{"name": "1"}]})).len(), 2);
}

#[test]
fn statistics_count_differences_and_what_stayed() {
    let old = json!({"a": 1, "b": {"c": 1, "d": [1, 2]}, "e": {}, "f": "x", "g": 1});
    let new = json!({"a": 1, "b": {"c": 2, "d": [1, 2, 3]}, "e": {}, "f": 1});
    let guide = Guide::default();
    let counts = Comparison::of(&old, &new, &guide).statistics();
    let expected = Statistics {
        added: 1,
        removed: 1,
        changed: 1,
        type_changed: 1,
        moved: 0,
        old_values: 7,
        new_values: 7,
        unchanged: 4,
    };
    assert_eq!(counts, expected);
    assert_eq!((counts.total(), counts.to_string()), (4, "+1 -1 ~2 >0".to_owned()));
}

#[test]
fn no_format_shows_a_secret() {
    let old =
        json!({"key": "hunter2", "db": {"password": "hunter2"}, "hosts": [{"name": "a", "token": "hunter2"}], "n": 1});
    let new = json!({"key": ["horse"], "db": {"password": "horse"}, "hosts": [{"name": "b", "token": "horse"}], "n": 2,
                     "all": {"secret": {"deep": "horse"}}});
    let guide = guide();
    let comparison = Comparison::of(&old, &new, &guide);
    let redaction = Redaction::usual().and_guide(guide.clone());
    let shown = [
        comparison.unified("a", "b", &redaction),
        comparison.outline(&redaction, Color::Ansi),
        comparison.markdown(&redaction),
        serde_json::to_string(&comparison.shown_patch(&redaction)).unwrap(),
        format!("{:?}", comparison.patch()),
    ];
    for text in &shown {
        assert!(!text.contains("hunter2") && !text.contains("horse"), "{text}");
    }
    for text in &shown[..4] {
        assert!(text.contains("(redacted)"), "{text}");
    }
    assert!(serde_json::to_string(&comparison.patch()).unwrap().contains("horse"), "the patch to apply is whole");
    let debug = format!("{:?} {comparison:?}", comparison.sorted());
    assert!(!debug.contains("hunter2") && !debug.contains("horse"), "{debug}");
}

#[test]
fn the_outline_shows_each_change_at_its_place() {
    let old = json!({"db": {"host": "a", "port": 1}, "hosts": [{"name": "x"}, {"name": "y"}], "gone": [1]});
    let new =
        json!({"db": {"host": "b", "port": "1"}, "hosts": [{"name": "y"}, {"name": "x"}], "new\u{1b}[2J": "\u{202e}"});
    let guide = guide();
    let outline = Comparison::of(&old, &new, &guide).outline(&Redaction::usual(), Color::Never);
    let expected = "\
├─ db
│  ├─ ~ host: \"a\" → \"b\"
│  └─ ~ port: 1 → \"1\"
├─ - gone: [1]
├─ hosts
│  └─ > [0]: moved from [1]
└─ + new\\u001b[2J: \"\\u202e\"
";
    assert_eq!(outline, expected);
}

#[test]
fn a_table_survives_what_is_in_it() {
    let old = json!({"a|b": "`` | `", "c": "x"});
    let new = json!({"a|b": "line\nbreak", "c": "y".repeat(500)});
    let guide = Guide::default();
    let markdown = Comparison::of(&old, &new, &guide).markdown(&Redaction::none());
    let rows: Vec<_> = markdown.lines().skip(4).collect();
    assert_eq!(rows[0], "| changed | `[\"a\\|b\"]` | ``` \"`` \\| `\" ``` | `\"line\\nbreak\"` |");
    assert!(rows[1].ends_with("…` |") && rows[1].chars().count() < 200, "{}", rows[1]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn long_lists_of_differences_are_cut_and_say_so() {
    let (old, new) = (json!({}), (0..MAX_SHOWN + 7).map(|n| (n.to_string(), json!(n))).collect::<Value>());
    let guide = Guide::default();
    let comparison = Comparison::of(&old, &new, &guide);
    assert!(comparison.outline(&Redaction::none(), Color::Never).ends_with("… and 7 more\n"));
    assert!(comparison.markdown(&Redaction::none()).ends_with("… and 7 more.\n"));
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        "[ab~/\\n#: ]{0,3}".prop_map(Value::from),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c.~/]|yes", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// A list of items of which some have a name of their own, in any order.
fn hosts() -> impl Strategy<Value = Value> {
    let ports = proptest::sample::subsequence(vec!['p', 'q', 'r'], 0..=3).prop_shuffle();
    let item = (proptest::option::of(scalar()), proptest::option::of(ports)).prop_map(|(value, ports)| {
        let ports = ports.map(|ports| named(&ports.into_iter().collect::<String>()));
        let members = [("v", value), ("ports", ports)];
        members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Value>()
    });
    let names = proptest::sample::subsequence(('a'..='h').collect::<Vec<_>>(), 0..=8).prop_shuffle();
    (names, proptest::collection::vec(item, 8)).prop_map(|(names, items)| {
        let named = names.into_iter().zip(items).map(|(name, mut item)| {
            item["name"] = json!(name.to_string());
            item
        });
        named.collect()
    })
}

fn any_tree() -> impl Strategy<Value = Value> {
    prop_oneof![
        any_value(),
        (hosts(), any_value(), any_value()).prop_map(|(hosts, a, key)| json!({"hosts": hosts, "a": a, "key": key})),
    ]
}

/// Applies a unified diff as `patch` does: by line numbers, each context line compared.
fn apply_unified(old: &str, diff: &str) -> String {
    let old: Vec<&str> = old.lines().collect();
    let (mut result, mut at) = (Vec::new(), 0);
    for line in diff.lines().skip(2) {
        if let Some(positions) = line.strip_prefix("@@ -") {
            let range = positions.split(' ').next().unwrap();
            let (start, count) = range.split_once(',').unwrap_or((range, "1"));
            let start = start.parse::<usize>().unwrap() - usize::from(count != "0");
            result.extend_from_slice(&old[at..start]);
            at = start;
        } else if let Some(new) = line.strip_prefix('+') {
            result.push(new);
        } else {
            assert_eq!(old[at], &line[1..], "{diff}");
            if line.starts_with(' ') {
                result.push(old[at]);
            }
            at += 1;
        }
    }
    result.extend_from_slice(&old[at..]);
    result.join("\n")
}

/// The whole text of a value, as a diff from nothing shows it.
fn text_of(value: &Value, guide: &Guide) -> String {
    let nothing = if value == &json!("nothing") { json!("else") } else { json!("nothing") };
    let diff = Comparison::of(&nothing, value, guide).unified("a", "b", &Redaction::none());
    diff.lines().skip(4).map(|line| &line[1..]).collect::<Vec<_>>().join("\n")
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_patch_gives_the_new_value(old in any_tree(), new in any_tree()) {
        let guide = guide();
        let comparison = Comparison::of(&old, &new, &guide);
        prop_assert_eq!(patched(&old, &comparison), new.clone());
        prop_assert_eq!(comparison.is_empty(), old == new);
    }

    #[test]
    fn without_a_guide_it_is_the_plain_comparison(old in any_tree(), new in any_tree()) {
        let guide = Guide::default();
        let comparison = Comparison::of(&old, &new, &guide);
        let guided: Vec<_> = comparison.sorted().iter().map(|it| (it.path().clone(), it.kind)).collect();
        let plain: Vec<_> = values(&old, &new).into_iter().map(|entry| {
            let kind = match entry.change {
                Change::Added(_) => Kind::Added,
                Change::Removed(_) => Kind::Removed,
                Change::Changed(..) => Kind::Changed,
                Change::TypeChanged(..) => Kind::TypeChanged,
            };
            (entry.path, kind)
        }).collect();
        prop_assert_eq!(guided, plain);
    }

    #[test]
    fn a_unified_diff_gives_the_new_text(old in any_tree(), new in any_tree()) {
        let guide = guide();
        let diff = Comparison::of(&old, &new, &guide).unified("old", "new", &Redaction::none());
        prop_assert_eq!(diff.is_empty(), old == new);
        prop_assert_eq!(apply_unified(&text_of(&old, &guide), &diff), text_of(&new, &guide));
    }

    #[test]
    fn the_text_of_a_unified_diff_is_yaml(value in any_tree()) {
        let read: Value = serde_yaml::from_str(&text_of(&value, &guide())).unwrap();
        prop_assert_eq!(read, value);
    }

    #[test]
    fn every_format_takes_whatever_there_is(old in any_tree(), new in any_tree()) {
        let guide = guide();
        let comparison = Comparison::of(&old, &new, &guide);
        let redaction = Redaction::usual().and_guide(guide.clone());
        let rows = comparison.markdown(&redaction).lines().filter(|line| line.starts_with("| ")).count();
        prop_assert_eq!(rows, if comparison.is_empty() { 0 } else { comparison.statistics().total() + 1 });
        let outline = comparison.outline(&redaction, Color::Never);
        prop_assert_eq!(outline.is_empty(), comparison.is_empty());
        prop_assert_eq!(outline.find('\u{1b}'), None);
    }
}
