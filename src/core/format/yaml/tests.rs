//! YAML: what each dialect reads, and three readers against each other: serde-saphyr, our composer, yaml_serde.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::tests::soup;

const TOKENS: &[&str] = &[
    "a",
    "b",
    "key",
    ": ",
    ":",
    "\n",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "&a ",
    "&b ",
    "*a",
    "*b",
    "*a : ",
    "<<: ",
    "'",
    "\"",
    "|\n",
    ">-\n",
    " # c\n",
    "!!int ",
    "!!str ",
    "! ",
    "!x ",
    "1",
    "0755",
    "yes",
    "~",
    "1.5",
    "1e3",
    "---\n",
    "...\n",
    "? ",
    "0x1F",
    "-",
    "\t",
    "\\",
    "%",
    "é",
    "null",
    "true",
    "18446744073709551616",
    ".inf",
    "a: 1\n",
    "b:\n  - x\n  - y\n",
    "c: {d: e}\n",
    "\"q\": 'r'\n",
];

const SEEDS: &[&str] = &[
    "a: 1\nb: [1, 2, {c: d}]\ne:\n  f: |\n    text\n    more\n  g: >-\n    x\n",
    "base: &base\n  x: 1\n  y: [a, b]\nuse:\n  <<: *base\n  z: \"q\\n\"\nlist:\n- *base\n- 'it''s'\n",
    "? a\n: b\n? [x]\n: y\n",
    "--- # c\n- - a\n  - b\n- {x: , y}\n",
];

fn both(text: &str) -> (Result<Value, Error>, bool, Result<Value, Vec<Problem>>) {
    let watch = Watch::new(text);
    let strict = read(text, &watch);
    (strict, watch.doubtful(), compose::compose(text, Dialect::Yaml12))
}

fn rules(text: &str, dialect: Dialect) -> Vec<Rule> {
    let name = crate::document::DocumentName::parse("a.yaml").unwrap();
    let problems = parse(text, dialect).unwrap_err();
    problems.into_iter().map(|problem| problem.into_finding(&name).rule).collect()
}

#[test]
fn dialect_1_2_takes_only_its_own_booleans_and_numbers() {
    let cases = [
        ("[true, True, TRUE, false, False, FALSE]", json!([true, true, true, false, false, false])),
        ("[yes, no, on, off, y, n, Yes, tRUE]", json!(["yes", "no", "on", "off", "y", "n", "Yes", "tRUE"])),
        ("[~, null, Null, NULL, nULL]", json!([null, null, null, null, "nULL"])),
        ("[0, -0, +7, -12, 0x1F, -0x1F, 0o17, 0b11]", json!([0, 0, 7, -12, 31, -31, 15, 3])),
        ("[0755, -007, 1_000, 0x1_0, 0X1F, 08, 1:30]", json!(["0755", "-007", "1_000", "0x1_0", "0X1F", "08", "1:30"])),
        ("[1., .5, -.5, +.5, 1e3, 1.5E-2, 007.5]", json!([1.0, 0.5, -0.5, 0.5, 1000.0, 0.015, 7.5])),
        ("[1e, e3, .e3, ., +, '1', \"true\"]", json!(["1e", "e3", ".e3", ".", "+", "1", "true"])),
        ("[18446744073709551615, -9223372036854775808]", json!([u64::MAX, i64::MIN])),
        ("[1e30, -1e30]", json!([1e30, -1e30])),
        ("0xFFFFFFFFFFFFFFFFFF", json!("0xFFFFFFFFFFFFFFFFFF")),
        ("-0x8000000000000001", json!("-0x8000000000000001")),
        ("[inf, nan, -inf, Infinity, +.nan]", json!(["inf", "nan", "-inf", "Infinity", "+.nan"])),
        ("2001-12-14T21:59:43Z", json!("2001-12-14T21:59:43Z")),
        ("", json!(null)),
        ("# nothing\n", json!(null)),
        ("a:\n", json!({"a": null})),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, Dialect::Yaml12).as_ref(), Ok(&expected), "{text}");
        assert_eq!(compose::compose(text, Dialect::Yaml12), Ok(expected), "{text}, by the composer");
    }
}

