//! What every input must leave whole: one check per parser and for the format of versions on disk.
//! Must not need a fuzzer: `fuzz/` calls these with what it invents, the tests here with the seeds and damaged seeds.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

use rekindle_core::configuration::Configuration;
use rekindle_core::contract::answer::{AnswerBody, interpret};
use rekindle_core::contract::body::{Body, Limits};
use rekindle_core::contract::signature::{PushKey, PushKeys, verify};
use rekindle_core::diff::{Color, Comparison, Guide};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::format::{self, Dialect};
use rekindle_core::redact::Redaction;
use rekindle_core::subscribe::Pattern;
use rekindle_core::validate::{CelRule, DocumentRules, SchemaSpec, compile};
use rekindle_core::value::{Path, Value};
use rekindle_core::version::stored::{Compression, Container, decode, encode};
use sha2::{Digest as _, Sha256};

/// A check takes any bytes. It returns when nothing is wrong and panics when something is.
pub type Check = fn(&[u8]);

/// All checks by the names of their targets in `fuzz/fuzz_targets` and of their seeds in `fuzz/seeds`.
pub const TARGETS: [(&str, Check); 10] = [
    ("yaml", yaml),
    ("json", json),
    ("toml", toml),
    ("env", env),
    ("properties", properties),
    ("schema", schema),
    ("stored", stored),
    ("push", push),
    ("pattern", pattern),
    ("diff", diff),
];

/// YAML in both dialects.
pub fn yaml(bytes: &[u8]) {
    document("a.yaml", bytes, Dialect::Yaml11);
    document("a.yaml", bytes, Dialect::Yaml12);
}

/// JSON; what can be read is read back the same after it was written.
pub fn json(bytes: &[u8]) {
    if let Some(value) = document("a.json", bytes, Dialect::Yaml12) {
        let again = document("a.json", value.to_string().as_bytes(), Dialect::Yaml12);
        assert_eq!(again, Some(value), "a value is read back as another");
    }
}

/// TOML.
pub fn toml(bytes: &[u8]) {
    document("a.toml", bytes, Dialect::Yaml12);
}

/// `.env`.
pub fn env(bytes: &[u8]) {
    document(".env", bytes, Dialect::Yaml12);
}

/// Java properties.
pub fn properties(bytes: &[u8]) {
    document("a.properties", bytes, Dialect::Yaml12);
}

/// Reads a document, finds every place in it, and merges it into a tree. Findings have a message and a place.
fn document(name: &str, bytes: &[u8], dialect: Dialect) -> Option<Value> {
    let name = DocumentName::parse(name).ok()?;
    let read = format::parse(&name, bytes, dialect);
    let documents = Documents::from_ordered(vec![(name.clone(), bytes.to_vec().into())]).ok()?;
    assert_eq!(Configuration::parse(documents, dialect).is_ok(), read.is_ok(), "two readers do not agree");
    match read {
        Ok(value) => {
            if let (Some(Value::Object(map)), Some(places)) = (&value, format::places(&name, bytes)) {
                for key in map.keys() {
                    let _ = places.find(&Path::root().key(key));
                }
            }
            value
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "a document is refused without a finding");
            assert!(findings.iter().all(|finding| !finding.message.is_empty()));
            None
        }
    }
}

/// A schema, a rule and a document, separated by lines of `---`; all as text, the schema in JSON.
pub fn schema(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, "\n---\n");
    let (schema, rule, content) = (parts.next(), parts.next(), parts.next());
    let rules = DocumentRules {
        pattern: "*.yaml".to_owned(),
        schema: schema.and_then(|schema| serde_json::from_str(schema).ok()),
        rules: rule.filter(|rule| !rule.is_empty()).map(CelRule::new).into_iter().collect(),
        ..DocumentRules::default()
    };
    let compiled = match compile(&SchemaSpec { documents: vec![rules], ..SchemaSpec::default() }) {
        Ok(compiled) => compiled,
        Err(faults) => return assert!(!faults.is_empty(), "a schema is refused without a fault"),
    };
    let content = content.unwrap_or("a: 1\n").as_bytes().to_vec();
    let Ok(name) = DocumentName::parse("a.yaml") else { return };
    let Ok(documents) = Documents::from_ordered(vec![(name, content.into())]) else { return };
    let Ok(configuration) = Configuration::parse(documents, compiled.dialect()) else { return };
    let first = compiled.validate(&configuration, Some(&configuration));
    assert_eq!(first, compiled.validate(&configuration, Some(&configuration)), "the same gets two verdicts");
    let _ = (compiled.defaulted(&configuration), compiled.guide());
}

