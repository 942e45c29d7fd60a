//! All formats through the one door: hostile inputs with rule and place, and laws that hold for every format.

use proptest::prelude::*;

use super::*;
use crate::finding::Rule;
use crate::value::type_name;

pub(crate) mod soup;

const NAMES: [&str; 6] = ["a.yaml", "a.json", "a.toml", ".env", "a.properties", "notes"];

fn name(text: &str) -> DocumentName {
    DocumentName::parse(text).unwrap()
}

/// Document name, content, rule, line, column.
fn hostile() -> Vec<(&'static str, Vec<u8>, Rule, u32, u32)> {
    let bomb = |levels: usize, width: usize| {
        let level = |n: usize| format!("l{n}: &l{n} [{}]\n", vec![format!("*l{}", n - 1); width].join(", "));
        format!("l0: &l0 [{}]\n{}", vec!["lol"; width].join(", "), (1..levels).map(level).collect::<String>())
    };
    let merge_bomb = {
        let level = |n: usize| format!("m{n}: &m{n} {{a: *m{p}, b: *m{p}, c: *m{p}, d: *m{p}}}\n", p = n - 1);
        format!("m0: &m0 {{x: y}}\n{}", (1..12).map(level).collect::<String>())
    };
    let quadratic = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(200_000), vec!["*a"; 30_000].join(","));
    let anchors = format!("{}x{}", "[&a ".repeat(60), "]".repeat(60)).replace('x', &"1,".repeat(200_000));
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("a.yaml", text("a: 1\nb: [1, 2\nc: 3\n"), Rule::Syntax, 3, 2),
        ("a.yaml", text("a:\n\tb: 1\n"), Rule::Syntax, 2, 2),
        ("a.yaml", text("a: \"x\n"), Rule::Syntax, 1, 4),
        ("a.yaml", text("a: b: c\n"), Rule::Syntax, 1, 5),
        ("a.yaml", text("é: *nope\n"), Rule::Syntax, 1, 4),
        ("a.yaml", text("a: 1\n\u{feff}b: 2\n"), Rule::Syntax, 2, 1),
        ("a.yaml", text("a: &a [*a]\n"), Rule::Expansion, 1, 8),
        ("a.yaml", text("a: 1\nb:\n  c: 1\n  c: 2\n"), Rule::DuplicateKey, 4, 3),
        ("a.yaml", text("a: 99999999999999999999\n"), Rule::NumberRange, 1, 4),
        ("a.yaml", text("a: .nan\n"), Rule::NumberRange, 1, 4),
        ("a.yaml", text("a: !custom x\n"), Rule::Unsupported, 1, 4),
        ("a.yaml", text("a: 1\n---\nb: 2\n"), Rule::Unsupported, 2, 1),
        ("a.yaml", text(&bomb(9, 9)), Rule::Expansion, 5, 35),
        ("a.yaml", text(&merge_bomb), Rule::Expansion, 8, 13),
        ("a.yaml", text(&quadratic), Rule::Expansion, 2, 86),
        ("a.yaml", text(&anchors), Rule::Expansion, 1, 233),
        ("a.yaml", text(&"[".repeat(20_000)), Rule::TooDeep, 1, 65),
        ("a.yaml", text(&"- ".repeat(20_000)), Rule::TooDeep, 1, 129),
        ("a.yaml", text(&"{a: ".repeat(20_000)), Rule::TooDeep, 1, 257),
        ("a.yaml", text(&format!("a: &a {}1{}\nb: [[*a]]\n", "[".repeat(62), "]".repeat(62))), Rule::TooDeep, 2, 6),
        ("a.yaml", vec![b'a', b':', b' ', b'\n', b'b', 0xff], Rule::NotUtf8, 2, 2),
        ("a.yaml", b"\xff\xfea\0:\0 \x001\0".to_vec(), Rule::NotUtf8, 1, 1),
        ("a.json", text("{\"a\": 1, \"a\": 2}"), Rule::DuplicateKey, 1, 10),
        ("a.json", text(&"[".repeat(1_000_000)), Rule::TooDeep, 1, 65),
        ("a.json", text("{\"a\": 1e999}"), Rule::NumberRange, 1, 7),
        ("a.json", text("{\n  \"a\": tru\n}"), Rule::Syntax, 2, 8),
        ("a.json", vec![b'"', 0xc3, b'"'], Rule::NotUtf8, 1, 2),
        ("a.toml", text(&format!("{} = 1", vec!["a"; 200_000].join("."))), Rule::TooDeep, 1, 258),
        ("a.toml", text("a = 1\na = 2"), Rule::DuplicateKey, 2, 1),
        ("a.toml", text("a = nan"), Rule::NumberRange, 1, 5),
        ("a.toml", text("a = \"\\q\""), Rule::Syntax, 1, 7),
        (".env", text("A=1\nB"), Rule::Syntax, 2, 2),
        (".env", text("A=\"x"), Rule::Syntax, 1, 3),
        (".env", vec![b'A', b'=', 0x80], Rule::NotUtf8, 1, 3),
        ("a.properties", text("a=\\u12"), Rule::Syntax, 1, 3),
        ("a.properties", text("a=1\na.b=2"), Rule::DuplicateKey, 2, 1),
        // Latin-1, as Java would write it.
        ("a.properties", vec![b'a', b'=', 0xe9], Rule::NotUtf8, 1, 3),
    ]
}

