//! Trees share what is the same, are edited without touching what others hold, and read like plain values.
//! Must not depend on how the parts are stored.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::*;

fn tree(value: Value) -> Tree {
    Tree::from(&value)
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn part<'tree>(tree: &'tree Tree, at: &str) -> &'tree Tree {
    tree.find(&path(at)).unwrap()
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pool {
    size: u16,
    #[serde(default)]
    idle: Option<u16>,
    mode: Mode,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Eager,
    Lazy,
    Fixed { every: f64 },
}

fn config() -> Tree {
    tree(json!({
        "database": {
            "pool": {"size": 5, "mode": "eager"},
            "hosts": ["10.0.0.1", "10.0.0.2"],
            "password": "hunter2",
        },
        "weights": {"1": 0.5, "2": 7},
        "text": {"size": "12", "on": "Yes", "ratio": "-1.5", "wrong": "hunter2"},
    }))
}

fn read<T: DeserializeOwned>(at: &str) -> Result<T, String> {
    config().read::<T>(at).map_err(|error| error.to_string())
}

#[test]
fn values_and_whole_sections_are_read_as_types() {
    assert_eq!(read("database.pool.size"), Ok(5_u8));
    assert_eq!(read("database.pool"), Ok(Pool { size: 5, idle: None, mode: Mode::Eager }));
    assert_eq!(read("database.hosts[1]"), Ok("10.0.0.2".parse::<IpAddr>().unwrap()));
    assert_eq!(read("weights"), Ok(BTreeMap::from([(1_u32, 0.5), (2, 7.0)])));
    assert_eq!(read("nothing.here"), Ok(None::<u8>));
    assert_eq!(read::<Value>(""), Ok(config().to_value()));
}

#[test]
fn a_text_serves_where_a_number_or_a_boolean_is_asked_for() {
    assert_eq!(read("text.size"), Ok(12_i64));
    assert_eq!(read("text.size"), Ok(Some(12_u8)));
    assert_eq!(read("text.size"), Ok("12".to_owned()));
    assert_eq!(read("text.on"), Ok(true));
    assert_eq!(read("text.ratio"), Ok(-1.5_f32));
    assert_eq!(read::<i32>("text.ratio"), Err("`text.ratio` must be i32, but is of the type string".to_owned()));
}

#[test]
fn errors_name_the_path_and_the_expected_type_and_no_value() {
    let wrong = |at: &str, value: Value| {
        let mut tree = config();
        tree.set(&path(at), &value).unwrap();
        tree.read::<Pool>("database.pool").unwrap_err().to_string()
    };
    let cases = [
        ("database.pool.size", json!("hunter2"), "`database.pool.size` must be u16, but is of the type string"),
        ("database.pool.size", json!(70_000), "`database.pool.size` must be u16, and its value is something else"),
        ("database.pool.size", json!(null), "`database.pool.size` must be u16, but is of the type null"),
        (
            "database.pool.mode",
            json!("hunter2"),
            "`database.pool.mode` must be one of `eager`, `lazy`, `fixed`, and its value is something else",
        ),
        (
            "database.pool.more",
            json!("hunter2"),
            "`database.pool` has the key \"more\", which is not known; expected one of `size`, `idle`, `mode`",
        ),
    ];
    for (at, value, expected) in cases {
        assert_eq!(wrong(at, value), expected);
    }
    assert_eq!(wrong("database.pool", json!({"size": 1})), "`database.pool.mode` is missing; Pool needs it");
    assert_eq!(
        wrong("database.pool.mode", json!({"fixed": {"every": "hunter2"}})),
        "`database.pool.mode.fixed.every` must be f64, but is of the type string"
    );

    assert_eq!(read::<u8>("database.port"), Err("`database.port` is missing; expected u8".to_owned()));
    assert_eq!(read::<Vec<IpAddr>>("x"), Err("`x` is missing; expected Vec<IpAddr>".to_owned()));
    assert_eq!(read::<IpAddr>("database.password"), Err("`database.password` was refused by IpAddr".to_owned()));
    assert_eq!(
        read::<[String; 1]>("database.hosts"),
        Err("`database.hosts` must be a list of fewer items, and its value is something else".to_owned())
    );
    let malformed = read::<u8>("database..port").unwrap_err();
    assert!(malformed.starts_with("\"database..port\" is not a path"), "{malformed}");
    assert!(!format!("{:?}", config()).contains("hunter2"));
}

