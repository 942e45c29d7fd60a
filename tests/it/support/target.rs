//! A pod with a receiver behind its address: it takes or refuses what it is told to, and notes every push.
//! Must not know the operator.

mod trap;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use rekindle_client::{Keys, PushKey, PushKeys, Reason, Receiver, Refusal, Running, Update};
use rekindle_testplane::{FakePod, Namespace, RunningPod};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;

pub use trap::Trap;
use trap::{Fuse, Fused};

/// The port of every target.
pub const PORT: u16 = 8080;
/// The key of every namespace of the tests.
pub const KEY: [u8; 32] = *b"the push key of the tests, 32 b!";

/// Says why a version is refused, or nothing.
pub type Judge = Arc<dyn Fn(&Update) -> Option<String> + Send + Sync>;

/// A push that reached the application.
#[derive(Debug, Clone)]
pub struct Push {
    /// What was pushed.
    pub running: Running,
    /// Why.
    pub reason: Reason,
    /// The text of `app.yaml`.
    pub app: Option<String>,
    /// Whether the application took it.
    pub taken: bool,
    /// When it came.
    pub at: Instant,
}

/// A request that came in over the wire, whatever became of it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Method and path.
    pub asked: String,
    /// The body as it came; null when it is no JSON.
    pub body: Value,
    /// When it came.
    pub at: Instant,
}

impl Arrival {
    /// The version that it carries; 0 when it carries none.
    pub fn version(&self) -> u64 {
        self.body["version"].as_u64().unwrap_or_default()
    }

    /// The digest that it carries.
    pub fn digest(&self) -> &str {
        self.body["digest"].as_str().unwrap_or_default()
    }
}

/// A pod with a receiver.
pub struct Target {
    /// The pod.
    pub pod: RunningPod,
    state: Arc<State>,
    server: Option<JoinHandle<()>>,
}

struct State {
    judge: Judge,
    pushes: Mutex<Vec<Push>>,
    delay: Mutex<Duration>,
    /// Whether the application keeps pushes waiting.
    holds: watch::Sender<bool>,
    arrivals: Mutex<Vec<Arrival>>,
    trap: Mutex<Option<Arc<Trap>>>,
    /// Where the push key is read from, unless it is the one of the tests.
    secrets: Option<Api<Secret>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes everything.
pub fn takes_all() -> Judge {
    Arc::new(|_| None)
}

/// Refuses versions whose `app.yaml` contains this.
pub fn refuses(part: &'static str) -> Judge {
    Arc::new(move |update| {
        update.text("app.yaml").is_some_and(|text| text.contains(part)).then(|| "it cannot live with that".to_owned())
    })
}

impl Target {
    /// A pod of the app `checkout` that opted in, and its receiver.
    pub async fn start(namespace: &Namespace, name: &str, judge: Judge) -> Result<Self> {
        Self::start_as(namespace, Self::manifest(name), judge).await
    }

    /// What [`Target::start`] creates, to be changed.
    pub fn manifest(name: &str) -> FakePod {
        FakePod::named(name).label("app", "checkout").annotation("rekindle.dev/reload", "true").port("http", PORT)
    }

    /// The same with a pod of one's own.
    pub async fn start_as(namespace: &Namespace, manifest: FakePod, judge: Judge) -> Result<Self> {
        Self::start_with(namespace, manifest, judge, None).await
    }

    /// The same, and the key is read from the namespace's Secret when the first push comes.
    pub async fn start_reading_key(namespace: &Namespace, name: &str, judge: Judge) -> Result<Self> {
        Self::start_with(namespace, Self::manifest(name), judge, Some(namespace.api())).await
    }

    async fn start_with(
        namespace: &Namespace,
        manifest: FakePod,
        judge: Judge,
        secrets: Option<Api<Secret>>,
    ) -> Result<Self> {
        let address = rekindle_testplane::next_loopback();
        let state = Arc::new(State {
            judge,
            pushes: Mutex::default(),
            delay: Mutex::default(),
            holds: watch::Sender::default(),
            arrivals: Mutex::default(),
            trap: Mutex::default(),
            secrets,
        });
        // It listens before the pod says that it is ready.
        let server = serve((address, PORT).into(), state.clone()).await?;
        let pod = namespace.fake_pod(manifest.address(address)).await?;
        Ok(Self { pod, state, server: Some(server) })
    }

