//! The leader is cut off from the API server and goes on running: it stops before its Lease ends, and what it sent
//! before that and comes late is refused. Must not stop its process.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use rekindle_client::{PushKey, PushKeys};
use rekindle_core::contract::signature::sign_with_all;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::replicas::{Replicas, SHORT};
use super::silent::Silent;
use crate::support::scene::policy;
use crate::support::stage::app;
use crate::support::target::{KEY, PORT, Target, takes_all};

/// The times of `SHORT`.
const RENEW_DEADLINE: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_stops_pushing_before_its_lease_ends() -> Result<()> {
    let mut replicas = Replicas::usual("election", 2, takes_all()).await?;
    // Pods that do not answer are no reason to take the version back here.
    let mut patient = policy();
    patient["spec"]["breaker"] = json!({"failurePercent": 100, "consecutiveFailures": 1000, "minimumPods": 1000});
    replicas.scene.apply(&patient).await?;
    let silent = Silent::start(&replicas.scene.namespace, 30).await?;
    let leader = replicas.start(SHORT).await?;
    let standby = 1 - leader;
    replicas.start(SHORT).await?;
    replicas.scene.edit(&app(10)).await?;
    replicas.scene.until("the pods are pushed to", async || Ok(silent.arrivals().len() >= 60)).await?;
    let old = silent.arrivals().first().context("an arrival")?.0;

    replicas.operators.get_mut(leader).context("a leader")?.proxy.go_away().await;
    let cut = std::time::Instant::now();
    let follows = async || Ok(silent.arrivals().iter().any(|(epoch, _)| *epoch > old));
    replicas.scene.until("the standby pushes", follows).await.with_context(|| replicas.logs())?;
    let own = replicas.log(leader).into_iter().filter(|request| request.line() == "update leases rekindle-operator");
    let renewed = own.filter(|request| request.succeeded()).map(|request| request.at).max().context("it renewed")?;
    let acquired = replicas.acquired(standby)?.at;
    let late: Vec<_> = silent.arrivals().into_iter().filter(|(epoch, at)| *epoch == old && *at > cut).collect();
    let last = late.iter().map(|(_, at)| *at).max().context("it went on pushing for a while after the cut")?;
    eprintln!(
        "renew deadline 3 s, lease duration 6 s: last push {:?} and the other leads {:?} after the last renewal",
        last.duration_since(renewed),
        acquired.duration_since(renewed)
    );
    ensure!(last < acquired, "it pushed while another led");
    // A second for whoever notes the arrivals, and the half of the margin to the end of the Lease.
    ensure!(last < renewed + RENEW_DEADLINE + Duration::from_secs(1), "it pushed after its own deadline");
    let said = replicas.operators.get(leader).and_then(|replica| replica.operator.as_ref()).context("it runs")?.log();
    ensure!(said.contains("this replica does not lead any more"), "{said}");

    // Back again it stands by: whatever happens now, the other pushes.
    replicas.operators.get_mut(leader).context("a leader")?.proxy.be_there().await?;
    replicas.scene.edit(&app(20)).await?;
    replicas.all_run(&app(20)).await?;
    replicas.epochs_never_fall()?;
    refuses_the_past(&replicas, old).await
}

/// Pushes a version of the deposed leader's epoch that is newer than all others, as if it had been on its way for long.
async fn refuses_the_past(replicas: &Replicas, old: u64) -> Result<()> {
    let target = replicas.scene.targets.first().context("a target")?;
    let body = json!({
        "policy": format!("{}/checkout", replicas.scene.namespace.name()), "version": 99,
        "digest": target.arrivals().first().context("an arrival")?.digest(),
        "epoch": old, "reason": "edit", "changed": [],
        "documents": [{"name": "app.yaml", "format": "yaml", "text": app(10)}],
    });
    ensure!(push(target, &body).await? == 409, "a receiver takes the past");
    let now = *replicas.epochs()?.last().context("an epoch")?;
    // The only thing that is wrong with it is its epoch.
    let mut body = body;
    body["epoch"] = json!(now);
    ensure!(push(target, &body).await? == 200, "the same with the epoch of now is taken");
    Ok(())
}

async fn push(target: &Target, body: &Value) -> Result<u16> {
    let body = serde_json::to_vec(body)?;
    let keys = PushKeys { current: PushKey::new(&KEY)?, previous: None };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    let signature = sign_with_all(&keys, i64::try_from(now)?, &body);
    let stream = TcpStream::connect((target.pod.address(), PORT)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post("/rekindle/v1/config")
        .header("Host", "checkout")
        .header("Rekindle-Signature", signature)
        .body(Full::new(Bytes::from(body)))?;
    let answer = sender.send_request(request).await?.status().as_u16();
    connection.abort();
    Ok(answer)
}
