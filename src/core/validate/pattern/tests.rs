//! Patterns: what is translated, what is refused, and where.

use serde_json::Value;

use super::*;

/// What the real API server says, as `tests/it/oracle` keeps asking it.
fn recorded() -> Value {
    let text = include_str!("../../../../tests/cases/texts.json");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn patterns_match_what_they_match_on_the_server() {
    let recorded = recorded();
    let texts = texts(&recorded["texts"]);
    for (source, matching) in recorded["patterns"].as_object().unwrap() {
        let pattern = Pattern::compile(source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
        let found: Vec<usize> = texts
            .iter()
            .enumerate()
            .filter(|(_, text)| pattern.regex().is_match(text))
            .map(|(index, _)| index)
            .collect();
        assert_eq!(serde_json::json!(found), *matching, "{source}");
        assert_eq!(pattern.source(), source);
    }
}

#[test]
fn what_the_server_refuses_is_refused() {
    for source in texts(&recorded()["refused"]) {
        assert!(Pattern::compile(source).is_err(), "{source}");
    }
}

#[test]
fn a_fault_names_the_column() {
    let column = |source: &str| Pattern::compile(source).err().map(|fault| fault.column);
    assert_eq!(column("ab(?=c)"), Some(3));
    assert_eq!(column("a**"), Some(3));
    assert_eq!(column("éé)"), Some(3));
}

#[test]
fn a_pattern_has_a_size() {
    assert!(Pattern::compile(&"a".repeat(MAX_PATTERN + 1)).is_err());
    assert!(Pattern::compile(&r"\pL{1000}".repeat(20)).is_err());
    assert!(Pattern::compile(&"(".repeat(70)).is_err());
    let small = Pattern::compile("a").unwrap();
    let large = Pattern::compile("[a-z]{900}").unwrap();
    assert!(small.cost("text") < large.cost("text"));
}