    /// Every push that reached the application, oldest first.
    pub fn pushes(&self) -> Vec<Push> {
        lock(&self.state.pushes).clone()
    }

    /// How many requests came, also those that never reached the application.
    pub fn requests(&self) -> usize {
        lock(&self.state.arrivals).len()
    }

    /// Every request that came, oldest first.
    pub fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.state.arrivals).clone()
    }

    /// Springs this trap from now on, or none.
    pub fn trap(&self, trap: Option<Arc<Trap>>) {
        *lock(&self.state.trap) = trap;
    }

    /// What it runs: the last push that it took.
    pub fn runs(&self) -> Option<Push> {
        self.pushes().into_iter().rev().find(|push| push.taken)
    }

    /// The text of `app.yaml` that it runs.
    pub fn runs_app(&self) -> Option<String> {
        self.runs()?.app
    }

    /// Takes so long for each push from now on.
    pub fn delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
    }

    /// Keeps pushes waiting from now on, or lets them all go on.
    pub fn hold(&self, holds: bool) {
        self.state.holds.send_replace(holds);
    }

    /// Nothing answers any more at the pod's address.
    pub async fn die(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // Over once the listener is closed.
            let _ = server.await;
        }
    }

    /// The container starts again, with nothing in memory.
    pub async fn restart(&mut self) -> Result<()> {
        self.die().await;
        self.server = Some(serve((self.pod.address(), PORT).into(), self.state.clone()).await?);
        self.pod.restart().await
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

async fn serve(address: SocketAddr, state: Arc<State>) -> Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    // One life of the container: what it runs is forgotten with it.
    let receiver = Arc::new(OnceCell::new());
    let application = move || {
        let (state, receiver) = (state.clone(), receiver.clone());
        async move {
            let application = state.clone();
            let made = receiver
                .get_or_try_init(async || {
                    let keys = Keys::fixed(keys(&state).await?);
                    anyhow::Ok(Receiver::builder(keys).build(move |update| apply(application.clone(), update)))
                })
                .await?;
            anyhow::Ok((state, made.clone()))
        }
    };
    Ok(tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let fuse = Fuse::default();
            let (application, wire) = (application.clone(), Fused { stream, fuse: fuse.clone() });
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    let (application, fuse) = (application.clone(), fuse.clone());
                    async move {
                        let (state, receiver) = application().await?;
                        let (request, trap) = arrive(&state, request).await?;
                        let answer = receiver.handle(request).await;
                        if let Some(trap) = trap {
                            trap.taken().await;
                            fuse.light(trap);
                        }
                        anyhow::Ok(answer)
                    }
                });
                // A peer that goes away is no matter here.
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
            });
        }
    }))
}

async fn keys(state: &State) -> Result<PushKeys> {
    let Some(secrets) = &state.secrets else {
        return Ok(PushKeys { current: PushKey::new(&KEY)?, previous: None });
    };
    let secret = secrets.get("rekindle-push-key").await.context("reading the push key")?;
    let current = secret.data.unwrap_or_default().remove("current").context("the Secret has no entry current")?;
    Ok(PushKeys { current: PushKey::new(&current.0)?, previous: None })
}

/// Notes a request, and holds it up where a trap says so.
async fn arrive(
    state: &State,
    request: http::Request<Incoming>,
) -> Result<(http::Request<Full<Bytes>>, Option<Arc<Trap>>)> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.context("reading a push")?.to_bytes();
    let arrival = Arrival {
        asked: format!("{} {}", head.method, head.uri),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        at: Instant::now(),
    };
    let trap = lock(&state.trap).clone().filter(|trap| trap.concerns(arrival.version()));
    lock(&state.arrivals).push(arrival);
    if let Some(trap) = &trap {
        trap.arrived().await;
    }
    Ok((http::Request::from_parts(head, Full::new(body)), trap))
}

async fn apply(state: Arc<State>, update: Update) -> Result<(), Refusal> {
    let delay = *lock(&state.delay);
    tokio::time::sleep(delay).await;
    // The sender is held here, so the channel cannot close.
    let _ = state.holds.subscribe().wait_for(|holds| !holds).await;
    let refusal = (state.judge)(&update);
    lock(&state.pushes).push(Push {
        running: update.running(),
        reason: update.reason,
        app: update.text("app.yaml").map(str::to_owned),
        taken: refusal.is_none(),
        at: Instant::now(),
    });
    refusal.map_or(Ok(()), |reason| Err(Refusal::new(reason)))
}
