//! The receiver without a network: requests in, responses out.

use std::convert::Infallible;
use std::task::{Context as TaskContext, Poll as TaskPoll};

use http_body::Frame;
use http_body_util::Empty;
use rekindle_core::contract::body::Reason;
use rekindle_core::contract::signature::{PushKey, PushKeys, sign};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{Epoch, Namespace, ObjectName, VersionNumber};
use serde_json::{Value, json};
use tower_service::Service as _;

use super::*;
use crate::update::{Refusal, Update};

fn key() -> PushKey {
    PushKey::new(&[7; 32]).unwrap()
}

fn builder() -> Builder {
    Receiver::builder(Keys::fixed(PushKeys { current: key(), previous: None }))
}

async fn refuse_threes(update: Update) -> Result<(), Refusal> {
    if update.text("n") == Some("3") { Err(Refusal::new("n is not\nto be three")) } else { Ok(()) }
}

fn policy(name: &str) -> PolicyId {
    PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse(name).unwrap() }
}

fn body(version: u64, content: &str) -> Body {
    let entries = vec![(DocumentName::parse("n").unwrap(), Bytes::from(content.to_owned()))];
    let documents = Documents::from_ordered(entries).unwrap();
    Body {
        policy: policy("checkout"),
        version: VersionNumber(version),
        digest: Digest::of(&documents),
        epoch: Epoch(1),
        reason: Reason::Edit,
        changed: Vec::new(),
        documents,
    }
}

fn signed(body: &[u8]) -> Request<Full<Bytes>> {
    post(&sign(&key(), unix_seconds(), body), body)
}

fn post(signature: &str, body: &[u8]) -> Request<Full<Bytes>> {
    let request = Request::post("/").header(SIGNATURE_HEADER, signature);
    request.body(Full::new(Bytes::copy_from_slice(body))).unwrap()
}

async fn ask<A: Apply, B>(receiver: &Receiver<A>, request: Request<B>) -> (u16, Value)
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let response = receiver.handle(request).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

async fn push<A: Apply>(receiver: &Receiver<A>, version: u64, content: &str) -> (u16, Value) {
    ask(receiver, signed(&body(version, content).encode().unwrap())).await
}

fn running(version: u64, content: &str) -> Value {
    json!({"version": version, "digest": body(version, content).digest.to_string()})
}

#[tokio::test]
async fn a_push_is_acked_nacked_or_stale_and_get_tells_what_runs() {
    let receiver = builder().build(refuse_threes);
    let get = || Request::get("/").body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(ask(&receiver, get()).await, (200, json!({"running": null})));
    assert_eq!(push(&receiver, 1, "1").await, (200, json!({"running": running(1, "1")})));
    assert_eq!(push(&receiver, 2, "2").await, (200, json!({"running": running(2, "2")})));
    let nack = json!({"running": running(2, "2"), "reason": "n is not to be three"});
    assert_eq!(push(&receiver, 3, "3").await, (422, nack));
    let (status, answer) = push(&receiver, 1, "1").await;
    assert_eq!((status, &answer["running"]), (409, &running(2, "2")));
    assert_eq!(ask(&receiver, get()).await, (200, json!({"running": running(2, "2")})));
    assert_eq!(receiver.running(), Some(Running { version: VersionNumber(2), digest: body(2, "2").digest }));
}

#[tokio::test]
async fn what_is_not_signed_well_never_reaches_the_application() {
    async fn never(_: Update) -> Result<(), Refusal> {
        panic!("must not be called")
    }
    let receiver = builder().build(never);
    let body = body(1, "1").encode().unwrap();
    let now = unix_seconds();
    let good = sign(&key(), now, &body);
    let stranger = sign(&PushKey::new(&[8; 32]).unwrap(), now, &body);
    let mut twice = post(&good, &body);
    twice.headers_mut().append(SIGNATURE_HEADER, good.parse().unwrap());
    let requests = [
        (Request::post("/").body(Full::new(body.clone())).unwrap(), "missing"),
        (post("", &body), "missing"),
        (post("t=1", &body), "form"),
        (post(&stranger, &body), "another push key"),
        (post(&good, &body[1..]), "another push key"),
        (post(&sign(&key(), now - 400, &body), &body), "s from this clock"),
        (twice, "twice"),
    ];
    for (request, expected) in requests {
        let (status, answer) = ask(&receiver, request).await;
        assert_eq!(status, 401, "{answer}");
        assert!(answer["reason"].as_str().unwrap().contains(expected), "{expected}: {answer}");
    }
}

