//! The operator's own small HTTP server: `/metrics`, `/healthz`, `/readyz`.
//! Must not show anything of a configuration.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

impl Health {
    /// The first sync is done and the workers run.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Release);
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
    if shown.health.broken.load(Ordering::Acquire) {
        (StatusCode::INTERNAL_SERVER_ERROR, "a part of the operator has ended\n")
    } else {
        (StatusCode::OK, "ok\n")
    }
}

async fn ready(State(shown): State<Shown>) -> (StatusCode, &'static str) {
    if shown.health.ready.load(Ordering::Acquire) {
        alive(State(shown)).await
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the first sync is not done\n")
    }
}
