//! The operator's life: connect, sync, work, drain.
//! Must not decide anything about a configuration.

use std::sync::Arc;

use anyhow::Context as _;
use rekindle_core::ids::{Epoch, Namespace};
use rekindle_core::target::address::AddressRules;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::clock::SystemClock;
use super::settings::OperatorArguments;
use super::telemetry;
use crate::cluster::{self, KubeCluster, Scope};
use crate::controllers::{Controllers, Parts, View};
use crate::files::Directories;
use crate::metrics::Metrics;
use crate::push::{Pusher, Settings};
use crate::web::{self, Health};

/// Until a lease counts leaders, one operator runs at a time and its epoch is the first. A Deployment holds it to that
/// with one replica and the strategy Recreate.
const ONLY_EPOCH: Epoch = Epoch(1);

/// Runs the operator until it is told to end.
///
/// # Errors
/// It cannot begin, or a part ended that must not.
pub fn run(arguments: OperatorArguments) -> anyhow::Result<()> {
    telemetry::start(arguments.log_format, &arguments.log)?;
    // Taken twice only when another part of the process did it first, with the same provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    let result = runtime.block_on(work(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

async fn work(arguments: OperatorArguments) -> anyhow::Result<()> {
    let stop = stop_on_signal()?;
    let metrics = Metrics::new().context("setting up the metrics")?;
    let health = Arc::new(Health::default());
    let server = CancellationToken::new();
    if let Some(address) = arguments.metrics_address {
        let listener = web::listen(address).await?;
        tokio::spawn(web::serve(listener, metrics.clone(), health.clone(), server.clone()));
    }
    if arguments.allow_loopback_targets {
        tracing::warn!("loopback addresses are pushed to: this is for local runs only");
    }
    let scope = scope(&arguments.watch_namespaces)?;
    let client = cluster::connect().await?;
    if !cluster::wait_for(&client, &stop).await {
        return Ok(());
    }
    let cluster = Arc::new(KubeCluster::new(client, SystemClock));
    let (view, changes) = View::new();
    // Watches outlive the controllers, which finish their work on what the watches tell.
    let watching = CancellationToken::new();
    let mut watches = cluster::watch(&cluster, view.clone(), &scope, watching.clone());
    let synced = tokio::select! {
        synced = watches.synced() => synced,
        () = stop.cancelled() => false,
    };
    if !synced {
        return Ok(());
    }
    let parts = Parts {
        view: view.clone(),
        cluster,
        push: Arc::new(Pusher::start(Settings::default()).context("starting the pusher")?),
        clock: Arc::new(SystemClock),
        addresses: AddressRules { allow_loopback: arguments.allow_loopback_targets },
        epoch: ONLY_EPOCH,
        metrics,
        files: Arc::new(Directories::new(arguments.files_root, view)),
    };
    health.ready();
    tracing::info!(namespaces = ?arguments.watch_namespaces, "rekindle is ready");
    tokio::select! {
        () = Controllers::new(parts, changes).run(stop) => {}
        ended = watches.ended() => {
            health.broken();
            ended.context("keeping the picture of the cluster")?;
        }
    }
    watching.cancel();
    server.cancel();
    tracing::info!("rekindle has ended");
    Ok(())
}

fn scope(namespaces: &[String]) -> anyhow::Result<Scope> {
    let parsed: Result<Vec<_>, _> = namespaces.iter().map(Namespace::parse).collect();
    Ok(Scope::of(parsed.context("reading --watch-namespace")?))
}

/// A token that the first TERM or INT cancels; a second one ends the process at once.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    let mut term = signal(SignalKind::terminate()).context("listening for TERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for INT")?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            if token.is_cancelled() {
                tracing::warn!("told to end a second time: ending at once");
                std::process::exit(1);
            }
            tracing::info!("told to end: finishing what is under way");
            token.cancel();
        }
    });
    Ok(stop)
}
