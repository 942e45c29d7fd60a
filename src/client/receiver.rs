//! The receiver: one HTTP request in, one answer of the contract out.
//! Must not know which server it runs in, nor what the application does with a version.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use rekindle_core::contract::SIGNATURE_HEADER;
use rekindle_core::contract::body::{Body, Limits};
use rekindle_core::contract::signature::verify;
use rekindle_core::ids::PolicyId;
use rekindle_core::target::Running;
use tokio::time::timeout;

use self::reply::{Problem, Reply};
use crate::keys::Keys;
use crate::turn::{Decided, Turn};
use crate::update::Apply;

mod reply;
#[cfg(test)]
mod tests;

/// How long the application may take for one version, unless the builder says otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

/// The largest body that is read, in bytes, unless the builder says otherwise: 1 MiB of content as JSON or base64, and
/// a margin.
pub const DEFAULT_MAX_BODY: usize = 4 << 20;

/// How long the body of a push may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Serves the reload contract for one application. Cheap to clone: clones share what runs.
///
/// ```
/// use rekindle_client::{Keys, Receiver, Refusal, Update};
///
/// async fn apply(update: Update) -> Result<(), Refusal> {
///     let text = update.text("app.yaml").ok_or_else(|| Refusal::new("app.yaml is missing"))?;
///     // Parse, check, and only when all is well put it in place of what ran before.
///     println!("{} is {} bytes", update.version, text.len());
///     Ok(())
/// }
///
/// let receiver = Receiver::builder(Keys::directory("/etc/rekindle/push-key")).build(apply);
/// // plain hyper: service_fn(move |request| receiver.handle(request))
/// // axum, with the feature `axum`: Router::new().merge(receiver.router("/rekindle/v1/config"))
/// ```
pub struct Receiver<A>(Arc<Inner<A>>);

struct Inner<A> {
    keys: Keys,
    settings: Settings,
    turn: Arc<Turn<A>>,
}

#[derive(Debug)]
struct Settings {
    deadline: Duration,
    max_body: usize,
    policy: Option<PolicyId>,
    running: Option<Running>,
}

/// Settings of a [`Receiver`]; each has a default that suits most applications.
#[derive(Debug)]
pub struct Builder {
    keys: Keys,
    settings: Settings,
}

impl Builder {
    /// How long the application may take for one version; then it counts as refused. Default: 10 s.
    ///
    /// The policy's timeout for a push should be longer, or the operator hears of it only at its next attempt.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// The largest body that is read, in bytes. Default: 4 MiB.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// Takes pushes of this policy only. Default: of every policy whose namespace has the same push key.
    #[must_use]
    pub fn policy(mut self, policy: PolicyId) -> Self {
        self.settings.policy = Some(policy);
        self
    }

    /// What runs before the first push. For a configuration that is part of the program, version 0 and its digest.
    #[must_use]
    pub fn running(mut self, running: Running) -> Self {
        self.settings.running = Some(running);
        self
    }

    /// The receiver for this application.
    #[must_use]
    pub fn build<A: Apply>(self, application: A) -> Receiver<A> {
        let Self { keys, settings } = self;
        let turn = Arc::new(Turn::new(application, settings.deadline, settings.running));
        Receiver(Arc::new(Inner { keys, settings, turn }))
    }
}

impl Receiver<()> {
    /// Begins a receiver that checks signatures with these keys.
    #[must_use]
    pub fn builder(keys: Keys) -> Builder {
        let settings = Settings { deadline: DEFAULT_DEADLINE, max_body: DEFAULT_MAX_BODY, policy: None, running: None };
        Builder { keys, settings }
    }
}

impl<A: Apply> Receiver<A> {
    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        self.0.turn.running()
    }

    /// Answers one request. The path is the server's affair; call it inside a tokio runtime with time enabled.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let reply = match *request.method() {
            Method::GET => Reply::running(self.running()),
            Method::POST => match self.receive(request).await {
                Ok(decided) => Reply::of(decided),
                Err(problem) => Reply::problem(problem, self.running()),
            },
            _ => Reply::problem(Problem::Method, self.running()),
        };
        reply.into_response()
    }

    async fn receive<B>(&self, request: Request<B>) -> Result<Decided, Problem>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let Inner { keys, settings, turn } = self.0.as_ref();
        let header = signature(request.headers())?;
        let body = read(request, settings.max_body).await?;
        let keys = keys.load().map_err(|error| Problem::NoKey(chain(error.as_ref())))?;
        verify(&keys, &header, &body, unix_seconds()).map_err(|error| Problem::Signature(error.to_string()))?;
        let limits = Limits { contents: settings.max_body, ..Limits::default() };
        let body = Body::decode(&body, limits).map_err(|error| Problem::Body(chain(&error)))?;
        if settings.policy.as_ref().is_some_and(|policy| *policy != body.policy) {
            return Err(Problem::Policy);
        }
        let verdict = turn.submit(body.epoch, body.into());
        // One that runs, then this one, and a margin: more than that only if the application cannot be interrupted.
        let patience = settings.deadline.saturating_mul(2).saturating_add(Duration::from_secs(1));
        match timeout(patience, verdict).await {
            Ok(Ok(decided)) => Ok(decided),
            Ok(Err(_)) => Err(Problem::Ending),
            Err(_) => Err(Problem::Busy),
        }
    }
}

fn signature(headers: &HeaderMap) -> Result<String, Problem> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => match value.to_str() {
            Ok(value) => Ok(value.to_owned()),
            Err(_) => Err(Problem::Signature("the header Rekindle-Signature is not plain ASCII".to_owned())),
        },
        (None, _) => Err(Problem::Signature("the header Rekindle-Signature is missing".to_owned())),
        (Some(_), Some(_)) => Err(Problem::Signature("the header Rekindle-Signature is there twice".to_owned())),
    }
}

async fn read<B>(request: Request<B>, limit: usize) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Problem::TooLarge(limit));
    }
    match timeout(BODY_WITHIN, Limited::new(request.into_body(), limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::TooLarge(limit)),
        Ok(Err(_)) => Err(Problem::Body("the body did not arrive whole".to_owned())),
        Err(_) => Err(Problem::Slow),
    }
}

/// A clock before 1970 makes every signature expired, which is what it should do.
fn unix_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// An error and everything below it, in one line.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(source) = below {
        text.push_str(": ");
        text.push_str(&source.to_string());
        below = source.source();
    }
    text
}

impl<A, B> tower_service::Service<Request<B>> for Receiver<A>
where
    A: Apply,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move { Ok(receiver.handle(request).await) })
    }
}

#[cfg(feature = "axum")]
impl<A: Apply> Receiver<A> {
    /// A router that serves the contract at this path, to be merged into the application's own.
    ///
    /// # Panics
    /// As `axum::Router::route` does, when the path does not begin with `/`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self, path: &str) -> axum::Router<S> {
        axum::Router::new().route_service(path, self.clone())
    }
}

impl<A> Clone for Receiver<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for Receiver<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
