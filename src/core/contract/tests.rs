//! The contract's vectors (docs/contract-vectors.json, made by an implementation of its own) and what they leave out.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::answer::{AnswerBody, MAX_REASON, interpret, interpret_notice};
use super::body::{Body, BodyError, Limits, MAX_CHANGED, Reason};
use super::fence::{Fence, Judgment};
use super::signature::{PushKey, PushKeys, SignatureError, sign, sign_with_all, verify};
use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::ids::{Epoch, Namespace, ObjectName, PolicyId, VersionNumber};
use crate::target::{Answer, Running};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../docs/contract-vectors.json")).unwrap()
}

fn cases(what: &str) -> Vec<Value> {
    let cases = vectors()[what].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn text<'value>(case: &'value Value, key: &str) -> &'value str {
    case[key].as_str().unwrap()
}

fn keys() -> PushKeys {
    let vectors = vectors();
    let key = |name: &str| PushKey::new(&base16ct::lower::decode_vec(text(&vectors["keys"], name)).unwrap()).unwrap();
    PushKeys { current: key("current"), previous: Some(key("previous")) }
}

fn documents(entries: &[(&str, &[u8])]) -> Documents {
    let entries = entries.iter().map(|(name, content)| (DocumentName::parse(*name).unwrap(), content.to_vec().into()));
    Documents::join([entries.collect::<BTreeMap<_, Bytes>>()])
}

fn body(documents: Documents) -> Body {
    Body {
        policy: PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse("checkout").unwrap() },
        version: VersionNumber(8),
        digest: Digest::of(&documents),
        epoch: Epoch(3),
        reason: Reason::Edit,
        changed: vec!["pool".to_owned()],
        documents,
    }
}

fn decode(wire: &Value) -> Result<Body, BodyError> {
    Body::decode(wire.to_string().as_bytes(), Limits::default())
}

#[test]
fn digests_are_those_of_the_vectors() {
    let mut wire: Value = serde_json::from_str(text(&vectors(), "body")).unwrap();
    for case in cases("digests") {
        wire["documents"] = case["documents"].clone();
        wire["digest"] = case["digest"].clone();
        let decoded = decode(&wire).unwrap_or_else(|error| panic!("{}: {error}", case["about"]));
        assert_eq!(decoded.digest.to_string(), text(&case, "digest"), "{}", case["about"]);
    }
}

#[test]
fn the_body_of_the_vectors_is_what_this_implementation_writes() {
    let expected = body(documents(&[("app.yaml", b"pool: 10\ncurrency: EUR\n"), ("logo", &[0xff, 0xfe, 0, 1])]));
    let vectors = vectors();
    assert_eq!(std::str::from_utf8(&expected.encode().unwrap()).unwrap(), text(&vectors, "body"));
    assert_eq!(Body::decode(text(&vectors, "body").as_bytes(), Limits::default()), Ok(expected));
}

#[test]
fn signatures_are_judged_as_the_vectors_say() {
    let vectors = vectors();
    let body = text(&vectors, "body").as_bytes();
    for case in cases("signatures") {
        let accepted = verify(&keys(), text(&case, "header"), body, case["now"].as_i64().unwrap());
        assert_eq!(accepted.is_ok(), case["verdict"] == "accept", "{}: {accepted:?}", case["about"]);
    }
    let first = &cases("signatures")[0];
    assert_eq!(sign(&keys().current, first["now"].as_i64().unwrap(), body), text(first, "header"));
}

#[test]
fn a_changed_body_is_refused() {
    let header = sign(&keys().current, 1000, b"body");
    assert_eq!(verify(&keys(), &header, b"body", 1000), Ok(()));
    assert_eq!(verify(&keys(), &header, b"bodY", 1000), Err(SignatureError::Mismatch));
    assert_eq!(verify(&keys(), " ", b"body", 1000), Err(SignatureError::Missing));
    let endless = format!("{header}{}", ",v2=".repeat(1000));
    assert_eq!(verify(&keys(), &endless, b"body", 1000), Err(SignatureError::Malformed));
    let far = verify(&keys(), &header, b"body", i64::MIN);
    assert_eq!(far, Err(SignatureError::Expired { apart: i64::MIN.abs_diff(1000) }));
}

#[test]
fn while_a_key_is_rotated_either_key_verifies() {
    let PushKeys { current, previous } = keys();
    let header = sign_with_all(&keys(), 1000, b"body");
    for key in [current.clone(), previous.unwrap()] {
        assert_eq!(verify(&PushKeys { current: key, previous: None }, &header, b"body", 1000), Ok(()));
    }
    let alone = PushKeys { current, previous: None };
    assert_eq!(sign_with_all(&alone, 1000, b"body"), sign(&alone.current, 1000, b"body"));
}

