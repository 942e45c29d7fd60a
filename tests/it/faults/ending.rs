//! The operator is asked to end, or starts again and finds nothing to do.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{edit, runs, stage};
use crate::support::invariants::assert_invariants;
use crate::support::stage::Stage;
use crate::support::target::Target;
use crate::support::{plane, stage::app};

fn requests(stage: &Stage) -> usize {
    stage.scene.targets.iter().map(Target::requests).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_nothing_changed_asks_targets_nothing_and_writes_nothing() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    edit(&stage, 20).await?;
    let operator = stage.scene.operator.take().context("no operator")?;
    ensure!(operator.terminate().await?.success(), "it ends well");
    let (before, mark) = (requests(&stage), plane().await?.audit().mark()?);
    stage.start().await?;
    // It has looked at everything once it has shown a change that comes after the start.
    assert_invariants(&stage).await?;
    plane().await?.settle_audit().await?;
    let name = stage.scene.namespace.name();
    let entries = plane().await?.audit().since(mark)?;
    let own = entries.iter().filter(|entry| entry.is_by(name, "operator") && entry.is_write());
    let writes: Vec<_> = own.map(|entry| format!("{} {}/{}", entry.verb, entry.resource, entry.subresource)).collect();
    // These two show the changes by which `assert_invariants` finds out that it is quiet.
    ensure!(writes == ["patch reloadpolicies/status"; 2], "it wrote {writes:?}");
    ensure!(requests(&stage) == before, "it pushed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_asked_to_end_during_a_slow_push_ends_well_and_loses_nothing() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    for target in &stage.scene.targets {
        target.delay(Duration::from_secs(1));
    }
    let before = requests(&stage);
    stage.scene.edit(&app(20)).await?;
    stage.scene.until("the pushes are under way", async || Ok(requests(&stage) == before + 3)).await?;
    let operator = stage.scene.operator.take().context("no operator")?;
    ensure!(operator.terminate().await?.success(), "it ends with 0");
    stage.scene.all_run(&app(20)).await?;
    // The answers are written down: the next operator does not ask again.
    let confirmed = stage.scene.policy().await?["status"]["targets"]["confirmed"].clone();
    ensure!(confirmed == 3, "it wrote down what it learned: {confirmed}");
    stage.start().await?;
    runs(&stage, 20).await?;
    // Only when it is quiet it is clear that nothing more comes.
    assert_invariants(&stage).await?;
    ensure!(requests(&stage) == before + 3, "nothing is pushed twice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_asked_to_end_does_not_wait_for_a_target_for_ever() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    for target in &stage.scene.targets {
        target.delay(Duration::from_secs(8));
    }
    let before = requests(&stage);
    stage.scene.edit(&app(20)).await?;
    stage.scene.until("the pushes are under way", async || Ok(requests(&stage) == before + 3)).await?;
    let operator = stage.scene.operator.take().context("no operator")?;
    ensure!(operator.terminate().await?.success(), "it ends with 0");
    for target in &stage.scene.targets {
        target.delay(Duration::ZERO);
    }
    stage.start().await?;
    runs(&stage, 20).await?;
    assert_invariants(&stage).await
}