#[test]
fn dialect_1_1_reads_what_libraries_of_1_1_read() {
    let cases = [
        ("[yes, Yes, YES, on, On, ON, true]", json!([true, true, true, true, true, true, true])),
        ("[no, No, NO, off, Off, OFF, False]", json!([false, false, false, false, false, false, false])),
        ("[y, n, Y, N, yEs]", json!(["y", "n", "Y", "N", "yEs"])),
        ("[0755, -0755, 0, 00, 08, 0_7]", json!([493, -493, 0, 0, "08", 7])),
        ("[1_000, 0x1_F, 0b1_1, 0o17, +1]", json!([1000, 31, 3, "0o17", 1])),
        ("[1:30, -1:30, 190:20:30, 1:30.5, 1:60, 0:30]", json!([90, -90, 685_230, 90.5, "1:60", "0:30"])),
        ("[1.5, 1_0.5, 1e3, .5, 12.30.40, 1:x, 1:30.x]", json!([1.5, 10.5, 1000.0, 0.5, "12.30.40", "1:x", "1:30.x"])),
        ("[--, +, _1, -x, '0755', \"yes\"]", json!(["--", "+", "_1", "-x", "0755", "yes"])),
        ("on: yes\n", json!({"on": true})),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, Dialect::Yaml11), Ok(expected), "{text}");
    }
}

#[test]
fn what_would_lose_digits_is_refused() {
    for text in ["18446744073709551616", "-9223372036854775809", "[1e30, 123456789012345678901234567890]"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::NumberRange], "{text}");
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::NumberRange], "{text}");
    }
    for text in
        ["0xFFFFFFFFFFFFFFFFF", "07777777777777777777777777", "307445734561825861:0:0", "99999999999999999999:30"]
    {
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::NumberRange], "{text}");
    }
    for text in [".inf", "-.INF", "+.inf", ".nan", "1e400", "-1e400", "!!float .inf"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::NumberRange], "{text}");
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::NumberRange], "{text}");
    }
    assert_eq!(parse("1:99999999999999999999", Dialect::Yaml11), Ok(json!("1:99999999999999999999")));
}

#[test]
fn keys_are_text_as_written() {
    let cases = [
        ("8080: x", json!({"8080": "x"})),
        ("1.10: x", json!({"1.10": "x"})),
        ("true: x", json!({"true": "x"})),
        ("0x10: x", json!({"0x10": "x"})),
        ("\"\": x", json!({"": "x"})),
        ("'~': x", json!({"~": "x"})),
        ("? a\n: b", json!({"a": "b"})),
        (".inf: x\n18446744073709551616: y", json!({".inf": "x", "18446744073709551616": "y"})),
        ("&k key: 1\nb: *k", json!({"key": 1, "b": "key"})),
        ("a: &a 1\n*a : b", json!({"a": 1, "1": "b"})),
        ("! 8080: x", json!({"8080": "x"})),
        ("= : x", json!({"=": "x"})),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, Dialect::Yaml12).as_ref(), Ok(&expected), "{text}");
        assert_eq!(parse(text, Dialect::Yaml11), Ok(expected), "{text}");
    }
    for text in ["~: x", ": x", "null: x", "? [a]\n: b", "? {a: b}\n: c", "a: &a ~\n*a : b", "a: &a [x]\n*a : b"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::Unsupported], "{text}");
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::Unsupported], "{text}");
    }
}

#[test]
fn keys_that_are_the_same_text_are_duplicates() {
    for text in ["a: 1\na: 2", "8080: a\n\"8080\": b", "{a: 1, a: 2}", "&k a: 1\n*k : 2", "<<: {a: 1}\na: 1\na: 2"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::DuplicateKey], "{text}");
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::DuplicateKey], "{text}");
    }
    // Equal as integers, not as text: only serde-saphyr sees it.
    assert_eq!(rules("0x10: a\n16: b", Dialect::Yaml12), [Rule::DuplicateKey]);
}

#[test]
fn the_merge_key_lays_maps_under_the_map() {
    let cases = [
        ("<<: {a: 1, b: 1}\na: 2", json!({"a": 2, "b": 1})),
        ("a: 2\n<<: [{a: 1, b: 1}, {b: 2, c: 2}]", json!({"a": 2, "b": 1, "c": 2})),
        ("<<: {<<: {a: 1}, b: 2}", json!({"a": 1, "b": 2})),
        ("x: &x {a: 1}\ny: {<<: *x, b: 2}", json!({"x": {"a": 1}, "y": {"a": 1, "b": 2}})),
        ("<<: {a: {p: 1}}\na: {q: 1}", json!({"a": {"q": 1}})),
        ("!!merge <<: {a: 1}", json!({"a": 1})),
        ("<<:\na: 1", json!({"a": 1})),
        ("\"<<\": {a: 1}", json!({"<<": {"a": 1}})),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, Dialect::Yaml12).as_ref(), Ok(&expected), "{text}");
        assert_eq!(parse(text, Dialect::Yaml11), Ok(expected), "{text}");
    }
    for text in ["<<: 1", "<<: [1]"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::Syntax], "{text}");
    }
}

