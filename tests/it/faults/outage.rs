//! The API server is away, at the start or in the middle, or its watches break off while somebody edits.

use anyhow::{Result, ensure};

use super::{edit, logged, pushes, runs, seen, set, stage};
use crate::support::invariants::assert_invariants;
use crate::support::proxy::{Act, Request, Rule};
use crate::support::stage::app;
use crate::support::target::Target;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_starts_without_an_api_server_says_so_and_waits_for_it() -> Result<()> {
    let mut stage = set().await?;
    stage.proxy.go_away().await;
    stage.spawn()?;
    logged(&stage, "the API server cannot be reached").await?;
    stage.scene.edit(&app(10)).await?;
    stage.proxy.be_there().await?;
    runs(&stage, 10).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_goes_on_while_the_api_server_is_away_and_is_written_down_afterwards() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    // The record is acknowledged, and then nobody is there any more.
    let first = stage.scene.targets.iter().map(Target::requests).max();
    stage.scene.edit(&app(20)).await?;
    let arrived = async || Ok(stage.scene.targets.iter().map(Target::requests).max() > first);
    stage.scene.until("the first push arrives", arrived).await?;
    stage.proxy.go_away().await;
    stage.scene.all_run(&app(20)).await?;
    // What comes now is seen only later.
    stage.scene.edit(&app(30)).await?;
    logged(&stage, "statuses could not be written").await?;
    ensure!(pushes(&stage) == [2, 2, 2], "one push for each edit: {:?}", pushes(&stage));
    stage.proxy.be_there().await?;
    runs(&stage, 30).await?;
    ensure!(pushes(&stage) == [3, 3, 3], "one push for each edit: {:?}", pushes(&stage));
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_while_the_watch_is_cut_is_not_lost() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    stage.proxy.rule(Rule::always(Act::Cut, |request| {
        request.resource == "configmaps" && matches!(request.verb, "watch" | "list")
    }));
    let before = stage.proxy.log().iter().filter(|request| request.line() == "watch configmaps ").count();
    stage.proxy.cut_watches();
    seen(&stage, "watch configmaps ", before + 1).await?;
    stage.scene.edit(&app(20)).await?;
    stage.proxy.clear();
    runs(&stage, 20).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_that_have_fallen_behind_list_again() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    let kinds = ["configmaps", "configversions", "pods", "reloadpolicies", "configschemas", "configrollbacks"];
    let such = |kind: &'static str| move |request: &Request| request.verb == "watch" && request.resource == kind;
    for kind in kinds {
        stage.proxy.rule(Rule::once(Act::gone(), such(kind)));
    }
    stage.proxy.cut_watches();
    stage.scene.until("every watch was told to begin anew", async || Ok(stage.proxy.rules_are_used_up())).await?;
    edit(&stage, 20).await?;
    ensure!(!stage.logs().contains("too old resource version"), "that is no trouble:\n{}", stage.logs());
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_came_and_one_that_went_while_the_watch_was_cut_are_noticed() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    let before = stage.proxy.log().iter().filter(|request| request.line() == "watch pods ").count();
    stage.proxy.rule(Rule::always(Act::Cut, |request| request.resource == "pods"));
    stage.proxy.cut_watches();
    seen(&stage, "watch pods ", before + 1).await?;
    let gone = stage.scene.targets.pop();
    if let Some(gone) = &gone {
        gone.pod.clone().delete().await?;
    }
    stage.scene.targets.push(stage.target("checkout-new").await?);
    // The list that follows knows nothing of what happened before it.
    stage.proxy.clear();
    stage.proxy.rule(Rule::once(Act::gone(), |request| request.resource == "pods" && request.verb == "watch"));
    stage.scene.all_run(&app(10)).await?;
    stage.scene.condition("Ready", "True", "Settled").await?;
    assert_invariants(&stage).await
}
