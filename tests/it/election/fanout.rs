//! The leader is killed in the middle of a fan-out to many targets. Must not look at anything but what reached them.

use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::replicas::{Replicas, SHORT};
use crate::support::stage::app;
use crate::support::target::{Trap, takes_all};

const TARGETS: usize = 200;
/// So many have answered when the leader is killed; the others hold the push.
const ANSWERED: usize = 60;

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_during_a_fan_out_to_200_targets_is_followed_by_the_standby() -> Result<()> {
    let mut replicas = Replicas::usual("election", TARGETS, takes_all()).await?;
    let leader = replicas.start(SHORT).await?;
    let standby = 1 - leader;
    replicas.start(SHORT).await?;
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    let victim = replicas.operators.get(leader).context("a leader")?.victim.clone();
    let trap = Trap::after_answers(victim, 2, ANSWERED);
    replicas.scene.targets.iter().for_each(|target| target.trap(Some(trap.clone())));
    replicas.scene.edit(&app(20)).await?;
    let dead = replicas.operators.get_mut(leader).and_then(|replica| replica.operator.as_mut());
    dead.context("a leader")?.ended().await.context("nothing killed it")?;
    let killed = Instant::now();
    replicas.scene.targets.iter().for_each(|target| target.trap(None));
    replicas.all_run(&app(20)).await?;
    let finished = killed.elapsed();
    replicas.scene.condition("Ready", "True", "Settled").await?;

    let acquired = replicas.acquired(standby)?.at.duration_since(killed);
    eprintln!(
        "lease duration 6 s: taken over {acquired:?} after the kill, all {TARGETS} targets {finished:?} after it"
    );
    replicas.epochs_never_fall()?;
    ensure!(replicas.epochs()?.len() == 2, "two led");
    ensure!(replicas.scene.versions().await?.len() == 2, "the standby recorded nothing anew");
    for target in &replicas.scene.targets {
        let pushes = target.arrivals().iter().filter(|arrival| arrival.version() == 2).count();
        ensure!((1..=2).contains(&pushes), "{} got version 2 {pushes} times", target.pod.name());
        let applied = target.pushes().iter().filter(|push| push.running.version.0 == 2).count();
        ensure!(applied == 1, "the application of {} saw version 2 {applied} times", target.pod.name());
    }
    Ok(())
}