#[test]
fn hostile_inputs_give_findings_with_rule_and_place() {
    let mut wrong = Vec::new();
    for (document, content, rule, line, column) in hostile() {
        let shown = String::from_utf8_lossy(&content[..content.len().min(60)]).into_owned();
        let findings = parse(&name(document), &content, Dialect::Yaml12).unwrap_err();
        let first = &findings[0];
        let place = first.position.map(|position| (position.line, position.column));
        if (first.rule, place) != (rule, Some((line, column))) {
            wrong.push(format!("{document}: {shown}: {first}, and not {rule} at {line}:{column}"));
        }
        assert_eq!(first.document.as_ref(), Some(&name(document)));
        if document.ends_with("yaml") && rule != Rule::NotUtf8 {
            let findings = parse(&name(document), &content, Dialect::Yaml11).unwrap_err();
            assert_eq!((findings[0].rule, findings[0].position), (rule, first.position), "1.1: {shown}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_document_may_be_as_large_as_a_config_map_and_not_larger() {
    for document in NAMES {
        let comment = if document == "a.json" { b' ' } else { b'#' };
        let largest = vec![comment; 1024 * 1024];
        let outcome = parse(&name(document), &largest, Dialect::Yaml12);
        assert_eq!(outcome.is_ok(), document != "a.json", "{document}: {outcome:?}");
        let larger = vec![comment; 1024 * 1024 + 1];
        let findings = parse(&name(document), &larger, Dialect::Yaml12).unwrap_err();
        assert_eq!(findings[0].rule, Rule::TooLarge);
        assert!(locate(&name(document), &larger, &Path::root()).is_none());
    }
    let dense = format!("[{}1]", "1,".repeat(500_000));
    assert!(parse(&name("a.yaml"), dense.as_bytes(), Dialect::Yaml12).is_ok(), "no text is too dense to be read");
    let dense = format!("{{{}}}", (0..130_000).map(|n| format!("{n:x},")).collect::<String>());
    assert!(parse(&name("a.yaml"), dense.as_bytes(), Dialect::Yaml12).is_ok());
    assert!(parse(&name("a.yaml"), dense.as_bytes(), Dialect::Yaml11).is_ok());
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let contents = ["\u{feff}a: x", "\u{feff}{\"a\": \"x\"}", "\u{feff}a = 'x'", "\u{feff}a=x", "\u{feff}a=x"];
    for (document, content) in NAMES.into_iter().zip(contents) {
        let value = parse(&name(document), content.as_bytes(), Dialect::Yaml12);
        assert_eq!(value, Ok(Some(serde_json::json!({"a": "x"}))), "{document}");
        let place = locate(&name(document), content.as_bytes(), &Path::root().key("a"));
        let column = content.find('x').unwrap() - if content.contains("\"x") || content.contains("'x") { 1 } else { 0 };
        assert_eq!(place, Some(Position { line: 1, column: u32::try_from(column).unwrap() - 2 }), "{document}");
    }
}

#[test]
fn text_and_binary_have_no_value_and_no_places() {
    for (document, content) in [("notes", "a: [".as_bytes()), ("logo", &[0xff, 0x00][..])] {
        assert_eq!(parse(&name(document), content, Dialect::Yaml12), Ok(None));
        assert_eq!(locate(&name(document), content, &Path::root()), None);
    }
    assert_eq!(locate(&name("a.yaml"), &[0xff], &Path::root()), None);
}

#[test]
fn a_path_leads_to_its_place_in_every_format() {
    let path = Path::root().key("pool").key("size");
    let rows = [
        ("a.yaml", "name: x\npool:\n  size: 5\n", (3, 9), (2, 1)),
        ("a.json", "{\"name\": \"x\",\n \"pool\": {\"size\": 5}}", (2, 19), (2, 2)),
        ("a.toml", "name = 'x'\n[pool]\nsize = 5\n", (3, 8), (2, 2)),
        ("a.properties", "name=x\npool.size=5\n", (2, 11), (2, 1)),
        (".env", "name=x\npool=5\n", (2, 6), (2, 6)),
    ];
    for (document, content, value, parent) in rows {
        let at = |path: &Path| locate(&name(document), content.as_bytes(), path).map(|p| (p.line, p.column));
        assert_eq!(at(&path), Some(value), "{document}");
        assert_eq!(at(&Path::root().key("pool").key("missing").key("x")), Some(parent), "{document}");
    }
}

const TOKENS: &[&str] = &[
    "SECRET",
    ": ",
    "=",
    "\n",
    "\n  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "#",
    "\\",
    "\\u",
    "&a ",
    "*a",
    "!x ",
    "1",
    "99999999999999999999",
    "1e999",
    ".inf",
    "export ",
    ".",
    "a",
    "[[",
    "'''",
    "|\n",
    "<<: ",
    "---\n",
    "\t",
    "é",
    "$",
];

const SEEDS: &[&str] = &[
    "password: SECRET\npool:\n  size: 5\nlist: [SECRET, 2]\n",
    "{\"password\": \"SECRET\", \"list\": [1, {\"b\": \"SECRET\"}]}",
    "password = \"SECRET\"\n[t]\nx = ['SECRET', 1.5]\n",
    "PASSWORD=SECRET\nexport B=\"SECRET\"\nC='x SECRET'\n",
    "password=SECRET\na.b=SECRET\\\n  more\n",
];

/// Where a soup makes the secret a key it may be named, as part of a path.
fn told(finding: &Finding) -> String {
    format!("{} {:?}", finding.message, finding.hint)
}

proptest! {
    #![proptest_config(soup::cases(800))]

    #[test]
    fn no_bytes_end_the_process(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for document in NAMES {
            let first = parse(&name(document), &bytes, Dialect::Yaml12);
            prop_assert_eq!(&first, &parse(&name(document), &bytes, Dialect::Yaml12), "the same twice");
            let _ = parse(&name(document), &bytes, Dialect::Yaml11);
            let _ = locate(&name(document), &bytes, &Path::root().key("a").index(0));
        }
    }

    #[test]
    fn findings_have_a_place_and_never_the_value(soup in soup::soup(TOKENS), damaged in soup::damaged(SEEDS, TOKENS)) {
        for content in [soup.into_bytes(), damaged] {
            for (document, dialect) in NAMES.into_iter().flat_map(|name| [(name, Dialect::Yaml12), (name, Dialect::Yaml11)]) {
                let Err(findings) = parse(&name(document), &content, dialect) else { continue };
                prop_assert!(!findings.is_empty());
                for finding in findings {
                    prop_assert!(finding.position.is_some(), "{}", finding);
                    prop_assert!(!told(&finding).contains("SECRET"), "{}", finding);
                }
            }
        }
    }

    #[test]
    fn every_path_of_what_was_read_has_a_place_inside_the_text(damaged in soup::damaged(SEEDS, TOKENS)) {
        for document in NAMES {
            let Ok(Some(value)) = parse(&name(document), &damaged, Dialect::Yaml12) else { continue };
            let Some(places) = places(&name(document), &damaged) else {
                prop_assert!(value.is_null(), "{} in {} has no places", type_name(&value), document);
                continue;
            };
            let lines = String::from_utf8_lossy(&damaged).split('\n').count();
            let keys = value.as_object().into_iter().flat_map(|map| map.keys());
            for key in keys {
                prop_assert!(places.find(&Path::root().key(key.as_str())).line as usize <= lines);
            }
        }
    }
}
