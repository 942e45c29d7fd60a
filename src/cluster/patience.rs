//! The patience that the API server asks for: while a time that it named has not passed, it is asked nothing.
//! Must not repeat a request: who asked decides whether to ask again.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response, StatusCode};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::locked;

/// The server names one second; one that names more is not believed, for a Lease has to be renewed in time.
const LONGEST: Duration = Duration::from_secs(2);

/// Makes all requests of a client wait while the API server asks for patience.
#[derive(Clone, Default)]
pub(super) struct Patience {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Patience {
    async fn passes(&self) {
        // It may be prolonged meanwhile.
        while let Some(until) = self.left() {
            tokio::time::sleep_until(until).await;
        }
    }

    fn left(&self) -> Option<Instant> {
        locked(&self.until).filter(|until| *until > Instant::now())
    }

    fn note(&self, status: StatusCode, headers: &HeaderMap) {
        if let Some(wait) = asked(status, headers) {
            let until = Instant::now().checked_add(wait);
            let mut known = locked(&self.until);
            *known = (*known).max(until);
        }
    }
}

/// How long the server asks to be left alone.
fn asked(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let seconds = headers.get(RETRY_AFTER).filter(|_| busy)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

impl<S> Layer<S> for Patience {
    type Service = Patient<S>;

    fn layer(&self, inner: S) -> Patient<S> {
        Patient { inner, patience: self.clone() }
    }
}

/// A service that has patience.
pub(super) struct Patient<S> {
    inner: S,
    patience: Patience,
}

impl<S, R, B> Service<R> for Patient<S>
where
    S: Service<R, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, ctx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(ctx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        // Nothing is sent before this is awaited.
        let answer = self.inner.call(request);
        let patience = self.patience.clone();
        Box::pin(async move {
            patience.passes().await;
            let answer = answer.await?;
            patience.note(answer.status(), answer.headers());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wait(status: u16, value: &'static str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
        asked(StatusCode::from_u16(status).unwrap(), &headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn only_a_busy_server_is_given_time_and_not_for_ever() {
        assert_eq!(wait(429, "1"), Some(1));
        assert_eq!(wait(503, " 2 "), Some(2));
        assert_eq!(wait(429, "86400"), Some(2));
        assert_eq!(wait(429, "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(wait(429, "-1"), None);
        assert_eq!(wait(200, "1"), None);
        assert_eq!(asked(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()), None);
    }

    #[tokio::test]
    async fn a_request_waits_for_the_longest_time_that_was_named() {
        let patience = Patience::default();
        let begin = Instant::now();
        patience.passes().await;
        *locked(&patience.until) = begin.checked_add(Duration::from_millis(60));
        let now = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("0"))]);
        patience.note(StatusCode::TOO_MANY_REQUESTS, &now);
        patience.passes().await;
        assert!(begin.elapsed() >= Duration::from_millis(60));
    }
}