#[test]
fn tags_are_kept_to_their_word_or_refused() {
    let cases = [
        ("[! 12, !!str 12, !!str, !!str ~, ! null]", json!(["12", "12", "", "~", "null"])),
        ("[!!int \"12\", !!float 1, !!float 1.5, !!bool true, !!null ~]", json!([12, 1.0, 1.5, true, null])),
        ("[!!binary aGk=, !!seq [1], !!map {a: 1}, ! [1], ! {a: 1}]", json!(["aGk=", [1], {"a": 1}, [1], {"a": 1}])),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, Dialect::Yaml12).as_ref(), Ok(&expected), "{text}");
        assert_eq!(parse(text, Dialect::Yaml11), Ok(expected), "{text}");
    }
    for text in ["!foo 1", "!foo {a: 1}", "!!set {x, y}", "!!timestamp 2001-01-01", "? !foo a\n: b", "!e!x 1"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::Unsupported], "{text}");
    }
    for text in
        ["!!int 1.5", "!!int x", "!!bool yes", "!!seq {a: 1}", "!!map [1]", "!!int [1]", "!!seq x", "!!int a: 1"]
    {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::Syntax], "{text}");
    }
}

#[test]
fn a_file_holds_one_yaml_document() {
    for text in ["--- a\n...", "a\n", "...\na", "a\n...\n# end\n", "%YAML 1.2\n---\na"] {
        assert_eq!(parse(text, Dialect::Yaml12), Ok(json!("a")), "{text}");
    }
    for text in ["a: 1\n---\nb: 2", "a: 1\n---\n", "---\n---\n", "a\n...\nb"] {
        assert_eq!(rules(text, Dialect::Yaml12), [Rule::Unsupported], "{text}");
        assert_eq!(rules(text, Dialect::Yaml11), [Rule::Unsupported], "{text}");
    }
}

/// Where serde-saphyr and the composer differ; each is either refused or told by the reader that decides.
#[test]
fn the_known_differences_of_the_two_strict_readers() {
    let refused_only_by_saphyr =
        [("0x10: a\n16: b", "compares keys as values"), ("!!float 0x1F", "reads only decimal floats")];
    let refused_only_by_the_composer = [
        ("!!int 1_000", "underscores are no part of YAML 1.2 integers"),
        ("&k .inf: x", "an anchored key is read as a value too"),
        ("<<: [[{a: 1}]]", "a list of lists is no list of maps"),
        ("!!value = : x", "the value key of YAML 1.1 has no meaning here"),
        ("18446744073709551616", "integers beyond 64 bits: serde-saphyr gives a float, so its doubt is looked into"),
    ];
    for (text, why) in refused_only_by_saphyr {
        let (strict, _, own) = both(text);
        assert!(strict.is_err() && own.is_ok(), "{text}: {why}");
        assert!(parse(text, Dialect::Yaml12).is_err());
    }
    for (text, why) in refused_only_by_the_composer {
        let (strict, _, own) = both(text);
        assert!(strict.is_ok() && own.is_err(), "{text}: {why}");
    }
}

/// Where yaml_serde reads another value, or refuses, or accepts what we refuse.
#[test]
fn the_known_differences_from_yaml_serde() {
    let theirs = |text: &str| serde_yaml::from_str::<Value>(text).ok();
    let ours = |text: &str| parse(text, Dialect::Yaml12).ok();
    let rows = [
        ("a: 1\na: 2", Some(json!({"a": 2})), None, "duplicate keys: the last wins there"),
        ("a: .inf", Some(json!({"a": null})), None, "infinity becomes null there"),
        ("10000000000000000000000000000000000000000", Some(json!(1e40)), None, "digits are lost there"),
        ("~: x", Some(json!({"~": "x"})), None, "a null key becomes text there"),
        ("<<: {a: 1}", Some(json!({"<<": {"a": 1}})), Some(json!({"a": 1})), "merging is a second step there"),
        ("! 12", None, Some(json!("12")), "any tag becomes an enum there"),
        ("a: |\n  x", Some(json!({"a": "x"})), Some(json!({"a": "x\n"})), "libyaml adds no missing last line break"),
        ("...\n", None, Some(json!(null)), "an end without a document"),
        ("|\n[", None, Some(json!("[\n")), "a block scalar at the left margin"),
        ("a: 1\n\t", None, Some(json!({"a": 1})), "a line of nothing but a tab"),
        ("{x:}", None, Some(json!({"x": null})), "a key without space before the bracket"),
        ("[-]", Some(json!(["-"])), None, "a lone dash in a list"),
    ];
    for (text, expected_there, expected_here, why) in rows {
        assert_eq!(theirs(text), expected_there, "{text:?} there: {why}");
        assert_eq!(ours(text), expected_here, "{text:?} here: {why}");
    }
}

