//! Zero downtime: a constant load on the pods, while everything happens that Rekindle does and that is done to it.

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::cluster::{Cluster, cluster};
use crate::load::Load;
use crate::pressure::kill_leader;
use crate::shop::{PORT, Shop};

#[test]
#[ignore = "needs a node: make e2e"]
fn no_request_fails_through_edits_reverts_an_upgrade_and_a_dead_leader() {
    cluster(async |cluster| {
        let shop = Shop::open(cluster, "load").await?;
        let pods = shop.pods().await?;
        let addresses: Vec<_> = pods.iter().map(|pod| pod.address).collect();
        let load = Load::on(&addresses, PORT);

        for pool in 1..=10 {
            carry(&shop, pool).await?;
        }
        for (count, refused) in (51..54).enumerate() {
            shop.edit(refused).await?;
            until_quarantined(&shop, count + 1).await?;
            carry(&shop, 20 + u64::try_from(count)?).await?;
        }
        upgrade(cluster).await?;
        for pool in 1..=10 {
            carry(&shop, pool).await?;
        }
        kill_leader(cluster).await?;
        for pool in 11..=17 {
            carry(&shop, pool).await?;
        }

        let requests = load.end().await?;
        println!("{requests} requests, none failed");
        ensure!(shop.pods().await? == pods, "a pod of the service was replaced or restarted");
        cluster.until_operators().await
    });
}

async fn carry(shop: &Shop, pool: u64) -> Result<()> {
    shop.edit(pool).await?;
    shop.until_all_run(3, pool).await.map(drop)
}

async fn until_quarantined(shop: &Shop, count: usize) -> Result<()> {
    let what = format!("{count} digests are in quarantine");
    let quarantined = |policy: &Value| policy.pointer("/status/quarantined").and_then(Value::as_array).map(Vec::len);
    shop.until_policy(&what, |policy| quarantined(policy) == Some(count)).await.map(drop)
}

/// Every pod of the operator is replaced, one after the other, as a new release would.
async fn upgrade(cluster: &Cluster) -> Result<()> {
    let before = cluster.operators().await?;
    cluster.helm(&["upgrade", "--wait", "--timeout=90s"], &["podAnnotations.upgrade=yes"]).await?;
    cluster.until_operators().await?;
    let after = cluster.operators().await?;
    let kept = after.iter().any(|pod| before.iter().any(|old| old.metadata.uid == pod.metadata.uid));
    ensure!(!kept, "the upgrade kept a pod of the operator");
    Ok(())
}
