//! Several operators for one namespace, each behind a proxy of its own, under the rights that ship.
//! Must not judge; it tells who held the Lease when, and what reached the targets.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;

use crate::support::operator::Operator;
use crate::support::plane;
use crate::support::proxy::{Proxy, Request};
use crate::support::scene::{Scene, policy};
use crate::support::target::{Judge, Target};
use crate::support::victim::Victim;

const ROLES: [&str; 2] = [include_str!("../../../deploy/clusterrole.yaml"), include_str!("../../../deploy/role.yaml")];

/// The shortest that leave room for a busy machine.
pub const SHORT: &[&str] = &["--lease-duration=6s", "--renew-deadline=3s", "--retry-period=300ms"];
/// A lease that no test waits for.
pub const LONG: &[&str] = &["--lease-duration=10m", "--renew-deadline=30s", "--retry-period=1s"];

/// An operator and what it speaks through.
pub struct Replica {
    /// While it runs.
    pub operator: Option<Operator>,
    /// Between it and the API server.
    pub proxy: Proxy,
    /// Its process.
    pub victim: Victim,
}

/// The operators of one scene.
pub struct Replicas {
    /// The scene; it has no operator of its own.
    pub scene: Scene,
    /// In the order in which they were started.
    pub operators: Vec<Replica>,
}

/// What the Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// By whom.
    pub holder: Option<String>,
    /// How often that changed.
    pub transitions: i32,
}

impl Replicas {
    /// A policy and so many targets; no operator yet.
    pub async fn usual(prefix: &str, targets: usize, judge: Judge) -> Result<Self> {
        let mut scene = Scene::empty(prefix).await?;
        scene.access =
            plane().await?.service_account(scene.namespace.name(), "operator", &ROLES.join("\n---\n")).await?;
        scene.apply(&policy()).await?;
        let numbers = 0..targets;
        let starting = numbers.map(|number| {
            let (namespace, judge) = (&scene.namespace, judge.clone());
            async move { Target::start(namespace, &format!("checkout-{number}"), judge).await }
        });
        let started: Vec<_> = futures::StreamExt::collect(futures::StreamExt::buffered(
            futures::stream::iter(starting.collect::<Vec<_>>()),
            16,
        ))
        .await;
        let targets: Result<Vec<_>> = started.into_iter().collect();
        scene.targets = targets?;
        Ok(Self { scene, operators: Vec::new() })
    }

    /// Starts one more and waits until it is ready; says who leads then, if it is one of them.
    pub async fn start(&mut self, times: &[&str]) -> Result<usize> {
        let place = self.spawn(times).await?;
        let operator = self.operators.get_mut(place).and_then(|replica| replica.operator.as_mut());
        operator.context("it was started")?.wait_until_ready().await?;
        self.leader().await
    }

    /// Starts one more; says which it is.
    pub async fn spawn(&mut self, times: &[&str]) -> Result<usize> {
        let place = self.operators.len();
        let victim = Victim::default();
        let mut access = self.scene.access.clone();
        let name = self.scene.namespace.name();
        access.kubeconfig = access.kubeconfig.with_file_name(format!("{name}-replica-{place}"));
        let proxy = Proxy::start(&access, victim.clone()).await?;
        access.kubeconfig = proxy.kubeconfig().to_owned();
        let arguments = [&["--leader-election", "--leader-election-namespace", name], times].concat();
        let operator = Operator::spawn(&self.scene.namespace, &access, &arguments)?;
        victim.is(operator.id().context("it has no id")?);
        self.operators.push(Replica { operator: Some(operator), proxy, victim });
        Ok(place)
    }

    /// Waits until one of those that run leads.
    pub async fn leader(&self) -> Result<usize> {
        let mut leader = None;
        let leads = async || {
            let holder = self.lease().await.ok().and_then(|lease| lease.holder);
            leader = holder.and_then(|holder| self.place_of(&holder));
            Ok(leader.is_some())
        };
        self.scene.until("one leads", leads).await?;
        leader.context("nobody leads")
    }

    fn place_of(&self, holder: &str) -> Option<usize> {
        let process = holder.rsplit('_').nth(1)?.parse().ok()?;
        let is = |replica: &Replica| replica.operator.as_ref().and_then(Operator::id) == Some(process);
        self.operators.iter().position(is)
    }

    /// Waits until every target runs this; tells what the replicas logged when it never comes.
    pub async fn all_run(&self, app: &str) -> Result<()> {
        self.scene.all_run(app).await.with_context(|| self.logs())
    }

    /// What the Lease says now.
    pub async fn lease(&self) -> Result<Held> {
        let spec = self.scene.api::<Lease>().get("rekindle-operator").await?.spec.unwrap_or_default();
        Ok(Held { holder: spec.holder_identity, transitions: spec.lease_transitions.unwrap_or(0) })
    }

    /// Asks all to end, one after the other.
    pub async fn stop_all(&mut self) -> Result<()> {
        for replica in &mut self.operators {
            if let Some(operator) = replica.operator.take() {
                replica.victim.nobody();
                ensure!(operator.terminate().await?.success(), "it ends well");
            }
        }
        Ok(())
    }

    /// The requests of one of them.
    pub fn log(&self, place: usize) -> Vec<Request> {
        self.operators.get(place).map(|replica| replica.proxy.log()).unwrap_or_default()
    }

    /// The requests of one of them whose line begins so.
    pub fn asked(&self, place: usize, line: &str) -> Vec<Request> {
        self.log(place).into_iter().filter(|request| request.line().starts_with(line)).collect()
    }

    /// The write by which one of them last began to lead.
    pub fn acquired(&self, place: usize) -> Result<Request> {
        let mut before = None;
        let mut found = None;
        for request in self.log(place).into_iter().filter(|request| request.resource == "leases" && request.is_write())
        {
            let transitions = request.body["spec"]["leaseTransitions"].as_i64();
            if request.succeeded() && transitions != before {
                before = transitions;
                found = Some(request);
            }
        }
        found.context("it never led")
    }

    /// The write by which one of them gave the Lease back.
    pub fn released(&self, place: usize) -> Result<Request> {
        let mut writes = self.asked(place, "update leases").into_iter();
        writes.rfind(|request| request.body["spec"]["holderIdentity"].is_null()).context("it never gave it back")
    }

    /// The epochs that reached targets.
    pub fn epochs(&self) -> Result<BTreeSet<u64>> {
        let arrivals = self.scene.targets.iter().flat_map(Target::arrivals);
        arrivals.map(|arrival| arrival.body["epoch"].as_u64().context("a push without an epoch")).collect()
    }

    /// S3: no target is sent back in time.
    pub fn epochs_never_fall(&self) -> Result<()> {
        for target in &self.scene.targets {
            let mut before = (0, 0);
            for arrival in target.arrivals() {
                let now = (arrival.body["epoch"].as_u64().unwrap_or_default(), arrival.version());
                ensure!(now.0 >= before.0 && now.1 >= before.1, "{} got {now:?} after {before:?}", target.pod.name());
                before = now;
            }
        }
        Ok(())
    }

    /// Everything that they logged, for messages.
    pub fn logs(&self) -> String {
        let logs =
            self.operators.iter().map(|replica| replica.operator.as_ref().map(Operator::log).unwrap_or_default());
        logs.collect::<Vec<_>>().join("\n-- another replica --\n")
    }
}