/// A version's file as it is, and the same bytes as what follows a line that fits them, or the fuzzer would have to
/// guess a checksum. What can be read is read back the same after it was written.
pub fn stored(bytes: &[u8]) {
    let _ = decode(bytes);
    for container in ["json", "yaml"] {
        for compression in ["none", "zstd", "gzip"] {
            let line = format!("rekindle-version 1 {container} {compression} {}", bytes.len());
            let hash = Sha256::new().chain_update(&line).chain_update(bytes).finalize();
            let mut whole = format!("{line} sha256:{}\n", base16ct::lower::encode_string(&hash)).into_bytes();
            whole.extend_from_slice(bytes);
            let Ok(read) = decode(&whole) else { continue };
            for container in [Container::Json, Container::Yaml] {
                let again = encode(&read, container, Compression::Zstd).map(|bytes| decode(&bytes));
                assert_eq!(again, Ok(Ok(read.clone())), "a version is read back as another");
            }
        }
    }
}

/// The body of a push, an answer to one, and the header that signs it (the first line).
pub fn push(bytes: &[u8]) {
    if let Ok(body) = Body::decode(bytes, Limits::default()) {
        assert_eq!(Digest::of(&body.documents), body.digest, "documents of another digest are taken");
        let again = body.encode().map(|bytes| Body::decode(&bytes, Limits::default()));
        assert!(again.is_ok_and(|again| again.as_ref() == Ok(&body)), "a body is read back as another");
    }
    let _ = (AnswerBody::decode(bytes), interpret(200, bytes, Digest::of(&Documents::default())));
    let text = String::from_utf8_lossy(bytes);
    let Ok(key) = PushKey::new(&[7; 32]) else { return };
    let keys = PushKeys { current: key, previous: None };
    let verified = verify(&keys, text.lines().next().unwrap_or_default(), bytes, 1_764_140_000);
    assert!(verified.is_err(), "a signature was forged");
}

/// A pattern over paths.
pub fn pattern(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(pattern) = Pattern::parse(&text) {
        let path = Path::root().key("database").key("pools").index(0).key("size");
        assert_eq!(pattern.matches(&path), pattern.matches(&path));
    }
    let _ = rekindle_core::redact::PathPattern::parse(&text);
}

/// Two values in JSON, one on each side of the first line feed, in every format of a difference.
pub fn diff(bytes: &[u8]) {
    let middle = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (old, new) = bytes.split_at(middle);
    let (Ok(old), Ok(new)) = (serde_json::from_slice::<Value>(old), serde_json::from_slice::<Value>(new)) else {
        return;
    };
    let hosts = Guide::default().identified_by(["name"]);
    let guide = Guide::default().key("hosts", hosts.clone()).others(hosts);
    let comparison = Comparison::of(&old, &new, &guide);
    assert_eq!(comparison.is_empty(), old == new, "equal values differ, or others do not");
    assert_eq!(comparison.patch().len(), comparison.statistics().total());
    let redaction = Redaction::usual();
    let texts = [
        comparison.unified("old", "new", &redaction),
        comparison.outline(&redaction, Color::Never),
        comparison.markdown(&redaction),
    ];
    for text in texts {
        let steers = text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!steers, "a value can steer the terminal");
    }
}

#[cfg(test)]
mod tests;
