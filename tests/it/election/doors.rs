//! What probes and Prometheus are told by a leader and by a standby. Must not read logs.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use rekindle_testplane::http::get;
use rekindle_testplane::next_loopback;

use super::replicas::{LONG, Replicas, SHORT};
use crate::support::stage::app;
use crate::support::target::takes_all;

async fn says(address: SocketAddr, line: &str) -> Result<bool> {
    Ok(get(address, "/metrics").await?.1.lines().any(|said| said == line))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_ready_and_says_that_it_does_not_lead_until_it_does() -> Result<()> {
    let mut replicas = Replicas::usual("election", 1, takes_all()).await?;
    let mut doors = Vec::new();
    for _ in 0..2 {
        let address = SocketAddr::from((next_loopback(), 9090));
        replicas.start(&[LONG, &[&format!("--metrics-address={address}")]].concat()).await?;
        doors.push(address);
    }
    let leader = replicas.leader().await?;
    let (leading, waiting) = (doors[leader], doors[1 - leader]);
    for address in [leading, waiting] {
        ensure!(get(address, "/readyz").await? == (200, "ok\n".to_owned()), "both are ready");
        ensure!(get(address, "/healthz").await? == (200, "ok\n".to_owned()), "both are well");
    }
    replicas.scene.until("the leader says so", async || says(leading, "rekindle_leader 1").await).await?;
    ensure!(says(waiting, "rekindle_leader 0").await?, "the other does not lead");
    let acquired = "rekindle_leader_changes_total{change=\"acquired\"} 1";
    ensure!(says(leading, acquired).await? && !says(waiting, acquired).await?, "one was elected");

    let operator = replicas.operators.get_mut(leader).and_then(|replica| replica.operator.take());
    ensure!(operator.context("a leader")?.terminate().await?.success(), "it ends well");
    replicas.scene.until("the other leads", async || says(waiting, "rekindle_leader 1").await).await?;
    ensure!(says(waiting, acquired).await?, "it was elected once");
    ensure!(get(waiting, "/readyz").await?.0 == 200, "it is ready still");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_loses_its_lease_is_not_ready_until_it_has_seen_the_cluster_anew() -> Result<()> {
    let mut replicas = Replicas::usual("election", 1, takes_all()).await?;
    let address = SocketAddr::from((next_loopback(), 9090));
    let leader = replicas.start(&[SHORT, &[&format!("--metrics-address={address}")]].concat()).await?;
    // One that was elected and has not seen everything yet would give the Lease back.
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    ensure!(says(address, "rekindle_leader 1").await?, "it leads");
    replicas.operators.get_mut(leader).context("a leader")?.proxy.go_away().await;
    replicas.scene.until("it steps down", async || says(address, "rekindle_leader 0").await).await?;
    ensure!(says(address, "rekindle_leader_changes_total{change=\"lost\"} 1").await?, "it lost it");
    let unready = async || Ok(get(address, "/readyz").await?.0 == 503);
    replicas.scene.until("it is not ready", unready).await?;
    // The API server is away and not the operator: to start it again would change nothing.
    ensure!(get(address, "/healthz").await?.0 == 200, "it is well");
    replicas.operators.get_mut(leader).context("a leader")?.proxy.be_there().await?;
    replicas.scene.until("it leads again", async || says(address, "rekindle_leader 1").await).await?;
    ensure!(get(address, "/readyz").await?.0 == 200, "it is ready again");
    Ok(())
}
