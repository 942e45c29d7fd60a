//! Summaries of real documents: what is counted, what is named, what needs a version.
//! Must not look at values.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::document::Documents;
use crate::format::Dialect;

fn configuration(entries: &[(&str, &[u8])]) -> Configuration {
    let entries = entries.iter().map(|(name, content)| {
        (DocumentName::parse(*name).unwrap_or_else(|error| panic!("{error}")), Bytes::copy_from_slice(content))
    });
    let documents = Documents::from_ordered(entries.collect()).unwrap();
    Configuration::parse(documents, Dialect::Yaml12).unwrap()
}

/// The counts and the paths, and whether a version is needed; the two must not contradict each other.
fn compared(old: &[(&str, &[u8])], new: &[(&str, &[u8])]) -> String {
    let (old, new) = (configuration(old), configuration(new));
    let summary = Summary::between(Some(&old), &new);
    assert_eq!(summary.is_empty(), !effective_change(&old, &new), "{summary:?}");
    let back = Summary::between(Some(&new), &old);
    assert_eq!((summary.added, summary.removed, summary.changed), (back.removed, back.added, back.changed));
    format!("{summary} {}", summary.paths.join(" ")).trim_end().to_owned()
}

#[test]
fn values_are_counted_and_their_paths_listed_in_order() {
    let old = b"pool: {size: 5, idle: 1}\nname: a\n";
    let new = b"pool: {size: 9}\nname: a\nlimits: {low: 1, high: 2, extra: {}}\n";
    let found = compared(&[("app.yaml", old)], &[("app.yaml", new)]);
    assert_eq!(found, "+3 -1 ~1 limits.extra limits.high limits.low pool.idle pool.size");
}

#[test]
fn a_first_configuration_is_all_new() {
    let new = configuration(&[("app.yaml", b"a: 1\nb: [1, 2]\n"), ("logo", &[0xff])]);
    let summary = Summary::between(None, &new);
    assert_eq!((summary.added, summary.removed, summary.changed), (4, 0, 0));
    assert_eq!(summary.paths, ["a", "b[0]", "b[1]", "logo"]);
    assert!(!summary.truncated);
    assert!(Summary::between(None, &configuration(&[])).is_empty());
}

#[test]
fn an_edit_that_no_reader_sees_is_no_change() {
    let old: &[(&str, &[u8])] = &[("app.yaml", b"a: 1\nb: x\n"), ("web.json", b"{\"c\":1,\"d\":2}")];
    let new: &[(&str, &[u8])] = &[("app.yaml", b"# why\nb: \"x\"\na:   1\n"), ("web.json", b"{\"d\": 2, \"c\": 1}\n")];
    assert_ne!(configuration(old).digest(), configuration(new).digest());
    assert_eq!(compared(old, new), "+0 -0 ~0");
}

#[test]
fn documents_beside_the_tree_are_named() {
    let old: &[(&str, &[u8])] = &[("a.yaml", b"k: 1"), ("notes", b"x"), ("logo", &[0xff]), ("list.yaml", b"- 1")];
    let new: &[(&str, &[u8])] = &[("a.yaml", b"k: 2"), ("notes", b"y"), ("icon", &[0xfe]), ("list.yaml", b"- 2")];
    assert_eq!(compared(old, new), "+1 -1 ~3 k icon list.yaml logo notes");
    assert_eq!(compared(&[("n.yaml", b"- 1")], &[("n.yaml", b"[1] # the same")]), "+0 -0 ~0");
    assert_eq!(compared(&[("n", b"text")], &[("n", &[0xff])]), "+0 -0 ~1 n");
}

#[test]
fn a_document_that_leaves_or_enters_the_tree_is_named() {
    assert_eq!(compared(&[("a.yaml", b"k: 1")], &[("a.yaml", b"- 1")]), "+0 -1 ~1 k a.yaml");
}

#[test]
fn a_renamed_document_is_a_change_although_the_tree_is_the_same() {
    assert_eq!(compared(&[("a.yaml", b"k: 1")], &[("b.yaml", b"k: 1")]), "+1 -1 ~0 a.yaml b.yaml");
    let moved =
        compared(&[("a.yaml", b"k: 1\nl: 2"), ("b.yaml", b"m: 3")], &[("a.yaml", b"k: 1"), ("b.yaml", b"m: 3\nl: 2")]);
    assert_eq!(moved, "+0 -0 ~2 a.yaml b.yaml");
}

#[test]
fn a_value_that_another_document_covers_still_needs_a_version() {
    let over: (&str, &[u8]) = ("z.yaml", b"k: 9");
    assert_eq!(compared(&[("a.yaml", b"k: 1"), over], &[("a.yaml", b"k: 2"), over]), "+0 -0 ~1 a.yaml");
}

#[test]
fn documents_merged_in_another_order_are_the_same_configuration() {
    let one = configuration(&[("a.yaml", b"k: 1"), ("b.yaml", b"k: 2")]);
    let other = configuration(&[("b.yaml", b"k: 2"), ("a.yaml", b"k: 1")]);
    assert!(!effective_change(&one, &other));
}

#[test]
fn a_summary_stays_small() {
    let key = "ä".repeat(1000);
    let many: String = (0..60).map(|number| format!("k{number:02}: 1\n")).collect();
    let text = format!("{key}: 1\n{many}");
    let summary = Summary::between(None, &configuration(&[("app.yaml", text.as_bytes())]));
    assert_eq!((summary.added, summary.paths.len(), summary.truncated), (61, MAX_PATHS, true));
    assert_eq!(summary.paths[..2], ["k00", "k01"]);

    let summary = Summary::between(None, &configuration(&[("app.yaml", format!("{key}: 1\n").as_bytes())]));
    assert_eq!(summary.paths[0].chars().count(), MAX_PATH_LENGTH);
    assert!(summary.paths[0].ends_with("ä…") && !summary.truncated);
}

fn any_configuration() -> impl Strategy<Value = Configuration> {
    let entry = ("[ab]\\.(yaml|json|txt)", prop_oneof!["\\{\"[ab]\": [01]\\}", "\\{\"[ab]\": \\[[01]\\]\\}", "[01]"]);
    proptest::collection::btree_map(entry.0, entry.1, 0..4).prop_map(|entries| {
        let entries: Vec<_> = entries.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        configuration(&entries)
    })
}

proptest! {
    #[test]
    fn a_version_is_needed_exactly_if_the_summary_is_not_empty(old in any_configuration(), new in any_configuration()) {
        prop_assert_eq!(effective_change(&old, &new), !Summary::between(Some(&old), &new).is_empty());
        prop_assert!(Summary::between(Some(&new), &new).is_empty());
        prop_assert!(!effective_change(&old, &old));
    }
}
