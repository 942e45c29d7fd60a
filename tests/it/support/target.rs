//! A pod with a receiver behind its address: it takes or refuses what it is told to, and notes every push.
//! Must not know the operator.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rekindle_client::{Keys, PushKey, PushKeys, Reason, Receiver, Refusal, Running, Update};
use rekindle_testplane::{FakePod, Namespace, RunningPod};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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

/// A pod with a receiver.
pub struct Target {
    /// The pod.
    pub pod: RunningPod,
    state: Arc<State>,
    server: Option<JoinHandle<()>>,
}

struct State {
    judge: Mutex<Judge>,
    pushes: Mutex<Vec<Push>>,
    delay: Mutex<Duration>,
    requests: Mutex<u64>,
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
        let address = rekindle_testplane::next_loopback();
        let state = Arc::new(State {
            judge: Mutex::new(judge),
            pushes: Mutex::default(),
            delay: Mutex::default(),
            requests: Mutex::default(),
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
    pub fn requests(&self) -> u64 {
        *lock(&self.state.requests)
    }

    /// What it runs: the last push that it took.
    pub fn runs(&self) -> Option<Push> {
        self.pushes().into_iter().rev().find(|push| push.taken)
    }

    /// The text of `app.yaml` that it runs.
    pub fn runs_app(&self) -> Option<String> {
        self.runs()?.app
    }

    /// Judges otherwise from now on.
    pub fn judge(&self, judge: Judge) {
        *lock(&self.state.judge) = judge;
    }

    /// Takes so long for each push from now on.
    pub fn delay(&self, delay: Duration) {
        *lock(&self.state.delay) = delay;
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
    let keys = PushKeys { current: PushKey::new(&KEY)?, previous: None };
    let application = state.clone();
    let receiver = Receiver::builder(Keys::fixed(keys)).build(move |update| apply(application.clone(), update));
    Ok(tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let (receiver, state) = (receiver.clone(), state.clone());
            let _ = stream.set_nodelay(true);
            connections.spawn(async move {
                let service = service_fn(move |request| {
                    *lock(&state.requests) += 1;
                    let receiver = receiver.clone();
                    async move { Ok::<_, std::convert::Infallible>(receiver.handle(request).await) }
                });
                // A peer that goes away is no matter here.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }))
}

async fn apply(state: Arc<State>, update: Update) -> Result<(), Refusal> {
    let delay = *lock(&state.delay);
    tokio::time::sleep(delay).await;
    let refusal = lock(&state.judge)(&update);
    lock(&state.pushes).push(Push {
        running: update.running(),
        reason: update.reason,
        app: update.text("app.yaml").map(str::to_owned),
        taken: refusal.is_none(),
        at: Instant::now(),
    });
    refusal.map_or(Ok(()), |reason| Err(Refusal::new(reason)))
}
