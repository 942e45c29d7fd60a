//! TOML: values, refusals with places, and what would break the parser beneath.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::document::DocumentName;
use crate::finding::Position;
use crate::format::tests::soup;
use crate::value::Path;

const TOKENS: &[&str] = &[
    "a",
    "b",
    ".",
    " = ",
    "=",
    "\n",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ", ",
    "1",
    "01",
    "1.5",
    "'",
    "'''",
    "\"",
    "\"\"\"",
    "\\",
    "# c\n",
    "true",
    "inf",
    "nan",
    "1979-05-27",
    "T07:32:00Z",
    "0xFF",
    "1_0",
    "é",
    " ",
    "\t",
    "\r\n",
    "a = 1\n",
    "[a.b]\n",
    "[[c]]\n",
    "x.y.z = 'q'\n",
];

const SEEDS: &[&str] = &[
    "a = 1\nb = [1, 2.5, \"x\"]\n[t.u]\nc = { d = 1, e.f = true }\n[[l]]\ng = 1979-05-27T07:32:00Z\n[[l]]\n",
    "m = '''\nraw\n'''\nn = \"\"\"\na \\\n  b\"\"\"\n\"q k\" = 'v'\n",
];

fn message(text: &str) -> String {
    let name = DocumentName::parse("a.toml").unwrap();
    let problems = parse(text).unwrap_err();
    problems.into_iter().next().unwrap().into_finding(&name).to_string().trim_start_matches("a.toml:").to_owned()
}

#[test]
fn values_are_those_of_json_and_times_are_text() {
    let text = "i = -7\nu = 18446744073709551615\nh = 0xF_F\no = 0o17\nb = 0b11\nf = 6.5e-1\ny = true\ns = \"\\u00e9\"\n\
                odt = 1979-05-27 07:32:00.5-07:00\nldt = 1979-05-27T07:32:00\nd = 1979-05-27\nt = 07:32:00\n\
                l = [[1], []]\nx.y = 1\n[x.z]\nw = {}\n[[p]]\nq = 1\n[[p]]\n";
    let expected = json!({
        "i": -7, "u": u64::MAX, "h": 255, "o": 15, "b": 3, "f": 0.65, "y": true, "s": "é",
        "odt": "1979-05-27T07:32:00.5-07:00", "ldt": "1979-05-27T07:32:00", "d": "1979-05-27", "t": "07:32:00",
        "l": [[1], []], "x": {"y": 1, "z": {"w": {}}}, "p": [{"q": 1}, {}],
    });
    assert_eq!(parse(text), Ok(expected));
    assert_eq!(parse(""), Ok(json!({})));
}

#[test]
fn broken_toml_is_explained_where_it_breaks() {
    let rows = [
        ("a = 1\na = 2", "2:1: the key occurs twice in this map (DuplicateKey)"),
        ("[a]\nb = 1\n[a]", "3:2: the key occurs twice in this map (DuplicateKey)"),
        ("a = 1\na.b = 2", "2:1: the key has a value already that no key can be added to (DuplicateKey)"),
        ("a = {}\na.b = 2", "2:1: the key has a value already that no key can be added to (DuplicateKey)"),
        ("a = word", "1:5: this is no value of TOML; text stands in quotes (Syntax)"),
        ("a", "1:2: the key has no value (Syntax)"),
        ("a = ", "1:5: this is no value of TOML; text stands in quotes (Syntax)"),
        ("a = 010", "1:5: a number may not begin with zeros (Syntax)"),
        ("a = [1, 2", "1:10: a bracket is not closed (Syntax)"),
        ("a = [1 2]", "1:6: this is no value of TOML; text stands in quotes (Syntax)"),
        ("a = [1,, 2]", "1:8: a comma is missing or stands once too often (Syntax)"),
        ("é = 1", "1:1: the key contains a character that needs quotes (Syntax)"),
        ("a = \"x", "1:7: the quoted text is not closed (Syntax)"),
        (
            "a = 18446744073709551616",
            "1:5: a: the integer does not fit into 64 bits and would lose digits (NumberRange)",
        ),
        (
            "[t]\na = [1, inf]",
            "2:9: t.a[1]: the number is infinite or not a number, which cannot be carried on (NumberRange)",
        ),
        ("a = nan", "1:5: a: the number is infinite or not a number, which cannot be carried on (NumberRange)"),
    ];
    for (text, expected) in rows {
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn all_that_is_wrong_is_told() {
    let problems = parse("a = 1\na = 2\nb = word\n").unwrap_err();
    assert_eq!(problems.len(), 2);
    let problems = parse("a = inf\nb = nan\nc = 99999999999999999999\n").unwrap_err();
    assert_eq!(problems.len(), 3);
}

#[test]
fn depth_is_bounded_before_the_parser_recurses() {
    let dotted = |parts: usize| format!("{} = 1", vec!["a"; parts].join("."));
    assert!(parse(&dotted(64)).is_ok());
    for text in [
        dotted(65),
        dotted(300_000),
        format!("[{}]", vec!["a"; 100_000].join(" . ")),
        format!("[[{}]]", vec!["'a'"; 100_000].join(".")),
        format!("x\"{}", dotted(100_000)),
        format!("q = '''''a'''''\n{}", dotted(100_000)),
        format!("q = \"\"\"a\\\"\"\"\"\"\n{}", dotted(100_000)),
        format!("q = \"\\\"\n{}", dotted(100_000)),
        format!("q = 'a\n{}", dotted(100_000)),
        format!("x = 1 # '\n{}", dotted(100_000)),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}1{}", "{ a = ".repeat(70), "}".repeat(70)),
        format!("a = {}1{}", "[".repeat(70), "]".repeat(70)),
        format!("a = {}1{}", "[".repeat(100), "]".repeat(100)),
    ] {
        assert!(message(&text).ends_with("nested deeper than 64 levels (TooDeep)"), "{}", &text[..40.min(text.len())]);
        assert!(places(&text).is_none_or(|_| text.len() < 1000));
    }
    let dots = ".".repeat(1000);
    let harmless = format!("a = \"{dots}\"\nb = '{dots}'\nc = '''{dots}'''\nd = \"\"\"{dots}\"\"\" # {dots}\n");
    assert!(parse(&harmless).is_ok());
}

#[test]
fn places_are_those_of_the_parts() {
    let text = "a = 1\n[t.u]\nc = { d = 'x' }\n[[l]]\ng = [1, 2]\n[[l]]\ng = []\n";
    let places = places(text).unwrap();
    let rows = [
        (Path::root(), (1, 1)),
        (Path::root().key("a"), (1, 5)),
        (Path::root().key("t"), (2, 2)),
        (Path::root().key("t").key("u"), (2, 4)),
        (Path::root().key("t").key("u").key("c").key("d"), (3, 11)),
        (Path::root().key("t").key("u").key("missing"), (2, 4)),
        (Path::root().key("l").index(1), (6, 1)),
        (Path::root().key("l").index(0).key("g").index(1), (5, 9)),
    ];
    for (path, (line, column)) in rows {
        assert_eq!(places.find(&path), Position { line, column }, "{path}");
    }
    assert!(super::places("a = [").is_none());
}

proptest! {
    #![proptest_config(soup::cases(800))]

    #[test]
    fn no_text_ends_the_process(a in soup::soup(TOKENS), b in soup::damaged(SEEDS, TOKENS)) {
        for text in [a, String::from_utf8_lossy(&b).into_owned()] {
            prop_assert_eq!(parse(&text).is_ok(), toml::from_str::<toml::Table>(&text).is_ok_and(|_| parse(&text).is_ok()));
            let _ = places(&text);
        }
    }
}
