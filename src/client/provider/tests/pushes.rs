//! The operator's pushes through the receiver into a provider that reloads, as signed requests.
//! Must not know how a receiver verifies; its own tests do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use rekindle_core::contract::body::{Body, Reason};
use rekindle_core::contract::signature::{PushKey, PushKeys, sign};
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{Epoch, Namespace, ObjectName, PolicyId};

use super::*;
use crate::engine::{Outcome, Pushes, Refusal};
use crate::notify::{Change, Failure, Options, Participant};
use crate::store::Snapshot;
use crate::{Keys, Receiver, SIGNATURE_HEADER};

const NEVER: Duration = Duration::from_secs(3600);

struct World {
    directory: TempDir,
    provider: HotReloadProvider,
    receiver: Receiver<Pushes>,
}

fn key() -> PushKey {
    PushKey::new(&[7; 32]).unwrap()
}

impl World {
    /// A pool of 5 from a file, and of at most 255; the file is read when the test says so.
    async fn new(deadline: Duration) -> Self {
        let directory = directory(&[("app.yaml", "pool: 5")]);
        let watch =
            crate::watch::Settings { events: false, poll: NEVER, poll_without_events: NEVER, ..Default::default() };
        let settings = settings(&directory, &[("APP__MODE", "fast")]).check_type::<u8>("pool");
        let provider = HotReloadProvider::builder(settings).watch(watch).start().unwrap();
        provider.statuses().wait_for(|status| status.unchanged == 1).await.unwrap();
        let keys = Keys::fixed(PushKeys { current: key(), previous: None });
        let receiver = Receiver::builder(keys).deadline(deadline).build(provider.pushes().unwrap());
        Self { directory, provider, receiver }
    }

    /// Pushes a version of `app.yaml` as the operator does.
    async fn push(&self, version: u64, content: &str) -> (u16, Value) {
        let body = body(version, content).encode().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signature = sign(&key(), i64::try_from(now).unwrap(), &body);
        let request = Request::post("/").header(SIGNATURE_HEADER, signature).body(Full::new(body)).unwrap();
        let response = self.receiver.handle(request).await;
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
    }

    async fn file(&self, content: &str) -> Outcome {
        fs::write(self.directory.path().join("app.yaml"), content).unwrap();
        self.provider.reload_now().await.unwrap()
    }

    fn pool(&self) -> u8 {
        self.provider.get("pool").unwrap()
    }
}

fn body(version: u64, content: &str) -> Body {
    let name = DocumentName::parse("app.yaml").unwrap();
    let documents = Documents::from_ordered(vec![(name, Bytes::from(content.to_owned()))]).unwrap();
    Body {
        policy: PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse("checkout").unwrap() },
        version: VersionNumber(version),
        digest: Digest::of(&documents),
        epoch: Epoch(1),
        reason: Reason::Edit,
        changed: Vec::new(),
        documents,
    }
}

fn running(version: u64, content: &str) -> Value {
    json!({"version": version, "digest": body(version, content).digest.to_string()})
}

fn nack(answer: &(u16, Value)) -> &str {
    assert_eq!(answer.0, 422, "{answer:?}");
    answer.1["reason"].as_str().unwrap()
}

/// Takes no pool of 100, and never answers for one of 50.
struct Strict;

impl Participant<Snapshot> for Strict {
    async fn prepare(&self, change: Change<Snapshot>) -> Result<(), Failure> {
        match change.after().get("pool").unwrap() {
            100_u8 => Err(Failure::new("the pool cannot grow that far")),
            50 => std::future::pending().await,
            _ => Ok(()),
        }
    }

    async fn commit(&self, _: Change<Snapshot>) {}

    async fn abort(&self, _: Change<Snapshot>) {}
}

#[tokio::test]
async fn a_push_runs_below_the_variables_and_subscribers_are_told() {
    let world = World::new(NEVER).await;
    let mut changes = world.provider.notifier().unwrap().stream(Options::new("test", "pool").unwrap());
    assert_eq!(
        world.push(8, "pool: 6\nmode: slow").await,
        (200, json!({"running": running(8, "pool: 6\nmode: slow")}))
    );
    assert_eq!((world.pool(), world.provider.get("mode")), (6, Ok("fast".to_owned())));
    let change = changes.next().await.unwrap();
    assert_eq!((change.before().get("pool"), change.after().get("pool")), (Ok(5), Ok(6)));
    world.provider.statuses().wait_for(|status| status.applied == 1).await.unwrap();
    let status = world.provider.status();
    assert_eq!((status.version, status.pushed, status.refusal), (VersionNumber(2), Some(VersionNumber(8)), None));

    let same = "pool: 6 # a comment makes no version here, and is the operator's";
    assert_eq!(world.push(9, same).await, (200, json!({"running": running(9, same)})));
    let status = world.provider.status();
    assert_eq!((status.version, status.pushed), (VersionNumber(2), Some(VersionNumber(9))));
    assert_eq!(world.push(8, "pool: 6\nmode: slow").await.0, 409);
}