#[test]
fn an_edit_copies_only_the_way_to_what_it_changes() {
    let before = config();
    let mut after = before.clone();
    after.set(&path("database.pool.size"), &json!(6)).unwrap();
    after.set(&path("new.section.key"), &json!([1])).unwrap();
    after.set(&path("database.hosts[2]"), &json!("10.0.0.3")).unwrap();
    assert!(after.remove(&path("database.hosts[0]")));
    assert!(!after.remove(&path("database.nothing")));

    assert_eq!(part(&before, "database.pool.size"), &tree(json!(5)));
    assert_eq!(part(&after, "database.pool.size"), &tree(json!(6)));
    assert_eq!(part(&after, "database.hosts"), &tree(json!(["10.0.0.2", "10.0.0.3"])));
    assert_eq!(part(&after, "new"), &tree(json!({"section": {"key": [1]}})));
    assert!(part(&after, "text").is(part(&before, "text")) && !part(&after, "database").is(part(&before, "database")));
    assert!(part(&after, "database.password").is(part(&before, "database.password")));
}

#[test]
fn an_edit_that_leads_nowhere_is_refused_and_changes_nothing() {
    let mut edited = config();
    for (at, expected) in [
        (
            "database.password.x",
            "set `database.password.x`: `database.password` is of the type string and holds no keys",
        ),
        ("database[0]", "set `database[0]`: `database` is of the type object and holds no items"),
        ("database.hosts[3]", "set `database.hosts[3]`: the list `database.hosts` has 2 items"),
        ("new[0]", "set `new[0]`: the list `new` has 0 items"),
        ("", "set the whole tree: it must be a map, not integer"),
    ] {
        assert_eq!(edited.set(&path(at), &json!(1)).unwrap_err().to_string(), expected);
    }
    assert_eq!(edited, config());
    edited.set(&Path::root(), &json!({"a": 1})).unwrap();
    assert_eq!(edited, tree(json!({"a": 1})));
    assert!(edited.remove(&Path::root()) && edited == Tree::default());
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        "[ab1]{0,2}".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c.]", inner, 0..4).prop_map(Value::from_iter),
        ]
    })
}

/// Every part of a tree with its path.
fn parts<'tree>(tree: &'tree Tree, at: &Path, found: &mut Vec<(Path, &'tree Tree)>) {
    found.push((at.clone(), tree));
    match tree {
        Tree::Map(entries) => entries.iter().for_each(|(key, part)| parts(part, &at.key(key.as_ref()), found)),
        Tree::List(items) => items.iter().enumerate().for_each(|(index, part)| parts(part, &at.index(index), found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(crate::cases::cases(256))]

    #[test]
    fn a_tree_is_its_value(value in any_value()) {
        prop_assert_eq!(tree(value.clone()).to_value(), value.clone());
        prop_assert_eq!(tree(value.clone()).read::<Value>("").unwrap(), value);
    }

    #[test]
    fn what_is_the_same_in_a_new_version_is_shared(old in any_value(), new in any_value()) {
        let (old, grown) = (tree(old), tree(Value::Null).grown_to(&new));
        let next = old.grown_to(&new);
        prop_assert_eq!(&next, &grown);
        let mut all = Vec::new();
        parts(&next, &Path::root(), &mut all);
        for (path, part) in all {
            if let Some(before) = old.find(&path).filter(|before| *before == part) {
                prop_assert!(part.is(before), "{} is the same and not shared", path);
            }
            prop_assert_eq!(next.find_text(&path.to_string()).unwrap(), Some(part));
        }
    }

    #[test]
    fn a_change_touches_the_same_in_a_tree_as_in_its_value(old in any_value(), new in any_value()) {
        use crate::subscribe::touched;
        let before = tree(old.clone());
        prop_assert_eq!(touched(&before, &before.grown_to(&new)), touched(&old, &new));
        prop_assert_eq!(touched(&before, &tree(new.clone())), touched(&old, &new));
    }

    #[test]
    fn an_edit_gives_the_same_as_on_a_plain_value(value in any_value(), new in any_value(), at in any::<prop::sample::Index>()) {
        let whole = json!({"k": value});
        let before = tree(whole.clone());
        let mut all = Vec::new();
        parts(&before, &Path::root(), &mut all);
        let (at, _) = &all[at.index(all.len())];
        prop_assume!(!at.is_root());

        let mut edited = before.clone();
        edited.set(at, &new).unwrap();
        let mut plain = whole.clone();
        let place = at.segments().iter().fold(&mut plain, |place, segment| match segment {
            Segment::Key(key) => &mut place[key],
            Segment::Index(index) => &mut place[index],
        });
        *place = new;
        prop_assert_eq!(edited.to_value(), plain);
        prop_assert_eq!(before.to_value(), whole);
    }
}
