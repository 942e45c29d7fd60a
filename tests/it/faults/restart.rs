//! The API server and its etcd really crash and start again while something is under way.

use std::time::Duration;

use anyhow::{Result, ensure};
use rekindle_testplane::{ControlPlane, Options};

use super::{edit, logged, plan, pushes, runs, seen};
use crate::support::install;
use crate::support::invariants::assert_invariants;
use crate::support::operator::ROLE;
use crate::support::proxy::{Act, Rule};
use crate::support::scene::Ground;
use crate::support::stage::{Stage, app};

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_crashes_in_the_middle_of_a_rollout_loses_no_push_and_repeats_none() -> Result<()> {
    // The server of the others must not go away.
    let plane = ControlPlane::start(Options::default()).await?;
    install(&plane).await?;
    let mut stage = Stage::set_on(Ground { plane: &plane, role: ROLE }, plan()).await?;
    stage.start().await?;
    edit(&stage, 10).await?;

    // The record is acknowledged, every target is about to answer, and nobody is left to be told.
    for target in &stage.scene.targets {
        target.hold(true);
    }
    stage.scene.edit(&app(20)).await?;
    stage.scene.until("the pushes are under way", async || Ok(pushes(&stage) == [2, 2, 2])).await?;
    plane.kill_api_server()?;
    plane.kill_etcd()?;
    stage.scene.targets.iter().for_each(|target| target.hold(false));
    stage.scene.all_run(&app(20)).await?;
    logged(&stage, "statuses could not be written").await?;
    plane.start_etcd().await?;
    plane.start_api_server().await?;
    runs(&stage, 20).await?;
    ensure!(pushes(&stage) == [2, 2, 2], "one push for each edit: {:?}", pushes(&stage));

    // The server crashes before it has the record.
    stage.proxy.rule(Rule::once(Act::Delay(Duration::from_secs(3)), |request| {
        request.line() == "create configversions checkout-v3"
    }));
    stage.scene.edit(&app(30)).await?;
    seen(&stage, "create configversions checkout-v3", 1).await?;
    plane.kill_api_server()?;
    logged(&stage, "a version could not be recorded").await?;
    ensure!(stage.running().iter().all(|runs| *runs == Some(app(20))), "nothing may go out unrecorded");
    plane.start_api_server().await?;
    runs(&stage, 30).await?;
    ensure!(pushes(&stage) == [3, 3, 3], "one push for each edit: {:?}", pushes(&stage));

    // Only etcd crashes; the server is there and cannot do anything.
    plane.kill_etcd()?;
    plane.start_etcd().await?;
    stage.scene.until("an edit is taken again", async || Ok(stage.scene.edit(&app(40)).await.is_ok())).await?;
    runs(&stage, 40).await?;
    ensure!(pushes(&stage) == [4, 4, 4], "one push for each edit: {:?}", pushes(&stage));
    assert_invariants(&stage).await
}
