//! Pods that start: in the middle of a rollout, again, or while the author's ConfigMap is bad and nobody watches.

use anyhow::ensure;
use rekindle_testplane::kill_in_pod;

use crate::cluster::{NAMESPACE, cluster};
use crate::shop::Shop;
use crate::wait::{SOON, until};

#[test]
#[ignore = "needs a node: make e2e"]
fn pods_that_start_and_go_in_the_middle_of_edits_end_on_the_active_version() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "starts").await?;
        shop.kubectl(&["scale", "deployment/checkout", "--replicas=6"]).await?;
        shop.edit(21).await?;
        let gone = shop.pods().await?.remove(0);
        shop.kubectl(&["delete", "pod", &gone.name, "--wait=false"]).await?;
        shop.edit(22).await?;
        let pods = shop.until_all_run(6, 22).await?;
        ensure!(pods.iter().all(|pod| pod.name != gone.name), "the deleted pod is still there");
        Ok(())
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn a_restarted_container_is_brought_to_the_active_version() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "restarts").await?;
        shop.edit(23).await?;
        let pod = shop.until_all_run(3, 23).await?.remove(0);
        kill_in_pod(&pod.uid, "/rekindle-checkout")?;
        until(SOON * 2, "the container runs again", async || {
            let pods = shop.pods().await?;
            Ok(pods.iter().any(|now| now.name == pod.name && now.restarts == 1).then_some(()))
        })
        .await?;
        shop.until_all_run(3, 23).await.map(drop)
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn without_an_operator_a_new_pod_starts_from_the_proven_content() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "alone").await?;
        shop.edit(24).await?;
        shop.until_all_run(3, 24).await?;
        until(SOON, "the active copy holds what was proven", async || {
            let copy = shop.kubectl(&["get", "configmap", "checkout-config-active", "-o", "yaml"]).await?;
            Ok(copy.contains("pool: 24").then_some(()))
        })
        .await?;
        let scale = async |replicas: &str| {
            cluster.plane.kubectl(&["scale", "deployment", "--all", "-n", NAMESPACE, replicas]).await
        };
        scale("--replicas=0").await?;
        cluster.until_operators().await?;
        shop.edit(1000).await?;
        let old = shop.pods().await?;
        shop.kubectl(&["delete", "pods", "-l", "app=checkout", "--wait=false"]).await?;
        let new = shop.until_all_run(3, 24).await;
        let new = new.map(|pods| pods.iter().all(|pod| old.iter().all(|gone| gone.name != pod.name)));
        scale("--replicas=2").await?;
        cluster.until_operators().await?;
        ensure!(new?, "an old pod is still there");
        Ok(())
    });
}