#[test]
fn places_follow_aliases_and_merges() {
    let text = "base: &b\n  x: 1\n  l: [1, {d: 2}]\nuse:\n  <<: *b\n  z: *b\nmany:\n  <<: [{p: 1}, {q: 2}]\n";
    let places = places(text).unwrap();
    let find = |path: &[&str]| {
        let segments = path.iter().map(|part| match part.parse() {
            Ok(index) => crate::value::Segment::Index(index),
            Err(_) => crate::value::Segment::Key((*part).to_owned()),
        });
        let Position { line, column } = places.find(&segments.collect());
        (line, column)
    };
    assert_eq!(find(&[]), (1, 1));
    assert_eq!(find(&["base"]), (1, 1), "a map stands at its key");
    assert_eq!(find(&["base", "x"]), (2, 6));
    assert_eq!(find(&["base", "missing", "deeper"]), (1, 1), "the nearest parent");
    assert_eq!(find(&["base", "l", "0"]), (3, 7));
    assert_eq!(find(&["base", "l", "1", "d"]), (3, 14));
    assert_eq!(find(&["base", "l", "7"]), (3, 3));
    assert_eq!(find(&["base", "x", "under a scalar"]), (2, 6));
    assert_eq!(find(&["use", "x"]), (2, 6), "merged from there");
    assert_eq!(find(&["use", "z"]), (6, 3));
    assert_eq!(find(&["use", "z", "x"]), (2, 6), "through the alias");
    assert_eq!(find(&["many", "q"]), (8, 20));
    assert_eq!(find(&["many", "r"]), (7, 1));
}

#[test]
fn places_of_what_cannot_be_read_are_none() {
    for text in ["", "a: [", "]", "a: *b", "&a [*b]", "- a\n- ]", "? [a\n: b", &"[".repeat(70), "a: ]", "? ]"] {
        assert!(places(text).is_none(), "{text}");
    }
    assert!(places("? [a]\n: b\nc: d").is_some());
    // No parser accepts a map that is merged into itself; looking for a key in it must still end.
    assert_eq!(
        places("a: {<<: 1}").unwrap().find(&crate::value::Path::root().key("a").key("x")),
        Position { line: 1, column: 1 }
    );
    let places = places("&a {<<: *a}").unwrap();
    assert_eq!(places.find(&crate::value::Path::root().key("x")), Position { line: 1, column: 4 });
}

proptest! {
    #![proptest_config(soup::cases(1000))]

    #[test]
    fn saphyr_and_the_composer_agree(a in soup::soup(TOKENS), b in soup::damaged(SEEDS, TOKENS)) {
        for text in [a, String::from_utf8_lossy(&b).into_owned()] {
            match both(&text) {
                (Ok(strict), false, Ok(own)) => prop_assert_eq!(strict, own, "{:?}", text),
                (Ok(_), true, _) | (Err(_), _, Err(_)) => {}
                // The composer reads an anchored key as a value too, for the aliases that may follow.
                (Ok(_), _, Err(_)) if text.contains('&') && (text.contains("1616") || text.contains(".inf")) => {}
                // A tagged block scalar ends with its line break, which the strict reader trims before it reads a number.
                (Ok(_), _, Err(_)) if text.contains("!!") && text.contains(['|', '>']) => {}
                (strict, _, own) => prop_assert!(false, "{:?}: {:?} but {:?}", text, strict, own),
            }
        }
    }

    #[test]
    fn yaml_serde_agrees_where_both_accept(bytes in soup::damaged(SEEDS, TOKENS)) {
        let text = String::from_utf8_lossy(&bytes).into_owned() + "\n";
        if let (Ok(ours), Ok(theirs)) = (parse(&text, Dialect::Yaml12), serde_yaml::from_str::<Value>(&text)) {
            // Merging is a second step there; duplicate keys and null keys are refused here.
            if !text.contains("<<") {
                prop_assert_eq!(ours, theirs, "{:?}", text);
            }
        }
    }

    #[test]
    fn what_yaml_serde_writes_is_read_back(value in soup::value()) {
        let text = serde_yaml::to_string(&value).unwrap();
        // It does not quote the merge key, and takes these for line breaks, which YAML 1.2 does not.
        prop_assume!(!text.contains("<<") && !text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        prop_assert_eq!(parse(&text, Dialect::Yaml12), Ok(value), "{}", text);
    }

    #[test]
    fn every_accepted_text_has_places(bytes in soup::damaged(SEEDS, TOKENS)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(value) = parse(&text, Dialect::Yaml12) {
            prop_assert!(value.is_null() || places(&text).is_some(), "{:?}", text);
        }
    }
}
