//! `.env`: the grammar by table, refusals with places, and dotenvy as the oracle.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::document::DocumentName;
use crate::finding::Position;
use crate::format::tests::soup;

fn message(text: &str) -> Vec<String> {
    let name = DocumentName::parse(".env").unwrap();
    let problems = parse(text).unwrap_err();
    let findings = problems.into_iter().map(|problem| problem.into_finding(&name).to_string());
    findings.map(|finding| finding.trim_start_matches(".env:").to_owned()).collect()
}

#[test]
fn lines_are_read_as_the_common_libraries_read_them() {
    let rows = [
        ("", json!({})),
        ("\n# c\n  # d\n", json!({})),
        ("A=1", json!({"A": "1"})),
        ("  A = 1  \n", json!({"A": "1"})),
        ("A=", json!({"A": ""})),
        ("A=  # nothing", json!({"A": ""})),
        ("A=#x", json!({"A": ""})),
        ("A=a#b", json!({"A": "a#b"})),
        ("A=a b # c", json!({"A": "a b"})),
        ("A=a=b", json!({"A": "a=b"})),
        ("export A=1\nexport\tB=2", json!({"A": "1", "B": "2"})),
        ("export=1", json!({"export": "1"})),
        ("export = 1", json!({"export": "1"})),
        ("exported=1", json!({"exported": "1"})),
        ("a.b-c_D9=1", json!({"a.b-c_D9": "1"})),
        ("A=${HOME} $HOME `x`", json!({"A": "${HOME} $HOME `x`"})),
        ("A=\"${HOME}\"", json!({"A": "${HOME}"})),
        ("A=C:\\dir\\n", json!({"A": "C:\\dir\\n"})),
        ("A=it's", json!({"A": "it's"})),
        ("A='a \"b\" \\n # c' # d", json!({"A": "a \"b\" \\n # c"})),
        ("A=\"a\\n\\r\\t\\\\\\\"\\'\\$ # c\"\t# d", json!({"A": "a\n\r\t\\\"'$ # c"})),
        ("A=\"a\r\nb\nc\"\r\nB='x\ny'\r\n", json!({"A": "a\nb\nc", "B": "x\ny"})),
        ("A=\"a\rb\"\n", json!({"A": "a\rb"})),
        ("A=1\r\nB=2\r\n", json!({"A": "1", "B": "2"})),
        ("A=ü", json!({"A": "ü"})),
    ];
    for (text, expected) in rows {
        assert_eq!(parse(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn broken_lines_are_all_told_with_their_place() {
    let rows: [(&str, &[&str]); 10] = [
        ("A", &["1:2: a `=` is missing after the key (Syntax)"]),
        ("A: 1", &["1:2: a `=` is missing after the key (Syntax)"]),
        ("=1", &["1:1: a key is missing here (Syntax)"]),
        ("1A=1\nexport =\nexport 2", &["1:1: a key is missing here (Syntax)", "3:8: a key is missing here (Syntax)"]),
        ("A='x", &["1:3: the quoted text is not closed (Syntax)"]),
        ("\nA=\"x\nB=1\n", &["2:3: the quoted text is not closed (Syntax)"]),
        ("A=\"x\"y", &["1:6: nothing but a comment may follow the closing quote (Syntax)"]),
        ("A=\"\\x\"", &["1:4: the quoted text contains an escape that is not known (Syntax)"]),
        ("A=\"x\" \rB=1", &["1:7: nothing but a comment may follow the closing quote (Syntax)"]),
        ("A=1\n B=2\nA=3", &["3:1: A: the key occurs twice in this map (DuplicateKey)"]),
    ];
    for (text, expected) in rows {
        assert_eq!(message(text), expected, "{text:?}");
    }
}

#[test]
fn places_are_those_of_keys_and_values() {
    let text = "# c\nexport A = 'x'\nB=y\n";
    let places = places(text);
    assert_eq!(places.find(&Path::root().key("A")), Position { line: 2, column: 12 });
    assert_eq!(places.find(&Path::root().key("B")), Position { line: 3, column: 3 });
    assert_eq!(places.find(&Path::root().key("C")), Position { line: 1, column: 1 });
}

fn theirs(text: &str) -> Result<Value, dotenvy::Error> {
    let pairs = dotenvy::from_read_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    Ok(Value::Object(pairs.into_iter().map(|(key, value)| (key, Value::String(value))).collect()))
}

/// Where dotenvy reads something else, or refuses, or accepts what we refuse.
#[test]
fn the_known_differences_from_dotenvy() {
    let rows = [
        ("A=x$NOPE_", Some(json!({"A": "x_"})), Some(json!({"A": "x$NOPE_"})), "substitutes from the environment"),
        ("A=1\nA=2", Some(json!({"A": "2"})), None, "takes keys twice"),
        ("a-b=1", None, Some(json!({"a-b": "1"})), "has no `-` in keys"),
        ("A=a b", None, Some(json!({"A": "a b"})), "wants quotes around white space"),
        ("A=a\\ b", Some(json!({"A": "a b"})), Some(json!({"A": "a\\ b"})), "escapes outside of quotes"),
        ("A=it's", None, Some(json!({"A": "it's"})), "quotes in the middle"),
        ("A=\"x\"y", Some(json!({"A": "xy"})), None, "joins pieces as a shell does"),
        ("A=\"\\t\"", None, Some(json!({"A": "\t"})), "knows fewer escapes"),
        ("A=\"x\r\ny\"", Some(json!({"A": "x\r\ny"})), Some(json!({"A": "x\ny"})), "keeps the carriage return"),
    ];
    for (text, expected_there, expected_here, why) in rows {
        assert_eq!(theirs(text).ok(), expected_there, "{text:?} there: {why}");
        assert_eq!(parse(text).ok(), expected_here, "{text:?} here: {why}");
    }
}

/// Lines of the grammar that dotenvy and we share.
fn shared_lines() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        "[a-z0-9=#./:]{0,8}".prop_filter("a comment", |value| !value.starts_with('#')),
        "'[a-z \"#\n=]{0,8}'",
        "\"[a-z '#\n=]{0,8}(\\\\n)?(\\\\\")?\"",
    ];
    let line = ("(export )?", "[A-Z_][A-Z0-9_.]{0,6}", "( ?=| = )", value, "( # [a-z]{0,4})?");
    let line =
        line.prop_map(|(export, key, equals, value, comment)| format!("{export}{key}{equals}{value}{comment}\n"));
    proptest::collection::vec(
        prop_oneof![4 => line, 1 => Just("# note\n".to_owned()), 1 => Just("\n".to_owned())],
        0..8,
    )
    .prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(soup::cases(800))]

    #[test]
    fn dotenvy_agrees_on_the_shared_grammar(text in shared_lines()) {
        match (parse(&text), theirs(&text)) {
            (Ok(ours), theirs) => prop_assert_eq!(theirs.ok(), Some(ours), "{:?}", text),
            (Err(problems), _) => {
                let name = DocumentName::parse(".env").unwrap();
                for problem in problems {
                    prop_assert_eq!(problem.into_finding(&name).rule, Rule::DuplicateKey, "{:?}", text);
                }
            }
        }
    }
}
