//! A story in which every right of the operator is needed, and how it has to end. Must not know which right is missing.

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use rekindle_api::{ConfigSchema, ReloadPolicy};
use serde_json::json;

use crate::faults::runs;
use crate::support::invariants::assert_invariants;
use crate::support::proxy::{Act, Request, Rule};
use crate::support::scene::{Ground, condition_of};
use crate::support::stage::{Plan, Stage, app, schema};
use crate::support::target::refuses;

const COPY: &str = "checkout-active";
/// The policy that uses nothing but what every policy needs.
pub const PLAIN: &str = "plain";

/// A stage with a policy that uses every feature, a plain one, a rollback, and a ConfigMap that wants a policy.
pub async fn set(ground: Ground<'_>) -> Result<Stage> {
    let spec = json!({"activeCopy": {"name": COPY}, "history": {"limit": 2}, "revert": {"source": "Restore"},
        "breaker": {"openFor": "1s"}});
    let stage =
        Stage::set_on(ground, Plan { prefix: "rights", judge: refuses("pool: 99"), spec, has_key: false }).await?;
    edit_plain(&stage, "1").await?;
    let plain = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": PLAIN},
        "spec": {"sources": [{"configMap": {"name": "plain-config"}}]},
    });
    stage.scene.apply(&plain).await?;
    let marked = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "marked", "labels": {"rekindle.dev/reload": "true"}},
    });
    stage.scene.apply(&marked).await?;
    stage.scene.roll_back("early", json!({"version": 97})).await?;
    Ok(stage)
}

/// Edits the source of the plain policy.
pub async fn edit_plain(stage: &Stage, value: &str) -> Result<()> {
    stage.scene.namespace.config_map("plain-config", &[("app.yaml", &format!("a: {value}"))]).await.map(drop)
}

/// Waits until the plain policy has recorded so many versions.
pub async fn plain_has(stage: &Stage, versions: usize) -> Result<()> {
    let recorded = async || Ok(stage.scene.versions_of(PLAIN).await?.len() == versions);
    stage.scene.until(&format!("the plain policy has {versions} versions"), recorded).await
}

/// The answer to the first record is lost, and the watch does not tell of it either: it has to be read back. The
/// operator must be ready.
pub async fn hide_first_record(stage: &Stage) -> Result<()> {
    let asked_to_watch =
        || stage.proxy.log().iter().filter(|request| request.line() == "watch configversions ").count();
    stage.proxy.rule(Rule::always(Act::Cut, |request| {
        request.resource == "configversions" && matches!(request.verb, "watch" | "list")
    }));
    stage.proxy.rule(Rule::once(Act::LoseAnswer, |request| request.line() == "create configversions checkout-v1"));
    let before = asked_to_watch();
    let cut = async || {
        // The first watch may be on its way still.
        stage.proxy.cut_watches();
        Ok(asked_to_watch() > before)
    };
    stage.scene.until("the watch of the versions is cut", cut).await
}

/// Waits until the record that was hidden has been read back.
pub async fn read_back(stage: &Stage) -> Result<()> {
    let read = |request: &Request| request.line() == "get configversions checkout-v1" && request.succeeded();
    stage.scene.until("the record is read back", async || Ok(stage.proxy.log().iter().any(read))).await?;
    stage.proxy.clear();
    Ok(())
}

/// A version goes out and is copied, the next one trips, is taken back, and the author's ConfigMap is restored; an old
/// version falls out of the history; the ConfigMap gets its policy, and the rollback its answer.
pub async fn first_half(stage: &Stage) -> Result<()> {
    stage.scene.edit(&app(10)).await?;
    stage.scene.all_run(&app(10)).await?;
    stage.scene.edit(&app(99)).await?;
    stage.scene.until("the source is written back", async || holds(stage, "checkout-config", 10).await).await?;
    runs(stage, 10).await?;
    stage.scene.until("the copy holds it", async || holds(stage, COPY, 10).await).await?;
    let policies = stage.scene.api::<ReloadPolicy>();
    stage.scene.until("a default policy is made", async || Ok(policies.get_opt("marked").await?.is_some())).await?;
    answered(stage, "early").await?;
    stage.scene.until("two versions are left", async || Ok(stage.scene.versions().await?.len() == 2)).await
}

/// Something new of every kind is noticed, and told.
pub async fn second_half(stage: &mut Stage) -> Result<()> {
    stage.scene.targets.push(stage.target("checkout-late").await?);
    stage.scene.roll_back("late", json!({"version": 98})).await?;
    answered(stage, "late").await?;
    stage.scene.apply(&schema(50)).await?;
    let schemas = stage.scene.api::<ConfigSchema>();
    let judged = async || {
        let schema = schemas.get("checkout").await?;
        Ok(schema.status.and_then(|status| status.observed_generation) == schema.metadata.generation)
    };
    stage.scene.until("the schema is judged anew", judged).await?;
    stage.scene.edit(&app(60)).await?;
    let events = stage.scene.api::<Event>();
    let told = async || {
        let events = events.list(&ListParams::default()).await?.items;
        Ok(events.iter().any(|event| event.reason.as_deref() == Some("Invalid")))
    };
    stage.scene.until("an Event tells of the refused edit", told).await?;
    stage.scene.edit(&app(20)).await?;
    runs(stage, 20).await?;
    stage.scene.until("the copy holds it", async || holds(stage, COPY, 20).await).await?;
    assert_invariants(stage).await
}

async fn answered(stage: &Stage, rollback: &str) -> Result<()> {
    let said = async || {
        let complete = condition_of(&stage.scene.rollback(rollback).await?, "Complete");
        Ok(complete["reason"] == "NoSuchVersion")
    };
    stage.scene.until("the rollback is answered", said).await
}

async fn holds(stage: &Stage, name: &str, pool: u32) -> Result<bool> {
    let held = stage.scene.api::<ConfigMap>().get_opt(name).await?.and_then(|config_map| config_map.data);
    Ok(held.is_some_and(|data| data.get("app.yaml") == Some(&app(pool))))
}
