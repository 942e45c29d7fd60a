//! Between the operator and the API server: sees every request, and does to some of them what tests ask for.
//! Must not know what the operator is about.

mod request;
mod rule;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use futures::StreamExt as _;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use rekindle_testplane::{Access, next_loopback};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::victim::Victim;
pub use request::Request;
pub use rule::{Act, Rule};

const PORT: u16 = 6443;

type Answer = Response<UnsyncBoxBody<Bytes, anyhow::Error>>;

/// A running proxy.
pub struct Proxy {
    inner: Arc<Inner>,
    address: SocketAddr,
    kubeconfig: PathBuf,
    server: Option<JoinHandle<()>>,
}

struct Inner {
    upstream: Client,
    victim: Victim,
    rules: Mutex<Vec<Rule>>,
    log: Mutex<Vec<Request>>,
    /// Rises when the watches that run are cut.
    cuts: watch::Sender<u64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Starts one before the API server; requests keep the token of whoever makes them.
    pub async fn start(access: &Access, victim: Victim) -> Result<Self> {
        let mut config = access.config.clone();
        config.auth_info = kube::config::AuthInfo::default();
        config.default_retry = false;
        let upstream = Client::try_from(config).context("making the proxy's client")?;
        let (cuts, _) = watch::channel(0);
        let (rules, log) = (Mutex::default(), Mutex::default());
        let inner = Arc::new(Inner { upstream, victim, rules, log, cuts });
        // An address of its own, so that nobody can take the port while the proxy is away.
        let address = SocketAddr::from((next_loopback(), PORT));
        let kubeconfig = access.kubeconfig.with_extension("proxied");
        std::fs::write(&kubeconfig, kubeconfig_of(address, &access.token)).context("writing the kubeconfig")?;
        let mut proxy = Self { inner, address, kubeconfig, server: None };
        proxy.be_there().await?;
        Ok(proxy)
    }

    /// What the operator is to be started with.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Does this from now on; earlier rules come first.
    pub fn rule(&self, rule: Rule) {
        lock(&self.inner.rules).push(rule);
    }

    /// Does nothing special any more.
    pub fn clear(&self) {
        lock(&self.inner.rules).clear();
    }

    /// Whether every rule was used as often as it may be.
    pub fn rules_are_used_up(&self) -> bool {
        lock(&self.inner.rules).iter().all(Rule::is_used_up)
    }

    /// Every request so far, oldest first.
    pub fn log(&self) -> Vec<Request> {
        lock(&self.inner.log).clone()
    }

    /// Nobody answers any more; connections are closed.
    pub async fn go_away(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            // Over once the listener and the connections are closed.
            let _ = server.await;
        }
    }

    /// Answers again.
    pub async fn be_there(&mut self) -> Result<()> {
        let listener =
            TcpListener::bind(self.address).await.with_context(|| format!("listening on {}", self.address))?;
        self.server = Some(tokio::spawn(serve(listener, self.inner.clone())));
        Ok(())
    }

    /// Cuts the connections of the watches that run.
    pub fn cut_watches(&self) {
        self.inner.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

fn kubeconfig_of(address: SocketAddr, token: &str) -> String {
    serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "proxied",
        "clusters": [{"name": "proxied", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [{"name": "proxied", "context": {"cluster": "proxied", "user": "operator"}}],
    })
    .to_string()
}

async fn serve(listener: TcpListener, inner: Arc<Inner>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let inner = inner.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let inner = inner.clone();
                async move { inner.answer(request).await }
            });
            // An error closes the connection, which is what it is meant to do.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl Inner {
    async fn answer(self: &Arc<Self>, request: http::Request<Incoming>) -> Result<Answer> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let seen = Request::read(&head.method, &head.uri, &body);
        let act = lock(&self.rules).iter_mut().find_map(|rule| rule.applies(&seen));
        let place = self.note(seen.clone());
        match act {
            Some(Act::KillBefore) => return self.die().await,
            Some(Act::Cut) => return Err(anyhow!("cut")),
            Some(Act::Answer(code, body)) => return answer(code, body),
            Some(Act::Busy(seconds)) => return busy(seconds),
            Some(Act::Delay(time)) => tokio::time::sleep(time).await,
            Some(Act::KillAfter | Act::LoseAnswer) | None => {}
        }
        let mut forwarded = http::Request::new(kube::client::Body::from(body.to_vec()));
        *forwarded.method_mut() = head.method;
        *forwarded.uri_mut() = head.uri;
        *forwarded.headers_mut() = head.headers;
        for name in [HOST, CONNECTION, ACCEPT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING] {
            forwarded.headers_mut().remove(name);
        }
        // A task of its own: the API server answers also when the operator that asked was killed meanwhile.
        let (head, body) = tokio::spawn(self.clone().ask(place, forwarded)).await??.into_parts();
        if seen.verb == "watch" && head.status.is_success() {
            return Ok(self.watching(&head.headers, body));
        }
        let body = body.collect().await?.to_bytes();
        match act {
            Some(Act::KillAfter) => self.die().await,
            Some(Act::LoseAnswer) => Err(anyhow!("lost")),
            _ => reply(head.status.as_u16(), &head.headers, Full::new(body).map_err(never).boxed_unsync()),
        }
    }

    /// Asks the API server, and notes what became of that.
    async fn ask(
        self: Arc<Self>,
        place: usize,
        request: http::Request<kube::client::Body>,
    ) -> Result<Response<kube::client::Body>> {
        let answer = self.upstream.send(request).await;
        if let Some(request) = lock(&self.log).get_mut(place) {
            request.answered = Some(std::time::Instant::now());
            request.code = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        }
        Ok(answer?)
    }

    async fn die(&self) -> Result<Answer> {
        self.victim.kill();
        // It must not learn anything more, not even that its connection was closed.
        std::future::pending().await
    }

    fn watching(&self, headers: &HeaderMap, body: kube::client::Body) -> Answer {
        let mut cuts = self.cuts.subscribe();
        cuts.mark_unchanged();
        let events = futures::stream::unfold(Some((body.into_data_stream(), cuts)), |going_on| async {
            let (mut body, mut cuts) = going_on?;
            tokio::select! {
                data = body.next() => {
                    let frame = data?.map(Frame::data).map_err(anyhow::Error::from);
                    Some((frame, Some((body, cuts))))
                }
                // An error in the body closes the connection.
                _ = cuts.changed() => Some((Err(anyhow!("cut")), None)),
            }
        });
        let mut answer = Response::new(StreamBody::new(events).boxed_unsync());
        *answer.headers_mut() = kept(headers);
        answer
    }

    fn note(&self, request: Request) -> usize {
        let mut log = lock(&self.log);
        log.push(request);
        log.len() - 1
    }
}

fn never(never: Infallible) -> anyhow::Error {
    match never {}
}

fn answer(code: u16, body: String) -> Result<Answer> {
    reply(code, &HeaderMap::new(), Full::new(Bytes::from(body)).map_err(never).boxed_unsync())
}

/// What the API server answers when it sheds load; no `Status`, but plain text.
fn busy(seconds: u64) -> Result<Answer> {
    let mut answer = answer(429, "Too many requests, please try again later.\n".to_owned())?;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    Ok(answer)
}

fn reply(code: u16, headers: &HeaderMap, body: UnsyncBoxBody<Bytes, anyhow::Error>) -> Result<Answer> {
    let mut answer = Response::builder().status(code).body(body)?;
    *answer.headers_mut() = kept(headers);
    Ok(answer)
}

/// The headers of an answer that say something about its content.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let of_the_connection = [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING];
    let kept = headers.iter().filter(|(name, _)| !of_the_connection.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}
