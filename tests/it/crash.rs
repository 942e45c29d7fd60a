//! The operator is killed between any two of its writes and pushes, started again, and nobody can tell from outside.
//! Each point is named; a failure says at which point it happened.

mod point;
pub mod story;

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt as _;

use serde_json::json;

use crate::support::invariants::assert_invariants;
use crate::support::proxy::{Act, Request, Rule};
use crate::support::scene::condition_of;
use crate::support::stage::{Stage, app};
use point::Point;
use story::Story;

/// So many points of one story are tried at the same time.
pub const AT_ONCE: usize = 8;

/// Kills at each of these points of the story, and asserts that the story comes to its end all the same.
async fn survives(story: Story, points: Vec<Point>) -> Result<()> {
    let crashes = points.into_iter().map(|point| async move {
        let name = point.name.clone();
        crash(story, point).await.with_context(|| format!("killed {name}")).err()
    });
    let failures: Vec<_> = futures::stream::iter(crashes).buffer_unordered(AT_ONCE).collect().await;
    let failures: Vec<_> = failures.into_iter().flatten().map(|error| format!("{error:#}")).collect();
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

async fn crash(story: Story, point: Point) -> Result<()> {
    let mut stage = Stage::set(story.plan()).await?;
    stage.start().await?;
    story.prepare(&stage).await.context("before anything was to be killed")?;
    point.arm(&stage);
    story.act(&stage).await?;
    stage.operator_died().await?;
    Point::disarm(&stage);
    let before = stage.running();
    // The world goes on without the operator; S10: what runs stays.
    for target in &stage.scene.targets {
        target.pod.label("seen", Some("while-nobody-watched")).await?;
    }
    ensure!(stage.running() == before, "S10: a configuration changed without an operator");
    stage.start().await?;
    story.end(&stage).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_survives_a_crash_around_its_writes() -> Result<()> {
    let points = [
        Point::around("the create of version 1", |request| request.line() == "create configversions checkout-v1"),
        Point::around("the status of version 1", |request| request.line() == "patch configversions/status checkout-v1"),
        Point::around("the status of the policy", |request| request.line() == "patch reloadpolicies/status checkout"),
    ];
    survives(Story::Rollout, points.into_iter().flatten().collect()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_survives_a_crash_between_its_pushes() -> Result<()> {
    survives(Story::Rollout, Point::among_pushes_of(1)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_survives_a_crash() -> Result<()> {
    let quarantines = |request: &Request| {
        request.line() == "patch reloadpolicies/status checkout"
            && request.body[0]["value"]["quarantined"].as_array().is_some_and(|list| !list.is_empty())
    };
    let points = [
        Point::around("the create of the revert", |request| request.line() == "create configversions checkout-v3"),
        Point::around("the status with the quarantine", quarantines),
    ];
    survives(Story::Revert, points.into_iter().flatten().chain(Point::among_pushes_of(2)).collect()).await
}

/// The record of version 2 is then the only one that knows it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_proven_is_returned_to_though_no_status_came_to_say_so() -> Result<()> {
    let mut stage = Stage::set(Story::Revert.plan()).await?;
    let shows = |request: &Request| request.line() == "patch configversions/status checkout-v1";
    let busy = Act::refuse(503, "ServiceUnavailable", "the server is busy");
    stage.proxy.rule(Rule::always(busy, shows));
    let create = |request: &Request| request.line() == "create configversions checkout-v2";
    stage.proxy.rule(Rule::once(Act::KillAfter, create));
    stage.start().await?;
    stage.scene.edit(&app(10)).await?;
    let proven =
        |request: &Request| condition_of(&json!({"status": request.body[0]["value"]}), "Proven")["status"] == "True";
    let told = async || Ok(stage.proxy.log().iter().any(|request| shows(request) && proven(request)));
    stage.scene.until("the operator wants to show that version 1 is proven", told).await?;
    stage.scene.edit(&app(99)).await?;
    stage.operator_died().await?;
    stage.proxy.clear();
    ensure!(stage.scene.versions().await?.values().all(|version| version.status.is_none()), "a status was written");
    stage.start().await?;
    Story::Revert.end(&stage).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_survives_a_crash_between_its_pushes() -> Result<()> {
    survives(Story::Revert, Point::among_pushes_of(3)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_survives_a_crash() -> Result<()> {
    let points = [
        Point::around("the create of its version", |request| request.line() == "create configversions checkout-v3"),
        Point::around("the status of the rollback", |request| request.line() == "patch configrollbacks/status back"),
    ];
    survives(Story::Rollback, points.into_iter().flatten().collect()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_copy_survives_a_crash() -> Result<()> {
    let writes = |request: &Request| request.resource == "configmaps" && request.is_write();
    survives(Story::Copy, Point::around("the create of the copy", writes).into()).await?;
    survives(Story::CopyAgain, Point::around("the change of the copy", writes).into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_survives_a_crash() -> Result<()> {
    survives(Story::Prune, Point::around("the delete", |request| request.verb == "delete").into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_the_source_survives_a_crash() -> Result<()> {
    let restores = |request: &Request| request.resource == "configmaps" && request.is_write();
    survives(Story::Restore, Point::around("the write of the author's ConfigMap", restores).into()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_push_key_survives_a_crash() -> Result<()> {
    let makes = |request: &Request| request.line() == "create secrets rekindle-push-key";
    survives(Story::Key, Point::around("the create of the push key", makes).into()).await
}