#[test]
fn keys_are_bounded_and_never_printed() {
    for length in [0, 31, 1025] {
        assert!(PushKey::new(&vec![7; length]).is_err(), "{length}");
    }
    let key = PushKey::new(b"0123456789abcdef0123456789abcdef").unwrap();
    let keys = PushKeys { current: key, previous: None };
    assert_eq!(format!("{keys:?}"), "PushKeys { current: PushKey(..), previous: None }");
}

#[test]
fn the_fence_judges_as_the_vectors_say() {
    let running = |value: &Value| {
        let running = Running {
            version: VersionNumber(value["version"].as_u64().unwrap()),
            digest: Digest::parse(text(value, "digest")).unwrap(),
        };
        (Epoch(value["epoch"].as_u64().unwrap()), running)
    };
    for case in cases("fences") {
        let mut fence = Fence::default();
        if case["running"].is_object() {
            let (epoch, running) = running(&case["running"]);
            fence = Fence { epoch, running: Some(running) };
        }
        let expected = match text(&case, "judgment") {
            "apply" => Judgment::Apply,
            "already-running" => Judgment::AlreadyRunning,
            "stale" => Judgment::Stale,
            other => panic!("{other}"),
        };
        let (epoch, incoming) = running(&case["incoming"]);
        assert_eq!(fence.judge(epoch, incoming), expected, "{}", case["about"]);
    }
}

#[test]
fn the_epoch_of_a_refused_version_is_remembered() {
    let push = |version| Running { version: VersionNumber(version), digest: Digest::of(&Documents::default()) };
    let mut fence = Fence::default();
    assert_eq!(fence.judge(Epoch(3), push(8)), Judgment::Apply);
    assert_eq!(fence.judge(Epoch(2), push(9)), Judgment::Stale);
    assert_eq!(fence.judge(Epoch(3), push(8)), Judgment::Apply, "it may be tried again");
    assert_eq!(fence, Fence { epoch: Epoch(3), running: None });
}

#[test]
fn answers_mean_what_the_vectors_say() {
    for case in cases("answers") {
        let pushed = Digest::parse(text(&case, "pushed")).unwrap();
        let status = u16::try_from(case["status"].as_u64().unwrap()).unwrap();
        let word = match interpret(status, text(&case, "body").as_bytes(), pushed) {
            Answer::Ack => "ack",
            Answer::Delivered => "delivered",
            Answer::Nack { .. } => "nack",
            Answer::Stale { .. } => "stale",
            Answer::Failed { .. } => "failed",
        };
        assert_eq!(word, text(&case, "means"), "{}", case["about"]);
    }
}

#[test]
fn a_notice_is_delivered_refused_or_failed_and_never_an_ack() {
    assert_eq!(interpret_notice(200), Answer::Delivered);
    assert_eq!(interpret_notice(204), Answer::Delivered);
    let nack = |status| Answer::Nack { reason: format!("it answered the notice with status {status}") };
    assert_eq!(interpret_notice(404), nack(404));
    assert_eq!(interpret_notice(500), nack(500));
    for status in [100, 302, 600] {
        assert!(matches!(interpret_notice(status), Answer::Failed { .. }), "{status}");
    }
}

