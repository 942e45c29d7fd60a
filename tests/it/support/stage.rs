//! A scene behind a proxy: every request of the operator is seen and can be tampered with, it can be killed at any
//! point and started again, and decoys tell when something goes where it must not.
//! Must not judge; `invariants` does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::operator::Operator;
use super::proxy::Proxy;
use super::scene::{Ground, Scene, policy};
use super::target::{Judge, Target};
use super::victim::Victim;

/// A value that is in every configuration of a stage and must not turn up anywhere else.
pub const MARKER: &str = "hunter2-of-the-tests";

/// An `app.yaml` that the stage's schema takes when the pool is between 1 and 100.
pub fn app(pool: u32) -> String {
    format!("pool: {pool}\npassword: {MARKER}\n")
}

/// A scene behind a proxy.
pub struct Stage {
    /// The scene; its operator speaks to the proxy.
    pub scene: Scene,
    /// The proxy.
    pub proxy: Proxy,
    /// The operator that runs now.
    pub victim: Victim,
    /// What earlier operators logged.
    pub lives: Vec<String>,
    judge: Judge,
    decoys: Vec<Target>,
    knocks: Arc<AtomicUsize>,
    other_port: JoinHandle<()>,
}

/// How a stage differs from the usual one.
pub struct Plan {
    /// Begins the namespace's name.
    pub prefix: &'static str,
    /// What the targets take.
    pub judge: Judge,
    /// Merged into the policy's specification.
    pub spec: Value,
    /// Whether the push key exists from the beginning.
    pub has_key: bool,
}

impl Stage {
    /// Three targets, the policy, its schema and the decoys; the operator does not run yet.
    pub async fn set(plan: Plan) -> Result<Self> {
        Self::set_on(Ground::usual().await?, plan).await
    }

    /// The same on a ground of one's own.
    pub async fn set_on(ground: Ground<'_>, plan: Plan) -> Result<Self> {
        let mut scene = Scene::empty_on(ground, plan.prefix).await?;
        if !plan.has_key {
            scene.api::<Secret>().delete("rekindle-push-key", &DeleteParams::default()).await?;
        }
        scene.apply(&schema(100)).await?;
        let mut policy = policy();
        policy["spec"]["schemaRef"] = json!({"name": "checkout"});
        merge(&mut policy["spec"], plan.spec);
        scene.apply(&policy).await?;
        for number in 0..3 {
            let name = format!("checkout-{number}");
            scene.targets.push(Target::start_reading_key(&scene.namespace, &name, plan.judge.clone()).await?);
        }
        let victim = Victim::default();
        let proxy = Proxy::start(&scene.access, victim.clone()).await?;
        scene.access.kubeconfig = proxy.kubeconfig().to_owned();
        let decoys = decoys(ground, &scene, &plan.judge).await?;
        let knocks = Arc::new(AtomicUsize::new(0));
        let first = scene.targets.first().context("a stage without targets")?;
        let listener = TcpListener::bind((first.pod.address(), super::target::PORT + 1)).await?;
        let counter = knocks.clone();
        let other_port = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { scene, proxy, victim, lives: Vec::new(), judge: plan.judge, decoys, knocks, other_port })
    }

    /// One target more, which does not belong to the scene yet.
    pub async fn target(&self, name: &str) -> Result<Target> {
        Target::start_reading_key(&self.scene.namespace, name, self.judge.clone()).await
    }

    /// Starts the operator and waits until it is ready.
    pub async fn start(&mut self) -> Result<()> {
        self.scene.start_operator().await?;
        self.victim.is(self.scene.operator.as_ref().and_then(Operator::id).context("the operator has no id")?);
        Ok(())
    }

    /// Starts the operator without waiting.
    pub fn spawn(&mut self) -> Result<()> {
        let operator = Operator::spawn(&self.scene.namespace, &self.scene.access, &[])?;
        self.victim.is(operator.id().context("the operator has no id")?);
        self.scene.operator = Some(operator);
        Ok(())
    }

    /// Waits until the operator has ended, as a trap makes it.
    pub async fn operator_died(&mut self) -> Result<()> {
        let mut operator = self.scene.operator.take().context("no operator runs")?;
        let ended = operator.ended().await;
        self.victim.nobody();
        self.lives.push(operator.log());
        ended.with_context(|| format!("nothing killed it:\n{}\n{}", self.requests(), operator.log())).map(drop)
    }

    /// Kills the operator now.
    pub async fn kill(&mut self) -> Result<()> {
        self.victim.kill();
        self.operator_died().await
    }

    /// What the targets run, by name.
    pub fn running(&self) -> Vec<Option<String>> {
        self.scene.targets.iter().map(Target::runs_app).collect()
    }

    /// Everything that operators logged.
    pub fn logs(&self) -> String {
        let now = self.scene.operator.as_ref().map(Operator::log);
        self.lives.iter().cloned().chain(now).collect::<Vec<_>>().join("\n-- the next operator --\n")
    }

    /// The operator's requests in lines, for messages.
    pub fn requests(&self) -> String {
        let lines = self.proxy.log().into_iter().map(|request| format!("{} -> {:?}", request.line(), request.code));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Nothing went to a pod that did not opt in, to another namespace's pod, or to another port.
    pub fn check_decoys(&self) -> Result<()> {
        for decoy in &self.decoys {
            ensure!(decoy.requests() == 0, "S8: the decoy {} was asked", decoy.pod.name());
        }
        ensure!(self.knocks.load(Ordering::SeqCst) == 0, "S8: another port of a target was asked");
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.other_port.abort();
    }
}

/// The schema of the stage: pools from 1 to this one.
pub fn schema(largest: u32) -> Value {
    json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": "checkout"},
        "spec": {"documents": [{"match": "app.yaml", "required": true, "schema": {
            "type": "object", "required": ["pool"],
            "properties": {
                "pool": {"type": "integer", "minimum": 1, "maximum": largest},
                "password": {"type": "string"},
            },
        }}]},
    })
}

/// A pod that did not opt in, and one of another namespace that did.
async fn decoys(ground: Ground<'_>, scene: &Scene, judge: &Judge) -> Result<Vec<Target>> {
    let mut shy = Target::manifest("shy");
    shy.manifest.metadata.annotations = None;
    let elsewhere = ground.plane.namespace("decoy").await?;
    Ok(vec![
        Target::start_as(&scene.namespace, shy, judge.clone()).await?,
        Target::start_as(&elsewhere, Target::manifest("checkout-0"), judge.clone()).await?,
    ])
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
