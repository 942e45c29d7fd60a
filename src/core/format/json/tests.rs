//! JSON: the scanner against serde_json, and what it says of broken texts.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::tests::soup;
use crate::value::{Path, Segment};

const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\":",
    "1",
    "-",
    "0",
    "01",
    "1.5",
    "1e3",
    "1e",
    ".",
    "true",
    "nul",
    "null",
    "\"",
    "\\",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud800",
    "\n",
    "\t",
    " ",
    "é",
    "/",
    "'",
    "18446744073709551616",
    "1e400",
    "-0",
    "{\"a\":",
    "[1,2]",
];

const SEEDS: &[&str] = &[
    "{\"a\": 1, \"b\": [true, null, -1.5e3, \"x\\n\\u00e9\"], \"c\": {\"d\": {}}}\n",
    "[[], {}, \"\", 0, {\"k\": [1, 2, 3]}]",
    "{\n  \"service\": {\n    \"name\": \"\\ud83d\\ude00\",\n    \"size\": 18446744073709551615\n  }\n}\n",
];

fn message(text: &str) -> String {
    let name = crate::document::DocumentName::parse("a.json").unwrap();
    let problems = parse(text).unwrap_err();
    let finding = problems.into_iter().next().unwrap().into_finding(&name);
    finding.to_string().trim_start_matches("a.json:").to_owned()
}

#[test]
fn broken_json_is_explained_where_it_breaks() {
    let rows = [
        ("", "1:1: the text ends where a value is missing (Syntax)"),
        ("{\"a\": }", "1:7: a: a value is missing here (Syntax)"),
        ("{\"a\" 1}", "1:6: a `:` is missing after the key (Syntax)"),
        ("{\"a\": 1,}", "1:9: a comma may not stand before the closing bracket (Syntax)"),
        ("[1,\n ]", "2:2: a comma may not stand before the closing bracket (Syntax)"),
        ("[1 2]", "1:4: a `,` or the closing bracket is missing (Syntax)"),
        ("[1", "1:3: the text ends inside of a list or map (Syntax)"),
        ("{\"a\": 1,", "1:9: the text ends inside of a map (Syntax)"),
        ("{a: 1}", "1:2: a key in double quotes is missing here (Syntax)"),
        ("{'a': 1}", "1:2: a key in double quotes is missing here (Syntax)"),
        ("['a']", "1:2: [0]: text stands in double quotes (Syntax)"),
        ("// c\n{}", "1:1: JSON has no comments (Syntax)"),
        ("{\"a\": 1, # c\n}", "1:10: JSON has no comments (Syntax)"),
        ("{} {}", "1:4: nothing may follow the value (Syntax)"),
        ("truth", "1:1: a value is missing here (Syntax)"),
        ("[\"a\nb\"]", "1:4: [0]: quoted text may not contain line breaks or control characters (Syntax)"),
        ("[\"a", "1:2: [0]: the quoted text is not closed (Syntax)"),
        ("[\"\\q\"]", "1:2: [0]: the quoted text contains an escape that JSON does not have (Syntax)"),
        ("[\"\\ud800\"]", "1:2: [0]: the quoted text contains an escape that JSON does not have (Syntax)"),
        ("[01]", "1:2: [0]: the number is not written as JSON has it (Syntax)"),
        ("[1.]", "1:2: [0]: the number is not written as JSON has it (Syntax)"),
        ("[1e]", "1:2: [0]: the number is not written as JSON has it (Syntax)"),
        ("[NaN]", "1:2: [0]: a value is missing here (Syntax)"),
        ("{\"a\": {\"é\": 1, \"é\": 2}}", "1:16: a[\"é\"]: the key occurs twice in this map (DuplicateKey)"),
        ("{\"a\": 1, \"\\u0061\": 2}", "1:10: a: the key occurs twice in this map (DuplicateKey)"),
    ];
    for (text, expected) in rows {
        let expected = expected.replace("a[\"é\"]", "a.é");
        assert_eq!(message(text), expected, "{text}");
    }
}

#[test]
fn numbers_that_would_lose_digits_are_refused() {
    for text in ["[1, 18446744073709551616]", "[1, -9223372036854775809]", "[1, 1e400]", "[1, -1E999]"] {
        assert!(message(text).starts_with("1:5: [1]: the "), "{text}");
        assert!(message(text).ends_with("(NumberRange)"), "{text}");
    }
    assert_eq!(
        parse("[18446744073709551615, -9223372036854775808, 1e30, 18446744073709551616.0]"),
        Ok(json!([u64::MAX, i64::MIN, 1e30, 18_446_744_073_709_551_616.0]))
    );
    assert_eq!(parse("-0"), Ok(json!(-0.0)));
}