#[tokio::test]
async fn bodies_outside_the_contract_are_refused_with_the_place() {
    let receiver = builder().build(refuse_threes);
    let mut wire: Value = serde_json::from_slice(&body(1, "1").encode().unwrap()).unwrap();
    wire["documents"][0]["text"] = json!("SECRET");
    for (bytes, expected) in [(wire.to_string().into_bytes(), "digest"), (b"{\"version\":".to_vec(), "line 1")] {
        let (status, answer) = ask(&receiver, signed(&bytes)).await;
        let reason = answer["reason"].as_str().unwrap();
        assert_eq!(status, 400);
        assert!(reason.contains(expected) && !reason.contains("SECRET"), "{reason}");
    }
}

#[tokio::test]
async fn only_get_and_post_are_served() {
    let receiver = builder().build(refuse_threes);
    for method in ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        let request = Request::builder().method(method).body(Empty::<Bytes>::new()).unwrap();
        let response = receiver.handle(request).await;
        assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"GET, POST".parse().unwrap()));
    }
}

/// A body that announces no length, and either never ends or never begins.
struct Endless {
    stuck: bool,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> TaskPoll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.stuck {
            TaskPoll::Pending
        } else {
            TaskPoll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 4096])))))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_are_bounded_in_size_and_time() {
    let receiver = builder().max_body(10_000).build(refuse_threes);
    let open = |stuck| Request::post("/").header(SIGNATURE_HEADER, "x").body(Endless { stuck }).unwrap();
    assert_eq!(ask(&receiver, open(false)).await.0, 413);
    assert_eq!(ask(&receiver, open(true)).await.0, 408);
    let announced = Request::post("/").header(SIGNATURE_HEADER, "x").header(CONTENT_LENGTH, 10_001);
    let (status, answer) = ask(&receiver, announced.body(Endless { stuck: true }).unwrap()).await;
    assert_eq!((status, &answer["reason"]), (413, &json!("the body is larger than 10000 bytes")));
}

#[tokio::test]
async fn a_config_map_of_one_mebibyte_passes_the_default_limit() {
    let receiver = builder().build(refuse_threes);
    for content in ["\n", "\u{1}", "é"] {
        let version = receiver.running().map_or(1, |running| running.version.0 + 1);
        assert_eq!(push(&receiver, version, &content.repeat((1 << 20) / content.len())).await.0, 200);
    }
}

#[tokio::test]
async fn what_is_given_at_the_start_counts_as_running() {
    let start = Running { version: VersionNumber(0), digest: body(0, "0").digest };
    let receiver = builder().running(start).build(refuse_threes);
    assert_eq!(push(&receiver, 3, "3").await.1["running"], running(0, "0"));
    assert_eq!(push(&receiver, 4, "0").await.0, 200, "the same content under its real number");
    assert_eq!(receiver.running().unwrap().version, VersionNumber(4));
}

#[tokio::test]
async fn another_policy_is_refused_when_one_is_named() {
    let receiver = builder().policy(policy("payment")).build(refuse_threes);
    assert_eq!(push(&receiver, 1, "1").await.0, 403);
    let receiver = builder().policy(policy("checkout")).build(refuse_threes);
    assert_eq!(push(&receiver, 1, "1").await.0, 200);
}

#[tokio::test]
async fn without_a_key_nothing_is_taken_and_the_answer_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::builder(Keys::directory(folder.path())).build(refuse_threes);
    let (status, answer) = push(&receiver, 1, "1").await;
    assert_eq!(status, 503);
    assert!(answer["reason"].as_str().unwrap().contains("mount the Secret rekindle-push-key"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_never_gets_its_turn_is_told_so() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let blocking = move |_: Update| {
        let _sent = released.lock().unwrap().recv();
        async { Ok(()) }
    };
    let receiver = builder().deadline(Duration::from_millis(20)).build(blocking);
    assert_eq!(push(&receiver, 1, "1").await.0, 422);
    assert_eq!(push(&receiver, 2, "2").await.0, 503);
    drop(release);
}

#[tokio::test]
async fn it_is_a_tower_service() {
    let mut receiver = builder().build(refuse_threes);
    let response = receiver.call(signed(&body(1, "1").encode().unwrap())).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn nothing_of_a_configuration_is_printed() {
    let shown = format!("{:?} {:?}", Update::from(body(1, "SECRET")), builder().build(refuse_threes));
    assert!(!shown.contains("SECRET") && shown.contains("shop/checkout"), "{shown}");
}