#[test]
fn what_a_target_says_is_bounded_and_cleaned() {
    let digest = Digest::of(&Documents::default());
    let reason = |said: &str| match interpret(422, json!({ "reason": said }).to_string().as_bytes(), digest) {
        Answer::Nack { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason("a\u{1b}[31mb\nc\u{202e}d"), "a [31mb c d");
    assert_eq!(reason(" \n "), "it gave no reason");
    assert_eq!(reason(&"x".repeat(MAX_REASON)), "x".repeat(MAX_REASON));
    let long = reason(&"ü".repeat(MAX_REASON + 1));
    assert_eq!((long.chars().count(), long.ends_with('…')), (MAX_REASON, true));
}

#[test]
fn answers_survive_the_way() {
    let running = Running { version: VersionNumber(7), digest: Digest::of(&Documents::default()) };
    let answers = [
        AnswerBody::default(),
        AnswerBody { running: Some(running), reason: None },
        AnswerBody { running: Some(running), reason: Some("too many".to_owned()) },
    ];
    for answer in answers {
        assert_eq!(AnswerBody::decode(&answer.encode()), Some(answer));
    }
}

#[test]
fn bodies_survive_the_way_whatever_the_bytes_are() {
    let all: Vec<u8> = (0..=255).collect();
    let sent = body(documents(&[
        ("app.yaml", b"a: \"\\ \xc3\xa9\"\r\n\t"),
        ("broken.yaml", &[0xff]),
        ("control", b"\0\x1b[0m"),
        ("empty", b""),
        ("every-byte", &all),
    ]));
    let encoded = sent.encode().unwrap();
    assert_eq!(Body::decode(&encoded, Limits::default()), Ok(sent));
    let wire: Value = serde_json::from_slice(&encoded).unwrap();
    let form = |index: usize| wire["documents"][index].get("text").map_or("base64", |_| "text");
    assert_eq!([0, 1, 2, 3, 4].map(form), ["text", "base64", "base64", "text", "base64"]);
}

#[test]
fn a_body_never_grows_beyond_twice_its_contents() {
    for worst in ["\n", "\"", "\\", "\u{1}", "\u{7f}"] {
        let sent = body(documents(&[("a", worst.repeat(100_000).as_bytes())]));
        assert!(sent.encode().unwrap().len() < 200_512, "{worst:?}");
    }
}

#[test]
fn too_many_changed_paths_become_none() {
    let mut sent = body(Documents::default());
    sent.changed = vec!["a".to_owned(); MAX_CHANGED + 1];
    let received = Body::decode(&sent.encode().unwrap(), Limits::default()).unwrap();
    assert!(received.changed.is_empty());
}

#[test]
fn bodies_outside_the_contract_are_refused_without_quoting_them() {
    let good: Value = serde_json::from_str(text(&vectors(), "body")).unwrap();
    let app = good["documents"][0].clone();
    let mut twice = app.clone();
    twice["base64"] = json!("AA==");
    let changes = [
        ("policy", json!("checkout")),
        ("policy", json!("shop/SECRET")),
        ("policy", json!("shop/check/out")),
        ("version", json!("SECRET")),
        ("version", json!(-1)),
        ("epoch", json!(1.5)),
        ("reason", json!("SECRET")),
        ("digest", json!("sha256:SECRET")),
        ("digest", json!(Digest::of(&Documents::default()).to_string())),
        ("documents", json!("SECRET")),
        ("documents", json!([app, app])),
        ("documents", json!([twice])),
        ("documents", json!([{"name": "a", "format": "text"}])),
        ("documents", json!([{"name": "../a", "text": ""}])),
        ("documents", json!([{"name": "a", "base64": "SECRET!"}])),
    ];
    for (field, value) in changes {
        let mut wire = good.clone();
        wire[field] = value.clone();
        let error = decode(&wire).map(|_| ()).unwrap_err();
        assert!(!error.to_string().contains("SECRET"), "{field} = {value}: {error}");
    }
    assert!(decode(&json!({})).unwrap_err().to_string().contains("missing field `policy`"));
    assert!(Body::decode(b"{", Limits::default()).is_err());
    assert!(Body::decode("[".repeat(100_000).as_bytes(), Limits::default()).is_err());
}

#[test]
fn unknown_fields_and_formats_are_skipped() {
    let mut wire: Value = serde_json::from_str(text(&vectors(), "body")).unwrap();
    wire["later"] = json!({"a": [1]});
    wire["documents"][0]["format"] = json!("hcl");
    wire["documents"][0]["mode"] = json!("0644");
    assert!(decode(&wire).is_ok());
}

#[test]
fn limits_hold_for_number_and_size() {
    let sent = body(documents(&[("a", b"123"), ("b", b"456")])).encode().unwrap();
    let decode = |documents, contents| Body::decode(&sent, Limits { documents, contents });
    assert!(decode(2, 6).is_ok());
    assert_eq!(decode(1, 6), Err(BodyError::TooMuch { what: "documents", limit: 1 }));
    assert_eq!(decode(2, 5), Err(BodyError::TooMuch { what: "bytes of content", limit: 5 }));
}

#[test]
fn a_reason_is_sent_as_its_word() {
    use Reason::{CatchUp, Edit, File, Revert, Rollback};
    for reason in [Edit, File, Rollback, Revert, CatchUp] {
        let sent = Body { reason, ..body(Documents::default()) };
        let wire: Value = serde_json::from_slice(&sent.encode().unwrap()).unwrap();
        assert_eq!(wire["reason"], reason.as_str());
        assert_eq!(decode(&wire).map(|body| body.reason), Ok(reason));
    }
}

#[test]
fn a_body_is_shown_without_its_contents() {
    let shown = format!("{:?}", body(documents(&[("app.yaml", b"password: hunter2")])));
    assert!(shown.contains("app.yaml") && !shown.contains("hunter2"), "{shown}");
}
