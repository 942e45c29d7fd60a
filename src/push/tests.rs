//! The pusher against real TCP peers that misbehave in every way that peers do.

mod peers;

mod faults;
mod many;
mod reuse;

use std::net::SocketAddr;
use std::time::Instant;

use bytes::Bytes;
use rekindle_core::digest::Digest;
use rekindle_core::document::Documents;
use rekindle_core::ids::Uid;
use rekindle_core::target::Payload;
use rekindle_core::time::Timestamp;

use self::peers::Peer;
use super::*;

const PATH: &str = "/rekindle/v1/config";

/// Limits that a test need not wait for.
const SETTINGS: Settings = Settings {
    connections: 64,
    idle: Duration::from_secs(60),
    sweep: Duration::from_millis(10),
    warming: Duration::from_secs(60),
};

fn pusher() -> Pusher {
    Pusher::start(SETTINGS).unwrap()
}

fn digest() -> Digest {
    Digest::of(&Documents::default())
}

fn shipment(body: impl Into<Bytes>) -> Arc<Shipment> {
    Arc::new(Shipment { body: body.into(), signature: "t=1,v1=ab".to_owned(), digest: digest() })
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        address: address.ip(),
        port: address.port(),
        path: PATH.to_owned(),
        payload: Payload::Content,
        timeout: Duration::from_secs(60),
    }
}

/// Pushes to endpoints; gives their numbers with their answers, in the order in which these came.
async fn push(pusher: &Pusher, shipment: &Arc<Shipment>, endpoints: &[Endpoint]) -> Vec<(usize, Answer, Duration)> {
    let key = |number: usize| TargetKey { uid: Uid::parse(number.to_string()).unwrap(), started: Timestamp(0) };
    let targets = endpoints.iter().cloned().enumerate().map(|(number, endpoint)| (key(number), endpoint)).collect();
    // A receiver that is full now and then, as a busy one would be.
    let (sender, mut receiver) = mpsc::channel::<(TargetKey, _, _)>(3);
    let mut answers = Vec::new();
    let receiving = async {
        while let Some((key, answer, took)) = receiver.recv().await {
            answers.push((key.uid.as_str().parse().unwrap(), answer, took));
        }
    };
    futures::join!(pusher.push(Arc::clone(shipment), targets, sender), receiving);
    answers
}

async fn push_one(pusher: &Pusher, endpoint: Endpoint) -> Answer {
    let mut answers = push(pusher, &shipment("{}"), &[endpoint]).await;
    assert_eq!(answers.len(), 1);
    answers.remove(0).1
}

fn reason(answer: Answer) -> String {
    match answer {
        Answer::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// Waits until something holds that other threads bring about.
async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_push_is_a_signed_post_and_its_ack_names_the_digest() {
    let peer = Peer::acknowledging();
    let answer = push(&pusher(), &shipment("{\"version\":8}"), &[endpoint(peer.address)]).await.remove(0).1;
    assert_eq!(answer, Answer::Ack);
    let agent = concat!("rekindle/", env!("CARGO_PKG_VERSION"));
    let expected = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {}\r\nuser-agent: {agent}\r\ncontent-type: application/json\r\n\
         rekindle-signature: t=1,v1=ab\r\ncontent-length: 13\r\n\r\n{{\"version\":8}}",
        peer.address
    );
    assert_eq!(peer.requests(), [expected]);
}

#[tokio::test]
async fn an_ack_of_another_digest_is_a_failure() {
    let peer = Peer::answering("200 OK", "{\"running\":{\"version\":1,\"digest\":\"sha256:00\"}}");
    assert!(matches!(push_one(&pusher(), endpoint(peer.address)).await, Answer::Failed { .. }));
}

#[tokio::test]
async fn a_nack_carries_its_reason() {
    let peer = Peer::answering("422 Unprocessable", "{\"reason\":\"pool too large\"}");
    let answer = push_one(&pusher(), endpoint(peer.address)).await;
    assert_eq!(answer, Answer::Nack { reason: "pool too large".to_owned() });
}

#[tokio::test]
async fn a_notice_is_a_bare_post_whose_status_is_the_answer() {
    let pusher = pusher();
    let notice =
        |peer: &Peer| Endpoint { payload: Payload::Notice, path: "/-/reload".to_owned(), ..endpoint(peer.address) };
    let peer = Peer::answering("204 No Content", "");
    assert_eq!(push_one(&pusher, notice(&peer)).await, Answer::Delivered);
    let request = peer.requests().remove(0);
    assert!(request.starts_with("POST /-/reload HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("content-length: 0\r\n\r\n") && !request.contains("signature"), "{request}");
    let peer = Peer::answering("500 Internal", "failed to reload config");
    assert!(matches!(push_one(&pusher, notice(&peer)).await, Answer::Nack { .. }));
}

#[tokio::test]
async fn an_address_of_version_six_stands_in_brackets() {
    let peer = Peer::listening("[::1]:0", |wire, _| wire.acknowledge_all());
    assert_eq!(push_one(&pusher(), endpoint(peer.address)).await, Answer::Ack);
    assert!(peer.requests().remove(0).contains(&format!("\r\nhost: [::1]:{}\r\n", peer.address.port())));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Peer::acknowledging();
    let location = format!("http://{}/", elsewhere.address);
    let peer = Peer::listening("127.0.0.1:0", move |wire, _| {
        wire.request();
        wire.write(format!("HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        wire.until_closed();
    });
    let reason = reason(push_one(&pusher(), endpoint(peer.address)).await);
    assert!(reason.contains("redirect"), "{reason}");
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn nothing_that_could_be_a_second_request_is_sent() {
    let (peer, pusher) = (Peer::acknowledging(), pusher());
    for path in ["/a\r\nx: y", "/a b", "http://elsewhere/", "", "/ä"] {
        let endpoint = Endpoint { path: path.to_owned(), ..endpoint(peer.address) };
        assert_eq!(reason(push_one(&pusher, endpoint).await), "its path cannot stand in a request", "{path:?}");
    }
    let signed = Arc::new(Shipment { signature: "t=1\r\nx: y".to_owned(), ..(*shipment("{}")).clone() });
    let answer = push(&pusher, &signed, &[endpoint(peer.address)]).await.remove(0).1;
    assert_eq!(reason(answer), "the signature cannot stand in a header");
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn a_push_to_nobody_ends_at_once() {
    assert_eq!(push(&pusher(), &shipment("{}"), &[]).await, []);
}
