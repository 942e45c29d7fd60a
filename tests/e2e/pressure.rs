//! What a node does to the operator: its process is killed, its pod evicted, its new image cannot start.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::EvictParams;
use kube::{Api, ResourceExt};
use rekindle_testplane::kill_in_pod;

use crate::cluster::{Cluster, NAMESPACE, cluster};
use crate::shop::Shop;
use crate::wait::{SOON, until};

#[test]
#[ignore = "needs a node: make e2e"]
fn a_killed_operator_comes_back_and_takes_up_what_was_edited_meanwhile() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "killed").await?;
        for operator in cluster.operators().await? {
            kill_in_pod(&operator.metadata.uid.unwrap_or_default(), OPERATOR)?;
        }
        shop.edit(13).await?;
        shop.until_all_run(3, 13).await?;
        cluster.until_operators().await
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn an_evicted_operator_hands_over() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "evicted").await?;
        let leader = until(SOON, "a pod that is ready leads", async || leader(cluster).await.map(Some)).await?;
        let pods: Api<Pod> = Api::namespaced(cluster.plane.client()?, NAMESPACE);
        pods.evict(&leader, &EvictParams::default()).await.context("evict the leader")?;
        shop.edit(14).await?;
        shop.until_all_run(3, 14).await?;
        cluster.until_operators().await
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn an_image_that_cannot_start_leaves_the_old_one_at_work() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "upgrade").await?;
        cluster.helm(&["upgrade"], &["image.tag=missing"]).await?;
        until(SOON, "a pod with the new image is there and cannot start", async || {
            let text = cluster.plane.kubectl(&["get", "pods", "-n", NAMESPACE, "-o", "json"]).await?;
            Ok(text.contains("ErrImageNeverPull").then_some(()))
        })
        .await?;
        shop.edit(15).await?;
        shop.until_all_run(3, 15).await?;
        ensure!(!cluster.operators().await?.is_empty(), "no operator is left");
        cluster.helm(&["upgrade", "--wait", "--timeout=90s"], &[]).await?;
        cluster.until_operators().await
    });
}

/// How the image starts it.
const OPERATOR: &str = "/rekindle";

/// Kills the process of the leader, as the out-of-memory killer would, and waits until another process leads, which may
/// be the one that the kubelet starts in its place.
pub async fn kill_leader(cluster: &Cluster) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(cluster.plane.client()?, NAMESPACE);
    let leader = until(SOON, "a pod that is ready leads", async || leader(cluster).await.map(Some)).await?;
    let pod = pods.get(&leader).await.context("read the leader's pod")?;
    let dead = holder(cluster).await?;
    kill_in_pod(&pod.metadata.uid.unwrap_or_default(), OPERATOR)?;
    until(Duration::from_secs(60), &format!("another than {dead} leads"), async || {
        Ok((holder(cluster).await? != dead).then_some(()))
    })
    .await
}

/// Who holds the Lease: a process of a pod.
async fn holder(cluster: &Cluster) -> Result<String> {
    let leases: Api<Lease> = Api::namespaced(cluster.plane.client()?, NAMESPACE);
    let all = leases.list(&Default::default()).await.context("list the leases")?;
    let holders = all.iter().filter_map(|lease| lease.spec.as_ref()?.holder_identity.clone());
    holders.into_iter().find(|holder| !holder.is_empty()).context("nobody leads")
}

/// The name of the pod that leads.
async fn leader(cluster: &Cluster) -> Result<String> {
    let holder = holder(cluster).await?;
    let operators = cluster.operators().await?;
    let pod = operators.iter().map(ResourceExt::name_any).find(|name| holder.starts_with(name.as_str()));
    pod.with_context(|| format!("{holder} leads and is no pod that is ready"))
}
