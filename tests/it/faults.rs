//! The API server misbehaves, goes away or refuses, records are tampered with, and the operator is asked to end in the
//! middle: nothing is lost, nothing is done twice, and what is wrong is said. The invariants hold at the end.

mod answers;
mod ending;
mod outage;
mod records;
mod restart;
mod table;

use anyhow::Result;
use serde_json::json;

use crate::support::invariants::source_digest;
use crate::support::stage::{Plan, Stage, app};
use crate::support::target::{Target, refuses};

/// A stage whose operator runs and has nothing to do yet.
async fn stage() -> Result<Stage> {
    let mut stage = set().await?;
    stage.start().await?;
    stage.scene.condition("Ready", "False", "SourceMissing").await?;
    Ok(stage)
}

/// A stage whose operator does not run yet.
async fn set() -> Result<Stage> {
    Stage::set(plan()).await
}

/// What is usual here.
fn plan() -> Plan {
    Plan { prefix: "faults", judge: refuses("pool: 99"), spec: json!({}), has_key: true }
}

/// How many requests each target got.
fn pushes(stage: &Stage) -> Vec<usize> {
    stage.scene.targets.iter().map(Target::requests).collect()
}

/// Edits, and waits until every target runs it and the policy says so.
async fn edit(stage: &Stage, pool: u32) -> Result<()> {
    stage.scene.edit(&app(pool)).await?;
    runs(stage, pool).await
}

/// Waits until every target runs this pool and the policy says so.
pub async fn runs(stage: &Stage, pool: u32) -> Result<()> {
    runs_text(stage, &app(pool)).await
}

/// Waits until every target runs this `app.yaml` and the policy says so.
async fn runs_text(stage: &Stage, app: &str) -> Result<()> {
    stage.scene.all_run(app).await?;
    let shown = async || {
        let held = source_digest(&stage.scene).await?;
        let status = stage.scene.policy().await?["status"].clone();
        Ok(status["active"]["digest"] == held.as_str() && status["lastEdit"]["digest"] == held.as_str())
    };
    stage.scene.until("the policy shows what the source holds", shown).await?;
    stage.scene.condition("Ready", "True", "Settled").await.map(drop)
}

/// Waits until the operator has logged this.
pub async fn logged(stage: &Stage, words: &str) -> Result<()> {
    stage.scene.until(&format!("the log says {words:?}"), async || Ok(stage.logs().contains(words))).await
}

/// Waits until the proxy has seen so many requests like this.
async fn seen(stage: &Stage, line: &str, times: usize) -> Result<()> {
    let came = async || Ok(stage.proxy.log().iter().filter(|request| request.line() == line).count() >= times);
    stage.scene.until(&format!("{times} times {line:?} is asked"), came).await
}
