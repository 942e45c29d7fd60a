//! The main job: an edit reaches the pods, a bad one does not, one that hurts is taken back, a person goes back.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cluster::cluster;
use crate::shop::{Shop, has_condition};

#[test]
#[ignore = "needs a node: make e2e"]
fn an_edit_reaches_every_pod_and_restarts_none() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "edit").await?;
        let before = shop.pods().await?;
        shop.edit(11).await?;
        let after = shop.until_all_run(3, 11).await?;
        ensure!(before == after, "pods changed, from {before:?} to {after:?}");
        Ok(())
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn a_bad_edit_is_refused_with_the_place() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "bad").await?;
        shop.edit(1000).await?;
        let policy =
            shop.until_policy("the edit is refused", |policy| has_condition(policy, "Valid", "False", None)).await?;
        let text = policy.to_string();
        ensure!(text.contains("app.yaml") && text.contains("pool"), "no place in {text}");
        ensure!(!text.contains("1000"), "the value is in {text}");
        shop.until_all_run(3, 10).await.map(drop)
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn what_the_application_refuses_is_reverted_and_quarantined() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "refused").await?;
        // The schema allows it; the license of the service does not.
        shop.edit(60).await?;
        let policy = shop
            .until_policy("the edit is in quarantine", |policy| {
                policy.pointer("/status/quarantined").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
            })
            .await?;
        ensure!(policy.to_string().contains("license"), "no reason in {policy}");
        ensure!(shop.text().await?.contains("60"), "the author's ConfigMap was touched");
        let pods = shop.until_all_run(3, 10).await?;
        ensure!(pods.iter().all(|pod| pod.restarts == 0), "a pod restarted: {pods:?}");
        Ok(())
    });
}

#[test]
#[ignore = "needs a node: make e2e"]
fn a_rollback_that_is_applied_goes_back() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "back").await?;
        shop.edit(12).await?;
        shop.until_all_run(3, 12).await?;
        shop.namespace.apply(ROLLBACK).await?;
        shop.until_all_run(3, 10).await?;
        until_complete(&shop).await
    });
}

const ROLLBACK: &str = r#"
apiVersion: rekindle.dev/v1alpha1
kind: ConfigRollback
metadata: {name: back}
spec: {policyRef: {name: checkout}, to: {version: 1}, reason: "twelve were too many"}
"#;

async fn until_complete(shop: &Shop) -> Result<()> {
    let wait = ["wait", "cr/back", "--for=condition=Complete", "--timeout=30s"];
    shop.kubectl(&wait).await.context("the rollback is not complete").map(drop)
}
