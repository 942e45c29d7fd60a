//! The operator's own small HTTP server: `/metrics`, `/healthz`, `/readyz`.
//! Must not show anything of a configuration.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;

/// Whether the operator is alive and ready, as its parts tell.
#[derive(Debug, Default)]
pub struct Health {
    ready: AtomicBool,
    broken: AtomicBool,
    /// By when whoever takes part in an election gives the next sign of life.
    beat: Mutex<Option<Instant>>,
}

impl Health {
    /// The sync is done: this replica works, or can take over at once.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// The cluster is looked at anew.
    pub fn syncs(&self) {
        self.ready.store(false, Ordering::Release);
    }

    /// Whoever takes part in the election gives the next sign of life before this moment.
    pub fn beats_until(&self, deadline: Instant) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    /// Nobody takes part in an election at the moment.
    pub fn rest(&self) {
        *self.beat.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What is wrong, if anything is.
    fn problem(&self) -> Option<&'static str> {
        if self.broken.load(Ordering::Acquire) {
            return Some("a part of the operator has ended\n");
        }
        let beat = *self.beat.lock().unwrap_or_else(PoisonError::into_inner);
        beat.is_some_and(|deadline| deadline < Instant::now()).then_some("the election does not move on\n")
    }

    /// A part that must not end has ended.
    pub fn broken(&self) {
        self.broken.store(true, Ordering::Release);
    }
}

#[derive(Clone)]
struct Shown {
    metrics: Metrics,
    health: Arc<Health>,
}

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address} for metrics")]
pub struct ListenError {
    address: SocketAddr,
    #[source]
    source: std::io::Error,
}

/// Opens the port.
///
/// # Errors
/// It is taken, or may not be opened.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// Serves until told to stop.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    health: Arc<Health>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(render))
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(Shown { metrics, health });
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn render(State(shown): State<Shown>) -> Response {
    match shown.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn alive(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    match shown.health.problem() {
        Some(problem) => (StatusCode::INTERNAL_SERVER_ERROR, problem),
        None => (StatusCode::OK, "ok\n"),
    }
}

async fn ready(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    if shown.health.ready.load(Ordering::Acquire) {
        alive(State(shown)).await
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the sync is not done\n")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn answers(health: &Arc<Health>) -> (StatusCode, StatusCode) {
        let shown = || State(Shown { metrics: Metrics::new().unwrap(), health: health.clone() });
        (alive(shown()).await.0, ready(shown()).await.0)
    }

    #[tokio::test]
    async fn health_fails_when_the_election_does_not_move_on_and_readiness_follows_the_sync() {
        let health = Arc::new(Health::default());
        assert_eq!(answers(&health).await, (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
        health.ready();
        let now = Instant::now();
        health.beats_until(now + Duration::from_secs(60));
        assert_eq!(answers(&health).await, (StatusCode::OK, StatusCode::OK));
        health.beats_until(now);
        let failed = StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(answers(&health).await, (failed, failed));
        health.rest();
        health.syncs();
        assert_eq!(answers(&health).await, (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE));
    }
}
