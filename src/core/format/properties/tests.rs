//! `.properties`: the grammar of java.util.Properties by table, nesting, refusals with places.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::document::DocumentName;
use crate::finding::Position;

fn message(text: &str) -> Vec<String> {
    let name = DocumentName::parse("a.properties").unwrap();
    let problems = parse(text).unwrap_err();
    let findings = problems.into_iter().map(|problem| problem.into_finding(&name).to_string());
    findings.map(|finding| finding.trim_start_matches("a.properties:").to_owned()).collect()
}

/// Each row is what `Properties.load` gives, with dotted keys nested.
#[test]
fn lines_are_read_as_java_reads_them() {
    let rows = [
        ("", json!({})),
        ("# c\n! d\n \t# e\n\n \n", json!({})),
        ("Truth = Beauty", json!({"Truth": "Beauty"})),
        (" Truth:Beauty", json!({"Truth": "Beauty"})),
        ("Truth                    :Beauty", json!({"Truth": "Beauty"})),
        ("Truth Beauty", json!({"Truth": "Beauty"})),
        ("Truth\t=\x0c Beauty", json!({"Truth": "Beauty"})),
        ("cheeses", json!({"cheeses": ""})),
        ("a==b", json!({"a": "=b"})),
        ("a = : b", json!({"a": ": b"})),
        ("a b=c", json!({"a": "b=c"})),
        ("a=b  ", json!({"a": "b  "})),
        ("a=# b", json!({"a": "# b"})),
        ("fruits  apple, banana, \\\n        pear, \\\r\n    mango", json!({"fruits": "apple, banana, pear, mango"})),
        ("a=b\\\\\nc=d", json!({"a": "b\\", "c": "d"})),
        ("a=b\\\r# c", json!({"a": "b# c"})),
        ("a=b\\\n\nc=d", json!({"a": "b", "c": "d"})),
        ("a\\\n  =b", json!({"a": "b"})),
        ("a=b\\", json!({"a": "b"})),
        ("# c \\\na=b", json!({"a": "b"})),
        ("\\:\\=\\ \\#k=v", json!({":= #k": "v"})),
        ("a\\=b c", json!({"a=b": "c"})),
        ("a=\\t\\n\\r\\f\\q\\\"", json!({"a": "\t\n\r\x0cq\""})),
        ("a=\\u00e9\\u0041 é", json!({"a": "éA é"})),
        ("a=\\ud83d\\ude00", json!({"a": "\u{1F600}"})),
        ("a=1\rb=2\r\nc=3", json!({"a": "1", "b": "2", "c": "3"})),
        ("a=\\ b", json!({"a": " b"})),
        ("=x", json!({"": "x"})),
        ("log.level=info\nlog.file.name = x", json!({"log": {"level": "info", "file": {"name": "x"}}})),
        ("a..b=1\n.c=2\nd.=3", json!({"a": {"": {"b": "1"}}, "": {"c": "2"}, "d": {"": "3"}})),
    ];
    for (text, expected) in rows {
        assert_eq!(parse(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn broken_lines_are_all_told_with_their_place() {
    let section = "the key is a value and the beginning of other keys at once (DuplicateKey)";
    let rows: [(&str, Vec<String>); 9] = [
        ("a=1\nb=2\na=3", vec!["3:1: a: the key occurs twice in this map (DuplicateKey)".to_owned()]),
        ("a.b=1\na\\u002eb=2", vec!["2:1: a.b: the key occurs twice in this map (DuplicateKey)".to_owned()]),
        ("a=1\na.b=2", vec![format!("2:1: a.b: {section}")]),
        ("a.b.c=1\n a.b=2", vec![format!("2:2: a.b: {section}")]),
        ("a=\\u00g0", vec!["1:3: `\\u` takes four hexadecimal digits (Syntax)".to_owned()]),
        (
            "a=\\u00\nb=1\n\\u=1",
            vec![
                "1:3: `\\u` takes four hexadecimal digits (Syntax)".to_owned(),
                "3:1: `\\u` takes four hexadecimal digits (Syntax)".to_owned(),
            ],
        ),
        ("a=\\ud800", vec!["1:3: the escape is half of a surrogate pair (Syntax)".to_owned()]),
        ("a=\\ud800\\u0041", vec!["1:3: the escape is half of a surrogate pair (Syntax)".to_owned()]),
        ("a \\u12", vec!["1:3: `\\u` takes four hexadecimal digits (Syntax)".to_owned()]),
    ];
    for (text, expected) in rows {
        assert_eq!(message(text), expected, "{text:?}");
    }
    let deep = |parts: usize| format!("{}=1", vec!["a"; parts].join("."));
    assert!(parse(&deep(64)).is_ok());
    for parts in [65, 500_000] {
        assert!(message(&deep(parts))[0].ends_with("nested deeper than 64 levels (TooDeep)"));
    }
}

#[test]
fn places_are_those_of_values_and_first_keys() {
    let text = "# c\nb = 1\na.y.z = 2\na.x = 3\nab = 4\na-b.c = 5\n";
    let places = places(text);
    let rows = [
        (Path::root(), (1, 1)),
        (Path::root().key("b"), (2, 5)),
        (Path::root().key("a"), (3, 1)),
        (Path::root().key("a").key("y"), (3, 1)),
        (Path::root().key("a").key("y").key("z"), (3, 9)),
        (Path::root().key("a").key("x"), (4, 7)),
        (Path::root().key("a").key("missing"), (3, 1)),
        (Path::root().key("ab"), (5, 6)),
        (Path::root().key("a-b").key("c"), (6, 9)),
    ];
    for (path, (line, column)) in rows {
        assert_eq!(places.find(&path), Position { line, column }, "{path}");
    }
    let deep = format!("{}=1", vec!["a"; 500_000].join("."));
    assert_eq!(super::places(&deep).find(&Path::root()), Position { line: 1, column: 1 });
}

/// Writes a text so that every character of it is escaped or harmless.
fn written(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            'a'..='z' | '.' => vec![c],
            _ => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.flat_map(|unit| format!("\\u{unit:04X}").chars().collect::<Vec<_>>()).collect()
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(crate::format::tests::soup::cases(1000))]

    #[test]
    fn what_is_written_is_read_back(
        entries in proptest::collection::btree_map("\\PC{1,6}", "\\PC{0,8}", 0..8),
        separator in "( ?[=:] ?| )",
    ) {
        let text: String =
            entries.iter().map(|(key, value)| format!("{}{separator}{}\n", written(key), written(value))).collect();
        let mut expected = Map::new();
        // Keys that are a section of one another are refused; the table above holds them.
        let clash = |key: &str| entries.keys().any(|other| other.starts_with(&format!("{key}.")));
        prop_assume!(!entries.keys().any(|key| clash(key)));
        for (key, value) in &entries {
            insert(&mut expected, key, value.clone()).unwrap();
        }
        prop_assert_eq!(parse(&text), Ok(Value::Object(expected)), "{}", text);
    }
}
