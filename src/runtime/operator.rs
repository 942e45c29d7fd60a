//! The operator's life: connect, sync, stand for election, work, drain.
//! Must not decide anything about a configuration.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rekindle_core::election::Election;
use rekindle_core::ids::{Epoch, Namespace, ObjectName};
use rekindle_core::target::address::AddressRules;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::candidate::{Candidate, Stood};
use super::clock::SystemClock;
use super::identity;
use super::settings::{ElectionArguments, OperatorArguments};
use super::telemetry;
use crate::cluster::{self, CatchUp, Client, KubeCluster, KubeLease, Scope};
use crate::controllers::{Controllers, Parts, View};
use crate::files::Directories;
use crate::leadership::Leadership;
use crate::metrics::{LeaderChange, Metrics};
use crate::ports::Clock as _;
use crate::push::{Pusher, Settings};
use crate::web::{self, Health};

/// How long whoever asks for metrics at the end has to read the answer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

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
    let end_of_server = CancellationToken::new();
    let server = match arguments.metrics_address {
        Some(address) => {
            let listener = web::listen(address).await?;
            Some(tokio::spawn(web::serve(listener, metrics.clone(), health.clone(), end_of_server.clone())))
        }
        None => None,
    };
    if arguments.allow_loopback_targets {
        tracing::warn!("loopback addresses are pushed to: this is for local runs only");
    }
    let operator = Operator {
        scope: scope(&arguments.watch_namespaces)?,
        client: cluster::connect().await?,
        push: Arc::new(Pusher::start(Settings::default()).context("starting the pusher")?),
        metrics,
        health,
        stop,
        arguments,
    };
    let mut office = operator.office()?;
    while operator.live(&mut office).await? == Next::StartOver {
        tracing::info!("looking at the cluster anew");
    }
    end_of_server.cancel();
    answered(server).await;
    tracing::info!("rekindle has ended");
    Ok(())
}

/// What outlives a look at the cluster.
struct Operator {
    arguments: OperatorArguments,
    scope: Scope,
    client: Client,
    push: Arc<Pusher>,
    metrics: Metrics,
    health: Arc<Health>,
    stop: CancellationToken,
}

/// How this replica comes to lead.
enum Office {
    /// It has no rivals.
    Sole(Epoch),
    Elected(Box<Candidate>),
}

/// What is seen of the cluster.
struct Picture {
    view: Arc<View>,
    catch_up: CatchUp,
}

impl Picture {
    /// Waits until it holds everything that the leader before wrote; false when that cannot be had while this one leads.
    async fn is_complete(&self, leadership: &Leadership, stop: &CancellationToken) -> bool {
        let caught_up = tokio::select! {
            caught_up = self.catch_up.with_everything(self.view.named()) => caught_up,
            () = leadership.over() => return false,
            () = stop.cancelled() => return false,
        };
        if let Err(error) = &caught_up {
            tracing::warn!(error = %error, "what the leader before wrote could not be seen in time");
        }
        caught_up.is_ok()
    }
}

/// What comes after a look at the cluster.
#[derive(PartialEq, Eq)]
enum Next {
    /// Another one: what was seen may be old.
    StartOver,
    /// The end.
    End,
}

impl Operator {
    fn office(&self) -> anyhow::Result<Office> {
        let ElectionArguments { leader_election, leader_election_namespace, lease_name, .. } = &self.arguments.election;
        let started = SystemClock.now();
        let floor = identity::floor(started);
        if !leader_election.unwrap_or_else(cluster::is_in_cluster) {
            return Ok(Office::Sole(Epoch(u64::from(floor).saturating_add(1))));
        }
        let namespace = leader_election_namespace.as_deref().unwrap_or(self.client.default_namespace());
        let namespace = Namespace::parse(namespace).context("reading --leader-election-namespace")?;
        let name = ObjectName::parse(lease_name).context("reading --lease-name")?;
        let timing = self.arguments.election.timing().context("reading the times of the election")?;
        let identity = identity::identity(started);
        tracing::info!(lease = %format!("{namespace}/{name}"), identity, "this replica stands for election");
        let lease = KubeLease::watch(self.client.clone(), namespace, name);
        let election = (Election::new(identity, timing, floor), timing);
        let told = (self.health.clone(), self.metrics.clone());
        Ok(Office::Elected(Box::new(Candidate::new(lease, election, Arc::new(SystemClock), told))))
    }

