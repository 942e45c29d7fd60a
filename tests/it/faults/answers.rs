//! The API server answers slowly, asks for patience, fails, refuses, or its answer is lost.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::StreamExt as _;

use super::{edit, runs, stage};
use crate::crash::story::Story;
use crate::support::invariants::assert_invariants;
use crate::support::proxy::{Act, Request, Rule};
use crate::support::scene::condition_of;
use crate::support::stage::{Stage, app};

type Such = fn(&Request) -> bool;

/// Every write that matters to some story.
const WRITES: &[(Story, &str, Such)] = &[
    (Story::Rollout, "create of version 1", |request| request.line() == "create configversions checkout-v1"),
    (Story::Rollout, "status of version 1", |request| request.line() == "patch configversions/status checkout-v1"),
    (Story::Rollout, "status of the policy", |request| request.line() == "patch reloadpolicies/status checkout"),
    (Story::Revert, "create of the revert", |request| request.line() == "create configversions checkout-v3"),
    (Story::Rollback, "create of the rollback", |request| request.line() == "create configversions checkout-v3"),
    (Story::Rollback, "status of the rollback", |request| request.line() == "patch configrollbacks/status back"),
    (Story::Copy, "create of the copy", |request| request.line() == "create configmaps checkout-active"),
    (Story::Prune, "delete", |request| request.verb == "delete"),
    (Story::Restore, "restore", |request| request.line() == "patch configmaps checkout-config"),
    (Story::Key, "create of the key", |request| request.line() == "create secrets rekindle-push-key"),
];

/// Lets each story meet this answer at its write, and asserts that it comes to its end all the same.
async fn survive(act: Act, times: usize) -> Result<()> {
    let tries = WRITES.iter().map(|(story, name, such)| {
        let rule = Rule::once(act.clone(), such).times(times);
        async move { meet(*story, rule).await.with_context(|| format!("at the {name}")).err() }
    });
    let failures: Vec<_> = futures::stream::iter(tries).buffer_unordered(crate::crash::AT_ONCE).collect().await;
    let failures: Vec<_> = failures.into_iter().flatten().map(|error| format!("{error:#}")).collect();
    if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("\n\n")) }
}

async fn meet(story: Story, rule: Rule) -> Result<()> {
    let mut stage = Stage::set(story.plan()).await?;
    stage.start().await?;
    story.prepare(&stage).await?;
    stage.proxy.rule(rule);
    story.act(&stage).await?;
    stage.scene.until("the API server misbehaved", async || Ok(stage.proxy.rules_are_used_up())).await?;
    story.end(&stage).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_not_done_twice() -> Result<()> {
    survive(Act::LoseAnswer, 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_got_there_is_done_later() -> Result<()> {
    survive(Act::Cut, 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error_is_waited_out() -> Result<()> {
    survive(Act::refuse(500, "InternalError", "etcdserver: leader changed"), 2).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_asks_for_patience_gets_it() -> Result<()> {
    let stage = stage().await?;
    let busy = Act::refuse(429, "TooManyRequests", "Too many requests, please try again later.");
    stage.proxy.rule(Rule::always(busy, |_| true).times(8));
    stage.proxy.cut_watches();
    stage.scene.edit(&app(10)).await?;
    stage.scene.until("it was asked for patience", async || Ok(stage.proxy.rules_are_used_up())).await?;
    runs(&stage, 10).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_api_server_delays_and_breaks_nothing() -> Result<()> {
    let stage = stage().await?;
    stage.proxy.rule(Rule::always(Act::Delay(Duration::from_secs(2)), |_| true));
    edit(&stage, 10).await?;
    edit(&stage, 20).await?;
    ensure!(stage.scene.versions().await?.len() == 2, "each edit is one version");
    stage.proxy.clear();
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_lost_is_named_and_nothing_goes_out_unrecorded() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    let words = "configversions.rekindle.dev is forbidden: User \"system:serviceaccount:a:operator\" cannot create \
                 resource \"configversions\" in API group \"rekindle.dev\" in the namespace \"a\"";
    let creates = |request: &Request| request.verb == "create" && request.resource == "configversions";
    stage.proxy.rule(Rule::always(Act::refuse(403, "Forbidden", words), creates));
    stage.scene.edit(&app(20)).await?;
    let mut said = String::new();
    let told = async || {
        let ready = condition_of(&stage.scene.policy().await?, "Ready");
        said = ready["message"].as_str().unwrap_or_default().to_owned();
        Ok(ready["status"] == "False" && said.contains("create") && said.contains("configversions.rekindle.dev"))
    };
    stage.scene.until("the condition names verb and resource", told).await?;
    ensure!(said.contains("the operator may not create configversions.rekindle.dev"), "it says {said:?}");
    ensure!(stage.running().iter().all(|runs| *runs == Some(app(10))), "nothing may go out unrecorded");
    stage.proxy.clear();
    runs(&stage, 20).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_to_watch_that_is_lost_is_named_in_the_log() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    let words = "pods is forbidden: User \"system:serviceaccount:a:operator\" cannot watch resource \"pods\" in API \
                 group \"\" in the namespace \"a\"";
    stage.proxy.rule(Rule::always(Act::refuse(403, "Forbidden", words), |request| request.resource == "pods"));
    stage.proxy.cut_watches();
    super::logged(&stage, "the operator may not watch pods").await?;
    // What it knows of the pods is enough to go on.
    edit(&stage, 20).await?;
    stage.proxy.clear();
    // Nothing happens to any pod: that the server agrees to the watch is enough.
    super::logged(&stage, "the watch works again").await?;
    assert_invariants(&stage).await
}
