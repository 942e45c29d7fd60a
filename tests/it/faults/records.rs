//! Somebody lays hands on the records: deletes one, or makes one up.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, PostParams};
use rekindle_api::ConfigVersion;
use serde_json::json;

use super::{edit, runs, seen, stage};
use crate::support::invariants::assert_invariants;
use crate::support::proxy::{Act, Request, Rule};
use crate::support::stage::{Stage, app};

/// A copy of version 1 under another number, with something else changed.
async fn forge(stage: &Stage, name: &str, change: impl FnOnce(&mut ConfigVersion)) -> Result<()> {
    let mut forged = stage.scene.versions().await?.remove(&1).context("there is no version 1")?;
    forged.metadata = serde_json::from_value(json!({"name": name, "labels": forged.metadata.labels}))?;
    forged.status = None;
    change(&mut forged);
    stage.scene.api::<ConfigVersion>().create(&PostParams::default(), &forged).await.context("forging a version")?;
    Ok(())
}

/// Makes up a version 7 whose content is not what its digest says.
async fn corrupt(stage: &Stage) -> Result<()> {
    forge(stage, "checkout-v7", |forged| {
        forged.spec.number = 7;
        forged.spec.digest = format!("sha256:{}", "0".repeat(64));
    })
    .await
}

/// Waits for the Event that tells of a corrupt version 7.
async fn told_of_it(stage: &Stage) -> Result<()> {
    let told = async || {
        let events = stage.scene.api::<Event>().list(&ListParams::default()).await?.items;
        let note = |event: &Event| event.note.clone().unwrap_or_default();
        let such = |event: &&Event| event.reason.as_deref() == Some("CorruptVersion");
        Ok(events.iter().filter(such).any(|event| note(event).contains("version 7 is never pushed")))
    };
    stage.scene.until("an Event tells of the corrupt version", told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_does_not_match_its_digest_is_told_of_and_followed_by_a_good_one() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    corrupt(&stage).await?;
    told_of_it(&stage).await?;
    stage.scene.until("version 8 follows", async || Ok(stage.scene.versions().await?.contains_key(&8))).await?;
    runs(&stage, 10).await?;
    edit(&stage, 20).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_record_found_at_the_start_without_a_source_stays_reported_and_is_left_by_a_rollback() -> Result<()> {
    let mut stage = stage().await?;
    edit(&stage, 10).await?;
    stage.kill().await?;
    corrupt(&stage).await?;
    stage.scene.api::<ConfigMap>().delete("checkout-config", &DeleteParams::default()).await?;
    stage.start().await?;
    stage.scene.condition("TargetsReady", "False", "CorruptVersion").await?;
    ensure!(stage.running().iter().all(|runs| *runs == Some(app(10))), "what runs stays");
    stage.scene.roll_back("back", json!({"version": 1})).await?;
    stage.scene.condition("TargetsReady", "True", "AllConfirmed").await?;
    ensure!(stage.scene.versions().await?.contains_key(&8), "the rollback is a version of its own");
    edit(&stage, 20).await?;
    assert_invariants(&stage).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_somebody_takes_is_passed_over() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    // While the watch is away somebody makes the version that would be next, with what version 1 holds.
    let versions = |request: &Request| request.resource == "configversions" && matches!(request.verb, "watch" | "list");
    let before = stage.proxy.log().iter().filter(|request| request.line() == "watch configversions ").count();
    stage.proxy.rule(Rule::always(Act::Cut, versions).times(3));
    stage.proxy.cut_watches();
    seen(&stage, "watch configversions ", before + 1).await?;
    forge(&stage, "checkout-v2", |forged| forged.spec.number = 2).await?;
    edit(&stage, 20).await?;
    ensure!(stage.scene.versions().await?.keys().eq(&[1, 2, 3]), "numbers go on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_record_that_somebody_deletes_is_not_missed() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    edit(&stage, 20).await?;
    let pushes: usize = stage.scene.targets.iter().map(|target| target.requests()).sum();
    stage.scene.api::<ConfigVersion>().delete("checkout-v1", &DeleteParams::default()).await?;
    edit(&stage, 30).await?;
    let now: usize = stage.scene.targets.iter().map(|target| target.requests()).sum();
    ensure!(now == pushes + 3, "one push to each target for the edit, none for the deletion");
    ensure!(stage.scene.versions().await?.keys().eq(&[2, 3]), "numbers go on");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_record_that_somebody_deletes_is_recorded_anew_under_a_higher_number() -> Result<()> {
    let mut stage = stage().await?;
    for (pool, number) in [(10, 1), (20, 3)] {
        edit(&stage, pool).await?;
        delete_record(&stage, number).await?;
        shown(&stage, number + 1).await?;
        runs(&stage, pool).await?;
    }
    stage.kill().await?;
    delete_record(&stage, 4).await?;
    stage.start().await?;
    shown(&stage, 5).await?;
    runs(&stage, 20).await
}

async fn delete_record(stage: &Stage, number: u64) -> Result<()> {
    let name = format!("checkout-v{number}");
    stage.scene.api::<ConfigVersion>().delete(&name, &DeleteParams::default()).await?;
    Ok(())
}

/// Waits until the policy's status, which is the memory of numbers, knows this version.
async fn shown(stage: &Stage, number: u64) -> Result<()> {
    let known = async || Ok(stage.scene.policy().await?["status"]["lastNumber"] == number);
    stage.scene.until(&format!("version {number} is shown"), known).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_taken_by_something_unreadable_is_told_of_and_waited_for() -> Result<()> {
    let stage = stage().await?;
    edit(&stage, 10).await?;
    // As one that a later release has written, and that this one passes over when it lists.
    let taken = Act::refuse(409, "AlreadyExists", "configversions.rekindle.dev \"checkout-v2\" already exists");
    stage.proxy.rule(Rule::always(taken, |request| request.line() == "create configversions checkout-v2"));
    stage.scene.edit(&app(20)).await?;
    let condition = stage.scene.condition("Ready", "False", "RecordFailed").await?;
    let said = condition["message"].as_str().unwrap_or_default();
    ensure!(
        said.contains("checkout-v2 exists already and cannot be read as a version of this policy"),
        "it says {said:?}"
    );
    let tries =
        || stage.proxy.log().iter().filter(|request| request.line() == "create configversions checkout-v2").count();
    let (before, begin) = (tries(), std::time::Instant::now());
    stage.scene.until("it has tried some more", async || Ok(tries() >= before + 3)).await?;
    let each_second = usize::try_from(begin.elapsed().as_secs())? + 1;
    ensure!(tries() - before <= 4 * each_second, "{} tries in {:?}", tries() - before, begin.elapsed());
    ensure!(!stage.logs().contains("a policy does not come to rest"), "it rests between two tries:\n{}", stage.logs());
    let told = stage.scene.api::<Event>().list(&ListParams::default()).await?.items;
    let told = told.iter().filter(|event| event.reason.as_deref() == Some("RecordFailed")).count();
    ensure!(told == 1, "it is told once, not {told} times");
    stage.proxy.clear();
    runs(&stage, 20).await?;
    assert_invariants(&stage).await
}