    /// Looks at the whole cluster, and works on what the watches tell for as long as that can be trusted.
    async fn live(&self, office: &mut Office) -> anyhow::Result<Next> {
        self.health.syncs();
        if !cluster::wait_for(&self.client, &self.stop).await {
            return Ok(Next::End);
        }
        let cluster = Arc::new(KubeCluster::new(self.client.clone(), SystemClock));
        let (view, changes) = View::new();
        // Watches outlive the controllers, which finish their work on what the watches tell.
        let watching = CancellationToken::new();
        let mut watches = cluster::watch(&cluster, view.clone(), &self.scope, watching.clone());
        let synced = tokio::select! {
            synced = watches.synced() => synced,
            () = self.stop.cancelled() => false,
        };
        if !synced {
            return Ok(Next::End);
        }
        let parts = Parts {
            view: view.clone(),
            cluster: cluster.clone(),
            push: self.push.clone(),
            clock: Arc::new(SystemClock),
            addresses: AddressRules { allow_loopback: self.arguments.allow_loopback_targets },
            leadership: Leadership::none(),
            metrics: self.metrics.clone(),
            files: Arc::new(Directories::new(self.arguments.files_root.clone(), view.clone())),
        };
        self.health.ready();
        tracing::info!(namespaces = ?self.arguments.watch_namespaces, "rekindle is ready");
        let picture = Picture { view, catch_up: watches.catch_up() };
        let next = tokio::select! {
            next = self.serve(Controllers::new(parts, changes), &picture, office) => next,
            ended = watches.ended() => {
                self.health.broken();
                ended.context("keeping the picture of the cluster")?;
                Next::End
            }
        };
        watching.cancel();
        Ok(next)
    }

    /// Stands for election and leads, in turn.
    async fn serve(
        &self,
        mut controllers: Controllers<KubeCluster, Pusher, SystemClock>,
        picture: &Picture,
        office: &mut Office,
    ) -> Next {
        let candidate = match office {
            Office::Elected(candidate) => candidate,
            Office::Sole(epoch) => {
                self.metrics.leads(LeaderChange::Acquired);
                controllers.lead(&Leadership::sole(*epoch), &self.stop).await;
                return Next::End;
            }
        };
        candidate.started_over();
        loop {
            let stood = tokio::select! {
                stood = candidate.stand(&self.stop) => stood,
                () = controllers.stand_by() => return Next::End,
            };
            let (leadership, tenure) = match stood {
                Stood::Elected(leadership, tenure) => (leadership, tenure),
                Stood::StartOver => return Next::StartOver,
                Stood::Stopped => return Next::End,
            };
            // The Lease is renewed until the last word is written, and only then given back.
            let done = CancellationToken::new();
            let leading = async {
                let complete = picture.is_complete(&leadership, &self.stop).await;
                if complete {
                    controllers.lead(&leadership, &self.stop).await;
                }
                done.cancel();
                complete
            };
            let (complete, ()) = tokio::join!(leading, candidate.hold(tenure, &done));
            if self.stop.is_cancelled() {
                return Next::End;
            }
            if !complete {
                // Another may see more; a replica that does not must not take the Lease over and over.
                self.health.rest();
                tokio::select! {
                    () = tokio::time::sleep(self.arguments.election.lease_duration) => {}
                    () = self.stop.cancelled() => {}
                }
                return Next::StartOver;
            }
        }
    }
}

/// Lets the server finish the answers that are under way.
async fn answered(server: Option<JoinHandle<std::io::Result<()>>>) {
    if let Some(server) = server
        && tokio::time::timeout(LAST_ANSWERS, server).await.is_err()
    {
        tracing::warn!("somebody was still being told metrics at the end and was cut off");
    }
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
