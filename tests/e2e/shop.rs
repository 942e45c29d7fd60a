//! A team's namespace: a schema, a policy, a ConfigMap and a Deployment of the checkout service, as its authors know
//! them. What the pods run is asked of the pods themselves.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use rekindle_testplane::Namespace;
use rekindle_testplane::http::get_ok;
use serde_json::Value;

use crate::cluster::{CHECKOUT, Cluster, is_ready};
use crate::wait::{SOON, until};

/// The port of the service.
pub const PORT: u16 = 8080;

/// A namespace with three pods of the service that run the first version.
pub struct Shop {
    pub cluster: &'static Cluster,
    pub namespace: Namespace,
}

/// A pod as the kubelet sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Running {
    pub name: String,
    pub uid: String,
    pub address: Ipv4Addr,
    pub restarts: i32,
    pub started: String,
}

impl Shop {
    /// Opens the shop: everything is applied, and three pods run version 1.
    pub async fn open(cluster: &'static Cluster, name: &str) -> Result<Self> {
        let shop = Self { cluster, namespace: cluster.plane.namespace(name).await? };
        shop.namespace.apply(include_str!("shop/policy.yaml")).await?;
        shop.edit(10).await?;
        // The kubelet waits longer and longer for what a pod mounts, so it is there before the pods are.
        until(SOON, "there is a push key and proven content", async || {
            shop.kubectl(&["get", "secret/rekindle-push-key", "configmap/checkout-config-active"]).await.map(Some)
        })
        .await?;
        let deployment = include_str!("shop/deployment.yaml").replace("IMAGE", CHECKOUT);
        shop.namespace.apply(&deployment).await?;
        shop.until_all_run(3, 10).await?;
        Ok(shop)
    }

    /// Edits the ConfigMap with kubectl, as its author would.
    pub async fn edit(&self, pool: u64) -> Result<()> {
        self.write(&format!("pool: {pool}\ncurrency: EUR\n")).await
    }

    /// Edits the ConfigMap to any text.
    pub async fn write(&self, text: &str) -> Result<()> {
        self.namespace.config_map("checkout-config", &[("app.yaml", text)]).await.map(drop)
    }

    /// What the author's ConfigMap holds.
    pub async fn text(&self) -> Result<String> {
        let config: ConfigMap = self.namespace.api().get("checkout-config").await.context("read the ConfigMap")?;
        config.data.and_then(|mut data| data.remove("app.yaml")).context("the ConfigMap has no app.yaml")
    }

    /// Runs kubectl in the namespace.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let all: Vec<&str> = ["--namespace", self.namespace.name()].iter().chain(arguments).copied().collect();
        self.cluster.plane.kubectl(&all).await
    }

    /// The pods of the service that are ready.
    pub async fn pods(&self) -> Result<Vec<Running>> {
        let pods: Api<Pod> = self.namespace.api();
        let listed = pods.list(&ListParams::default().labels("app=checkout")).await.context("list the pods")?;
        let mut pods: Vec<_> = listed.iter().filter(|pod| is_ready(pod)).filter_map(running).collect();
        pods.sort();
        Ok(pods)
    }

    /// What a pod says that it runs.
    pub async fn ask(&self, pod: &Running) -> Result<Value> {
        serde_json::from_str(&get_ok((pod.address, PORT).into(), "/").await?).context("read the answer")
    }

    /// Waits until there are so many pods, and each says that it runs the pool of this size.
    pub async fn until_all_run(&self, count: usize, pool: u64) -> Result<Vec<Running>> {
        until(SOON * 3, &format!("{count} pods run a pool of {pool}"), async || {
            let pods = self.pods().await?;
            let answers = try_join_all(pods.iter().map(|pod| self.ask(pod))).await?;
            let all = answers.iter().all(|answer| answer.pointer("/values/pool") == Some(&pool.into()));
            Ok((pods.len() == count && all).then_some(pods))
        })
        .await
    }

    /// Waits until the policy's status satisfies a condition.
    pub async fn until_policy(&self, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Result<Value> {
        until(SOON, what, async || {
            let text = self.kubectl(&["get", "rp", "checkout", "-o", "json"]).await?;
            let policy: Value = serde_json::from_str(&text)?;
            Ok(holds(&policy).then_some(policy))
        })
        .await
    }
}

fn running(pod: &Pod) -> Option<Running> {
    let status = pod.status.as_ref()?;
    let container = status.container_statuses.as_ref()?.first()?;
    let started = &container.state.as_ref()?.running.as_ref()?.started_at;
    Some(Running {
        name: pod.name_any(),
        uid: pod.metadata.uid.clone()?,
        address: status.pod_ip.as_ref()?.parse().ok()?,
        restarts: container.restart_count,
        started: serde_json::to_string(started).ok()?,
    })
}

/// Whether a condition of an object has this status, and this reason if one is named.
pub fn has_condition(object: &Value, kind: &str, status: &str, reason: Option<&str>) -> bool {
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
    let field = |condition: &Value, name: &str| condition.get(name).and_then(Value::as_str).map(str::to_owned);
    conditions.into_iter().flatten().any(|condition| {
        field(condition, "type").as_deref() == Some(kind)
            && field(condition, "status").as_deref() == Some(status)
            && reason.is_none_or(|reason| field(condition, "reason").as_deref() == Some(reason))
    })
}
