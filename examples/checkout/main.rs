//! Example: a small service that takes its configuration from Rekindle while it runs.
//! Shows what it runs at `/`, whether it can work at `/healthz`, and refuses what it cannot live with.
//! Must not know Kubernetes.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

mod settings;

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use rekindle_client::VersionNumber;
use rekindle_client::{DEFAULT_PATH, Digest, DocumentName, Documents, Keys, Receiver, Refusal, Running, Update};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::settings::{DOCUMENT, Settings};

/// A small service that takes its configuration from Rekindle while it runs.
#[derive(Debug, Parser)]
struct Arguments {
    /// The address to listen on.
    #[arg(long, env = "CHECKOUT_ADDRESS", default_value = "0.0.0.0")]
    address: IpAddr,
    /// The port to listen on; 0 takes a free one and prints it.
    #[arg(long, env = "CHECKOUT_PORT", default_value_t = 8080)]
    port: u16,
    /// Where the Secret rekindle-push-key is mounted.
    #[arg(long, env = "CHECKOUT_KEY_DIRECTORY", default_value = "/etc/rekindle/push-key")]
    key_directory: PathBuf,
    /// An app.yaml to begin with, such as the mounted active copy; without one it waits for the first push.
    #[arg(long, env = "CHECKOUT_CONFIG")]
    config: Option<PathBuf>,
    /// How many connections the license of this installation allows.
    #[arg(long, env = "CHECKOUT_MAX_POOL", default_value_t = 50)]
    max_pool: u64,
}

/// What the service works with at this moment; replaced whole.
type Current = Arc<RwLock<Option<Arc<(Running, Settings)>>>>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Arguments { address, port, key_directory, config, max_pool } = Arguments::parse();
    let current = Current::default();
    let mut receiver = Receiver::builder(Keys::directory(&key_directory));
    if let Some(path) = config {
        let start = read(&path, max_pool).with_context(|| format!("reading {}", path.display()))?;
        receiver = receiver.running(start.0);
        replace(&current, start);
    }
    let taken = Arc::clone(&current);
    let receiver = receiver.build(move |update: Update| {
        let taken = Arc::clone(&taken);
        async move { apply(&update, max_pool, &taken) }
    });

    let router = Router::new()
        .route("/", get(show))
        .route("/healthz", get(health))
        .with_state(current)
        .merge(receiver.router(DEFAULT_PATH));
    let socket = SocketAddr::new(address, port);
    let listener = TcpListener::bind(socket).await.with_context(|| format!("listening on {socket}"))?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let ended = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    axum::serve(listener, router).with_graceful_shutdown(ended).await.context("serving")
}

fn read(path: &Path, max_pool: u64) -> anyhow::Result<(Running, Settings)> {
    let content = std::fs::read(path)?;
    let documents = Documents::from_ordered(vec![(DocumentName::parse(DOCUMENT)?, content.into())])?;
    let running = Running { version: VersionNumber(0), digest: Digest::of(&documents) };
    Ok((running, Settings::read(&documents, max_pool)?))
}

/// Builds the new settings first; only when nothing can fail any more are they put in place.
fn apply(update: &Update, max_pool: u64, current: &Current) -> Result<(), Refusal> {
    let settings = Settings::read(&update.documents, max_pool)?;
    replace(current, (update.running(), settings));
    Ok(())
}

fn replace(current: &Current, new: (Running, Settings)) {
    *current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(new));
}

fn now_running(current: &Current) -> Option<Arc<(Running, Settings)>> {
    current.read().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn show(State(current): State<Current>) -> Json<Value> {
    Json(match now_running(&current).as_deref() {
        None => json!({"version": null, "digest": null, "values": {}}),
        Some((running, settings)) => json!({
            "version": running.version.0,
            "digest": running.digest.to_string(),
            "values": settings.values(),
        }),
    })
}

/// Ready once there is something to work with.
async fn health(State(current): State<Current>) -> (StatusCode, &'static str) {
    match now_running(&current) {
        Some(_) => (StatusCode::OK, "ok\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "waiting for the first configuration\n"),
    }
}
