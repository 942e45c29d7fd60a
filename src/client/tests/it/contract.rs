//! The scenario that every receiver must pass, in whatever language it is written.
//! The application behind it refuses an `app.json` whose pool is above 50.

use std::net::SocketAddr;

use rekindle_core::contract::body::Body;
use rekindle_core::contract::signature::{PushKey, sign};
use serde_json::{Value, json};

use crate::push::{KEY, announce, body, get, now, post, push, push_with};
use rekindle_client::DEFAULT_PATH;

fn version(epoch: u64, number: u64, pool: u32) -> Body {
    let app = json!({ "pool": pool }).to_string();
    body(epoch, number, &[("app.json", app.as_bytes()), ("logo", &[0xff, 0, 1]), ("notes.txt", "Grüße\n".as_bytes())])
}

fn running(body: &Body) -> Value {
    json!({"version": body.version.0, "digest": body.digest.to_string()})
}

async fn assert_runs(receiver: SocketAddr, expected: &Value) {
    assert_eq!(get(receiver, DEFAULT_PATH).await, (200, json!({ "running": expected })));
}

/// Runs through the contract, beginning with a receiver that runs nothing yet.
pub async fn is_spoken_by(receiver: SocketAddr) {
    assert_runs(receiver, &Value::Null).await;
    unsigned_pushes_change_nothing(receiver).await;

    let first = version(3, 7, 10);
    assert_eq!(push(receiver, &first).await, (200, json!({"running": running(&first)})), "ack");
    assert_eq!(push(receiver, &first).await, (200, json!({"running": running(&first)})), "idempotent");

    let (status, answer) = push(receiver, &version(3, 8, 51)).await;
    assert_eq!((status, &answer["running"]), (422, &running(&first)), "nack");
    assert!(answer["reason"].as_str().is_some_and(|reason| reason.contains("pool")), "{answer}");
    assert_runs(receiver, &running(&first)).await;

    let second = version(3, 9, 20);
    assert_eq!(push(receiver, &second).await.0, 200);
    for (stale, why) in [
        (version(3, 7, 10), "a lower version"),
        (version(2, 10, 10), "a deposed leader"),
        (version(3, 9, 10), "another content under the same number"),
        (version(4, 8, 10), "a lower version of a later leader"),
    ] {
        let (status, answer) = push(receiver, &stale).await;
        assert_eq!((status, &answer["running"]), (409, &running(&second)), "{why}");
    }
    assert_eq!(push(receiver, &version(3, 10, 10)).await.0, 409, "the later leader was heard");

    let reverted = version(4, 11, 10);
    assert_eq!(push(receiver, &reverted).await.0, 200, "older content under a new number");
    assert_runs(receiver, &running(&reverted)).await;

    let largest = body(4, 12, &[("large.bin", &vec![0xff; 1 << 20])]);
    assert_eq!(push(receiver, &largest).await.0, 200, "as much as a ConfigMap can hold");
    bodies_outside_the_contract_change_nothing(receiver, &running(&largest)).await;
}

async fn unsigned_pushes_change_nothing(receiver: SocketAddr) {
    let body = version(3, 7, 10);
    let bytes = body.encode().unwrap();
    let key = PushKey::new(&KEY).unwrap();
    assert_eq!(push_with([9; 32], receiver, &body).await.0, 401, "another key");
    for (signature, why) in [
        (String::new(), "none"),
        ("t=1,v1=00".to_owned(), "malformed"),
        (sign(&key, now() - 310, &bytes), "too old"),
        (sign(&key, now() + 310, &bytes), "from the future"),
        (sign(&key, now(), b"another body"), "of another body"),
    ] {
        assert_eq!(post(receiver, &signature, bytes.clone()).await.0, 401, "{why}");
    }
    assert_runs(receiver, &Value::Null).await;
}

async fn bodies_outside_the_contract_change_nothing(receiver: SocketAddr, running: &Value) {
    let good: Value = serde_json::from_slice(&version(4, 20, 10).encode().unwrap()).unwrap();
    let mut other_digest = good.clone();
    other_digest["documents"][2]["text"] = json!("changed");
    let mut twice = good.clone();
    twice["documents"] = json!([good["documents"][0], good["documents"][0]]);
    for bytes in
        [b"".to_vec(), b"{}".to_vec(), b"[1".to_vec(), other_digest.to_string().into(), twice.to_string().into()]
    {
        let signature = sign(&PushKey::new(&KEY).unwrap(), now(), &bytes);
        let (status, answer) = post(receiver, &signature, bytes.into()).await;
        assert_eq!((status, &answer["running"]), (400, running), "{answer}");
    }
    let line = announce(receiver, (4 << 20) + 1).await;
    assert!(line.starts_with("HTTP/1.1 413 "), "{line}");
    assert_runs(receiver, running).await;
}
