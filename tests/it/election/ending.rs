//! The leader is asked to end: it finishes what is under way and hands over; asked twice, it ends at once.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::replicas::{LONG, Replicas};
use crate::support::stage::app;
use crate::support::target::{Target, takes_all};

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_asked_to_end_hands_over_at_once() -> Result<()> {
    let mut replicas = Replicas::usual("election", 3, takes_all()).await?;
    let leader = replicas.start(LONG).await?;
    let standby = 1 - leader;
    replicas.start(LONG).await?;
    replicas.scene.edit(&app(10)).await?;
    replicas.all_run(&app(10)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    let operator = replicas.operators.get_mut(leader).and_then(|replica| replica.operator.take());
    let (asked, edit) = (Instant::now(), app(20));
    // Whoever edits does not know of it.
    let (ended, edited) = tokio::join!(operator.context("a leader")?.terminate(), replicas.scene.edit(&edit));
    edited?;
    ensure!(ended?.success(), "it ends with 0");
    replicas.all_run(&app(20)).await?;
    replicas.scene.condition("Ready", "True", "Settled").await?;
    let (released, acquired) = (replicas.released(leader)?.at, replicas.acquired(standby)?.at);
    eprintln!(
        "lease duration 10 min: given back {:?} after TERM, taken {:?} after that",
        released.duration_since(asked),
        acquired.duration_since(released)
    );
    // However busy the machine is: otherwise it would be ten minutes.
    ensure!(acquired.duration_since(asked) < Duration::from_secs(60), "the other does not wait for the Lease to end");
    replicas.epochs_never_fall()?;
    let pushes: Vec<_> = replicas.scene.targets.iter().map(Target::requests).collect();
    ensure!(pushes.iter().all(|pushes| (2..=3).contains(pushes)), "at most one push is repeated: {pushes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_under_way_are_finished_before_the_lease_is_given_back() -> Result<()> {
    let mut replicas = Replicas::usual("election", 3, takes_all()).await?;
    let leader = replicas.start(LONG).await?;
    replicas.start(LONG).await?;
    for target in &replicas.scene.targets {
        target.delay(Duration::from_millis(700));
    }
    replicas.scene.edit(&app(10)).await?;
    replicas.scene.until("the pushes are under way", async || Ok(pushed(&replicas) == 3)).await?;
    let operator = replicas.operators.get_mut(leader).and_then(|replica| replica.operator.take());
    ensure!(operator.context("a leader")?.terminate().await?.success(), "it ends with 0");
    let released = replicas.released(leader)?.at;
    for target in &replicas.scene.targets {
        let taken = target.runs().context("it runs it")?.at;
        ensure!(taken < released, "{} took it after the Lease was given back", target.pod.name());
    }
    replicas.scene.condition("Ready", "True", "Settled").await?;
    ensure!(pushed(&replicas) == 3, "nothing is pushed twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_asked_twice_ends_at_once() -> Result<()> {
    let mut replicas = Replicas::usual("election", 3, takes_all()).await?;
    let leader = replicas.start(LONG).await?;
    for target in &replicas.scene.targets {
        target.delay(Duration::from_secs(30));
    }
    replicas.scene.edit(&app(10)).await?;
    replicas.scene.until("the pushes are under way", async || Ok(pushed(&replicas) == 3)).await?;
    let operator = replicas.operators.get_mut(leader).and_then(|replica| replica.operator.as_mut());
    let operator = operator.context("a leader")?;
    let process = Pid::from_raw(i32::try_from(operator.id().context("it runs")?)?);
    kill(process, Signal::SIGTERM)?;
    let told = tokio::time::timeout(Duration::from_secs(60), async {
        while !operator.log().contains("finishing what is under way") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    told.await.context("it heard the first TERM")?;
    kill(process, Signal::SIGTERM)?;
    let status = operator.ended().await?;
    ensure!(status.code() == Some(1), "it ends with 1, not in good order: {status}");
    ensure!(!operator.log().contains("gave the Lease back"), "it waits for nothing more");
    Ok(())
}

fn pushed(replicas: &Replicas) -> usize {
    replicas.scene.targets.iter().map(Target::requests).sum()
}