#[tokio::test]
async fn what_may_not_run_is_a_nack_with_its_reason_and_changes_nothing() {
    let world = World::new(NEVER).await;
    let _strict = world.provider.notifier().unwrap().participate(Options::new("strict", "pool").unwrap(), Strict);
    assert_eq!(world.push(1, "pool: 6").await.0, 200);
    let syntax = world.push(2, "pool: [").await;
    assert!(nack(&syntax).contains("Syntax"), "{syntax:?}");
    let check = world.push(3, "pool: 6000").await;
    assert_eq!(nack(&check), "`pool` must be u8, and its value is something else (Custom)");
    let veto = world.push(4, "pool: 100").await;
    assert_eq!(nack(&veto), "asking `strict` whether it takes the change: the pool cannot grow that far");
    world.provider.safeguard().stop("by hand");
    let held = world.push(5, "pool: 7").await;
    assert_eq!(nack(&held), "reloads are held: emergency stop by call: by hand");
    for answer in [syntax, check, veto, held] {
        assert_eq!(answer.1["running"], running(1, "pool: 6"));
    }
    let status = world.provider.status();
    assert_eq!((world.pool(), status.refused, status.held), (6, 3, 1));
    world.provider.safeguard().release();
    assert_eq!(world.push(5, "pool: 7").await.0, 200, "the operator comes again");
    assert_eq!(world.pool(), 7);
}

#[tokio::test]
async fn a_push_that_is_given_up_has_changed_nothing_and_the_next_is_taken() {
    let world = World::new(Duration::from_millis(50)).await;
    let slow = world.provider.notifier().unwrap().participate(Options::new("slow", "pool").unwrap(), Strict);
    let late = world.push(1, "pool: 50").await;
    assert_eq!(nack(&late), "the application took longer than 50ms");
    assert_eq!((late.1["running"].clone(), world.pool()), (Value::Null, 5));
    drop(slow);
    let taken = async { while world.push(2, "pool: 7").await.0 != 200 {} };
    tokio::time::timeout(Duration::from_secs(20), taken).await.unwrap();
    assert_eq!((world.pool(), world.provider.status().refused), (7, 0));
}

#[tokio::test]
async fn files_are_followed_until_a_push_is_taken_and_a_late_copy_takes_nothing_back() {
    let world = World::new(NEVER).await;
    assert_eq!(world.push(1, "pool: many").await.0, 422);
    assert!(matches!(world.file("pool: 6").await, Outcome::Applied(_)), "a push that is refused decides nothing");
    assert_eq!(world.push(2, "pool: 7").await.0, 200);
    assert_eq!(world.push(3, "pool: 8").await.0, 200);

    let decides = Refusal::Pushed(VersionNumber(3));
    assert_eq!(world.file("pool: 7").await, Outcome::Refused(decides.clone()));
    assert_eq!(world.provider.status().refusal, Some(decides));
    assert_eq!(world.file("pool: 8").await, Outcome::Unchanged, "the mount has caught up");
    assert_eq!((world.provider.status().refusal, world.pool()), (None, 8));
    assert_eq!(world.receiver.running().unwrap().version, VersionNumber(3));
}

#[cfg(feature = "versions")]
#[tokio::test]
async fn a_push_is_kept_as_such_and_rolling_back_is_the_operators_affair() {
    use crate::versions::{Cause, Limits, LocalOrigin, RollbackFailed, RollbackTo, Versions};

    let directory = directory(&[("app.yaml", "pool: 5")]);
    let versions = Arc::new(Versions::in_memory(Limits::default()));
    let provider = HotReloadProvider::builder(settings(&directory, &[])).versions(versions.clone()).start().unwrap();
    let keys = Keys::fixed(PushKeys { current: key(), previous: None });
    let world = World { receiver: Receiver::builder(keys).build(provider.pushes().unwrap()), provider, directory };
    assert_eq!(world.push(8, "pool: 6").await.0, 200);
    let rollback = world.provider.rollback(RollbackTo::Steps(1), Cause::default()).await.unwrap();
    let pushed = VersionNumber(8);
    assert!(
        matches!(rollback, Err(RollbackFailed::Refused { source: Refusal::Pushed(number), .. }) if number == pushed),
        "{rollback:?}"
    );
    let kept = versions.active().unwrap();
    assert_eq!((kept.origin, kept.number), (LocalOrigin::Push, VersionNumber(2)));
    assert_eq!(kept.cause.reason.as_deref(), Some("version 8 of the operator"));
}
