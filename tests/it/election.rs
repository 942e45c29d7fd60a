//! Two replicas of which one leads: it is killed, cut off from the API server, asked to end; the other goes on where it
//! stood, and no target is sent back in time.

mod doors;
mod ending;
mod fanout;
mod guards;
mod partition;
mod replicas;
mod silent;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::support::stage::app;
use crate::support::target::takes_all;
use replicas::{Replicas, SHORT};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_leads_and_the_other_only_looks() -> Result<()> {
    let mut replicas = Replicas::usual("election", 3, takes_all()).await?;
    let leader = replicas.start(SHORT).await?;
    replicas.start(SHORT).await?;
    let standby = 1 - leader;
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    // It has looked at the Lease often enough to have had its chance.
    let looked = async || Ok(replicas.asked(standby, "get leases").len() >= 3);
    replicas.scene.until("the standby looks at the Lease", looked).await?;
    let writes: Vec<_> = replicas.log(standby).into_iter().filter(|request| request.is_write()).collect();
    ensure!(writes.is_empty(), "the standby wrote {writes:?}");
    replicas.epochs_never_fall()?;
    ensure!(replicas.epochs()?.len() == 1, "one led");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_somebody_deletes_or_empties_does_not_send_epochs_back() -> Result<()> {
    let mut replicas = Replicas::usual("election", 2, takes_all()).await?;
    replicas.start(SHORT).await?;
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    let leases = replicas.scene.api::<Lease>();
    let first = replicas.lease().await?;
    leases.delete("rekindle-operator", &DeleteParams::default()).await?;
    let created = async || Ok(replicas.lease().await.is_ok_and(|lease| lease.holder == first.holder));
    replicas.scene.until("the leader creates the Lease again", created).await?;
    ensure!(replicas.lease().await?.transitions == first.transitions, "it still is the same time in office");
    let nobody = Patch::Merge(json!({"spec": {"holderIdentity": null}}));
    leases.patch("rekindle-operator", &PatchParams::default(), &nobody).await?;
    let elected = async || Ok(replicas.lease().await?.transitions > first.transitions);
    replicas.scene.until("it is elected again", elected).await?;
    replicas.scene.edit(&app(20)).await?;
    replicas.all_run(&app(20)).await?;
    replicas.epochs_never_fall()?;
    let epochs = replicas.epochs()?;
    ensure!(epochs.len() == 2, "another time in office has another epoch: {epochs:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_replicas_start_again_and_push_nothing_that_is_confirmed() -> Result<()> {
    let mut replicas = Replicas::usual("election", 3, takes_all()).await?;
    replicas.start(SHORT).await?;
    replicas.start(SHORT).await?;
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    let before = replicas.lease().await?;
    replicas.stop_all().await?;
    ensure!(replicas.lease().await?.holder.is_none(), "the last one gave the Lease back");
    replicas.start(SHORT).await?;
    replicas.start(SHORT).await?;
    replicas.scene.edit(&app(20)).await?;
    replicas.all_run(&app(20)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    let pushes: Vec<_> = replicas.scene.targets.iter().map(|target| target.requests()).collect();
    ensure!(pushes == [2, 2, 2], "one push for each edit: {pushes:?}");
    ensure!(replicas.lease().await?.transitions > before.transitions, "the holder changed");
    replicas.epochs_never_fall()
}

#[tokio::test(flavor = "multi_thread")]
async fn times_that_do_not_fit_each_other_are_refused_at_the_start() -> Result<()> {
    let mut replicas = Replicas::usual("election", 0, takes_all()).await?;
    let times = ["--lease-duration=5s", "--renew-deadline=5s", "--retry-period=1s"];
    let place = replicas.spawn(&times).await?;
    let operator = replicas.operators.get_mut(place).and_then(|replica| replica.operator.as_mut());
    let operator = operator.context("it was started")?;
    ensure!(!operator.ended().await?.success(), "it ends with a failure");
    let log = operator.log();
    ensure!(log.contains("renew deadline must be at most nine tenths of the lease duration, that is 4.5s"), "{log}");
    Ok(())
}
