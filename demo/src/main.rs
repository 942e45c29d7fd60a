//! Shows the main job on a real API server: four edits by kubectl, what each led to, and how long it took.
//! Ends with 0 only if every step came out as it should, and leaves nothing running.

mod cluster;
mod edit;
mod pods;
mod process;
mod screen;
mod story;
mod watch;

use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::{Cluster, NAMESPACE};
use crate::edit::root;
use crate::pods::Pods;
use crate::process::Process;
use crate::story::Story;

/// What the operator may do, as it ships.
const ROLES: &str = "deploy/clusterrole.yaml";
const START_LIMIT: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let started = Instant::now();
    // The story names files as a user does who stands at the root of the repository.
    env::set_current_dir(root()).context("go to the root of the repository")?;
    let keep = env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0"));
    let cluster = tokio::select! {
        cluster = Cluster::open() => cluster?,
        stopped = stop_asked() => return stopped,
    };
    // While the demo stays, a request to stop is what it waits for, and not a reason to break off.
    let staying = Cell::new(false);
    let broken_off = async {
        stop_asked().await?;
        if staying.get() { std::future::pending().await } else { bail!("stopped before its end") }
    };
    let outcome = tokio::select! {
        outcome = perform(&cluster, started, keep.then_some(&staying)) => outcome,
        stopped = broken_off => stopped,
    };
    let closed = cluster.close().await.context("clean up");
    outcome.and(closed)
}

/// Sets the stage, tells the story, clears the stage.
async fn perform(cluster: &Cluster, started: Instant, staying: Option<&Cell<bool>>) -> Result<()> {
    let operator = set_up(cluster).await?;
    let outcome = async {
        let pods = Pods::start(cluster, &built("rekindle-checkout")?).await?;
        screen::fact(&format!("the stage is set, {} after the start", screen::span(started.elapsed())));
        let told = Story::new(cluster, &pods)?.tell().await;
        if told.is_ok() {
            screen::heading(&format!("All steps came out as they should, {} in all.", screen::span(started.elapsed())));
            if let Some(staying) = staying {
                staying.set(true);
                stay(cluster, &pods).await?;
            }
        }
        told.and(pods.stop().await)
    };
    let outcome = outcome.await.with_context(|| format!("the operator's last words:\n{}\n", operator.last_lines(20)));
    outcome.and(operator.stop().await)
}

async fn set_up(cluster: &Cluster) -> Result<Process> {
    let place = if cluster.is_own() { "an API server of its own" } else { "the cluster in KUBECONFIG" };
    screen::heading(&format!("The stage: {place} at {}, namespace {NAMESPACE}", cluster.url()));
    show(cluster, &["apply", "--server-side", "-f", "crds/"]).await?;
    screen::command(&format!("rekindle operator --watch-namespace {NAMESPACE} --allow-loopback-targets"));
    let roles = std::fs::read_to_string(ROLES).with_context(|| format!("read {ROLES}"))?;
    let kubeconfig = cluster.operator_kubeconfig(&roles).await?;
    let arguments = ["operator", "--watch-namespace", NAMESPACE, "--allow-loopback-targets"];
    let environment = [("KUBECONFIG", kubeconfig.as_os_str())];
    let operator = Process::start("operator", &built("rekindle")?, &arguments.map(OsStr::new), &environment)?;
    screen::text(&operator.says("ready", START_LIMIT).await?);
    show(cluster, &["apply", "-f", "demo/checkout.yaml"]).await?;
    show(cluster, &["apply", "-f", "demo/pods.yaml"]).await?;
    Ok(operator)
}

async fn show(cluster: &Cluster, arguments: &[&str]) -> Result<()> {
    screen::command(&format!("kubectl {}", arguments.join(" ")));
    screen::text(&cluster.kubectl(arguments).await?);
    Ok(())
}

/// A program of this repository, built beside this one.
fn built(name: &str) -> Result<PathBuf> {
    let folder = env::current_exe().context("find this program")?;
    let path = folder.with_file_name(name);
    ensure!(path.is_file(), "{} is not built: run `make demo`, or build it with cargo", path.display());
    Ok(path)
}

async fn stay(cluster: &Cluster, pods: &Pods) -> Result<()> {
    let kubectl = cluster.kubectl_program().display();
    screen::heading("It stays until Ctrl-C. In another terminal:");
    screen::text(&format!("export KUBECONFIG={}", cluster.kubeconfig().display()));
    screen::text(&format!("alias kubectl={kubectl}"));
    screen::text(&format!("kubectl edit configmap checkout-config     # then: curl {}", pods.page_url()));
    screen::text("kubectl get rp,cv,cr --watch");
    screen::text("kubectl describe rp checkout");
    screen::text("kubectl explain reloadpolicy.spec.breaker");
    stop_asked().await
}

async fn stop_asked() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for TERM")?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
