//! What is hidden, by name, by pattern and by guide.
//! Must not depend on how differences are shown.

use serde_json::json;

use super::*;

fn path(text: &str) -> Path {
    let segments = text.split('.').filter(|part| !part.is_empty());
    segments.map(|part| part.parse().map_or_else(|_| Segment::Key(part.to_owned()), Segment::Index)).collect()
}

fn matches(pattern: &str, way: &str) -> bool {
    PathPattern::parse(pattern).unwrap().matches(path(way).segments())
}

#[test]
fn patterns_name_places() {
    let cases = [
        ("a.b", "a.b", true),
        ("a.b", "a.b.c", false),
        ("a.*", "a.b", true),
        ("A.**", "a.b.3.c", true),
        ("**.c", "c", true),
        ("**.c", "a.c.b", false),
        ("*.PASS*", "db.password", true),
        ("*.p?ss", "db.pss", false),
        ("é*", "Éa", true),
        ("re:PIN$", "card.pin", true),
        ("re:\\S\\.PIN$", "pin", false),
    ];
    for (pattern, way, expected) in cases {
        assert_eq!(matches(pattern, way), expected, "{pattern} {way}");
        assert_eq!(PathPattern::parse(pattern).unwrap().to_string(), pattern);
    }
    assert!(PathPattern::parse("").is_err() && PathPattern::parse("re:(").is_err());
}

#[test]
fn usual_names_of_secrets_are_hidden_and_ordinary_ones_are_not() {
    assert_eq!(Redaction::usual().patterns.len(), USUAL_NAMES.len());
    let redaction = Redaction::usual();
    for secret in [
        "password",
        "db.Password",
        "DB_PASSWORD",
        "users.3.api_key",
        "tls.private-key.pem",
        "a.secrets.x.y",
        "authToken",
    ] {
        assert!(redaction.hides(&path(secret)), "{secret}");
    }
    for open in ["pool.size", "keyboard", "db.host", "tls.cert"] {
        assert!(!redaction.hides(&path(open)), "{open}");
    }
}

#[test]
fn a_copy_has_the_word_in_place_of_each_secret_and_all_else() {
    let value = json!({"db": {"password": {"old": "x"}, "host": "h"}, "list": [{"token": 1, "a": [2]}]});
    let shown = Redaction::usual().shown(&Path::root(), &value);
    assert_eq!(shown, json!({"db": {"password": REDACTED, "host": "h"}, "list": [{"token": REDACTED, "a": [2]}]}));
    assert_eq!(Redaction::usual().shown(&path("db.password.old"), &json!("x")), json!(REDACTED));
    assert_eq!(Redaction::none().shown(&Path::root(), &value), value);
}