#[test]
fn nesting_ends_at_64_levels() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(&nested(64)).is_ok());
    assert!(message(&nested(65)).contains("1:65: "));
    assert!(message(&nested(65)).ends_with("nested deeper than 64 levels (TooDeep)"));
    assert!(message(&"{\"a\":".repeat(100_000)).ends_with("(TooDeep)"));
}

#[test]
fn several_problems_are_told_at_once_but_not_all() {
    let problems = parse("{\"a\": 1e999, \"a\": 2, \"b\": 18446744073709551616}").unwrap_err();
    assert_eq!(problems.len(), 3);
    let many = format!("[{}1]", "1e999,".repeat(100));
    assert_eq!(parse(&many).unwrap_err().len(), 20);
}

#[test]
fn places_are_those_of_the_parts() {
    let places = places("{\n  \"a\": [1, {\"b\": 2}],\n  \"<<\": {\"c\": 3}\n}").unwrap();
    let at = |path: &Path| {
        let Position { line, column } = places.find(path);
        (line, column)
    };
    assert_eq!(at(&Path::root()), (1, 1));
    let a = Path::root().key("a");
    assert_eq!(at(&a), (2, 3));
    assert_eq!(at(&a.index(0)), (2, 9));
    assert_eq!(at(&a.index(1).key("b")), (2, 18));
    assert_eq!(at(&a.index(1).key("missing")), (2, 12));
    assert_eq!(at(&Path::root().key("c")), (1, 1), "JSON has no merge key");
    assert!(super::places("[1").is_none());
}

/// All paths of a value.
fn paths(value: &Value, here: &Path, all: &mut Vec<Path>) {
    all.push(here.clone());
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| paths(item, &here.index(index), all)),
        Value::Object(map) => map.iter().for_each(|(key, item)| paths(item, &here.key(key.as_str()), all)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(soup::cases(800))]

    #[test]
    fn the_scanner_accepts_what_serde_json_accepts(a in soup::soup(TOKENS), b in soup::damaged(SEEDS, TOKENS)) {
        for text in [a, String::from_utf8_lossy(&b).into_owned()] {
            let strict = read(&text, &Watch::new(&text));
            let doubtful = strict.as_ref().is_ok_and(|_| {
                let watch = Watch::new(&text);
                let _ = read(&text, &watch);
                watch.doubtful()
            });
            let scanned = scan::scan(&text).1.or(());
            prop_assert!(doubtful || strict.is_ok() == scanned.is_ok(), "{:?}: {:?} but {:?}", text, strict, scanned);
        }
    }

    #[test]
    fn what_serde_json_writes_is_read_back_and_has_places(value in soup::value()) {
        let text = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(parse(&text), Ok(value.clone()));
        let places = places(&text).unwrap();
        let mut all = Vec::new();
        paths(&value, &Path::root(), &mut all);
        for path in all {
            let Position { line, column } = places.find(&path);
            let rest: String = text.lines().nth(line as usize - 1).unwrap().chars().skip(column as usize - 1).collect();
            let found = path.find(&value).unwrap();
            let expected = match path.segments().last() {
                Some(Segment::Key(key)) if found.is_object() || found.is_array() => serde_json::to_string(key).unwrap(),
                _ if found.is_object() => "{".to_owned(),
                _ if found.is_array() => "[".to_owned(),
                _ => found.to_string(),
            };
            prop_assert!(rest.starts_with(&expected), "{} at {}:{} of {}", path, line, column, text);
        }
    }
}

/// Should the two readings ever differ, what serde_json refuses is refused all the same.
#[test]
fn what_only_the_first_reading_refuses_is_told_with_its_place() {
    let refused = read("[1,\n 2", &Watch::new("")).unwrap_err();
    let problems = explain("[1, 2]", Err(refused)).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    let finding = problem.clone().into_finding(&crate::document::DocumentName::parse("a.json").unwrap());
    assert_eq!((finding.rule, finding.position), (Rule::Syntax, Some(Position { line: 2, column: 2 })));
    assert_eq!(explain("[1, 2]", Ok(json!([1, 2]))), Ok(json!([1, 2])));
}
