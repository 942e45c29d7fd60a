//! What the operator is doing when it is killed, and how that has to end. Must not know where it is killed.

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};

use crate::support::scene::condition_of;
use crate::support::stage::{Plan, Stage, app};
use crate::support::target::refuses;

const COPY: &str = "checkout-active";

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Story {
    /// The first version goes to three targets.
    Rollout,
    /// The second version is refused by all and taken back.
    Revert,
    /// A person goes back from the second version to the first.
    Rollback,
    /// The first version is proven and copied.
    Copy,
    /// The second version takes the place of the first in the copy.
    CopyAgain,
    /// The third version pushes the first out of the history.
    Prune,
    /// The author's ConfigMap is written back after a trip.
    Restore,
    /// The first push finds no key.
    Key,
}

impl Story {
    /// The stage that it needs.
    pub fn plan(self) -> Plan {
        let spec = match self {
            Self::Copy | Self::CopyAgain => json!({"activeCopy": {"name": COPY}}),
            Self::Prune => json!({"history": {"limit": 2}}),
            Self::Restore => json!({"revert": {"source": "Restore"}}),
            _ => Value::Null,
        };
        let spec = if spec.is_null() { json!({}) } else { spec };
        Plan { prefix: "crash", judge: refuses("pool: 99"), spec, has_key: self != Self::Key }
    }

    /// What happened before.
    pub async fn prepare(self, stage: &Stage) -> Result<()> {
        stage.scene.condition("Ready", "False", "SourceMissing").await?;
        let pools: &[u32] = match self {
            Self::Rollout | Self::Copy | Self::Key => &[],
            Self::Revert | Self::CopyAgain | Self::Restore => &[10],
            Self::Rollback | Self::Prune => &[10, 20],
        };
        for (pool, number) in pools.iter().zip(1..) {
            stage.scene.edit(&app(*pool)).await?;
            settled(stage, *pool, number).await?;
        }
        if self == Self::CopyAgain {
            copied(stage, 10).await?;
        }
        Ok(())
    }

    /// What somebody does.
    pub async fn act(self, stage: &Stage) -> Result<()> {
        match self {
            Self::Rollout | Self::Copy | Self::Key => stage.scene.edit(&app(10)).await,
            Self::Revert | Self::Restore => stage.scene.edit(&app(99)).await,
            Self::CopyAgain => stage.scene.edit(&app(20)).await,
            Self::Prune => stage.scene.edit(&app(30)).await,
            Self::Rollback => stage.scene.roll_back("back", json!({"version": 1})).await,
        }
    }

    /// Waits until it has come to its end.
    pub async fn end(self, stage: &Stage) -> Result<()> {
        match self {
            Self::Rollout | Self::Key => settled(stage, 10, 1).await,
            Self::Copy => {
                copied(stage, 10).await?;
                settled(stage, 10, 1).await
            }
            Self::CopyAgain => {
                copied(stage, 20).await?;
                settled(stage, 20, 2).await
            }
            Self::Prune => {
                settled(stage, 30, 3).await?;
                stage.scene.until("two versions are left", async || Ok(stage.scene.versions().await?.len() == 2)).await
            }
            Self::Revert => {
                active(stage, 3).await?;
                stage.scene.condition("Ready", "False", "Quarantined").await?;
                stage.scene.all_run(&app(10)).await
            }
            Self::Restore => {
                stage
                    .scene
                    .until("the author's ConfigMap is written back", async || holds(stage, SOURCE, 10).await)
                    .await?;
                settled(stage, 10, 3).await
            }
            Self::Rollback => {
                let complete =
                    async || Ok(condition_of(&stage.scene.rollback("back").await?, "Complete")["status"] == "True");
                stage.scene.until("the rollback is complete", complete).await?;
                stage.scene.condition("Ready", "False", "SetAside").await?;
                stage.scene.all_run(&app(10)).await
            }
        }
    }
}

const SOURCE: &str = "checkout-config";

/// Every target runs this pool, the version is active, and the policy says that all is well.
async fn settled(stage: &Stage, pool: u32, number: u64) -> Result<()> {
    stage.scene.all_run(&app(pool)).await?;
    active(stage, number).await?;
    stage.scene.condition("Ready", "True", "Settled").await.map(drop)
}

async fn active(stage: &Stage, number: u64) -> Result<()> {
    let shown = async || Ok(stage.scene.policy().await?["status"]["active"]["version"] == number);
    stage.scene.until(&format!("version {number} is active"), shown).await
}

async fn copied(stage: &Stage, pool: u32) -> Result<()> {
    stage.scene.until("the copy holds what is proven", async || holds(stage, COPY, pool).await).await
}

async fn holds(stage: &Stage, name: &str, pool: u32) -> Result<bool> {
    let held = stage.scene.api::<ConfigMap>().get_opt(name).await?.and_then(|config_map| config_map.data);
    Ok(held.is_some_and(|data| data.get("app.yaml") == Some(&app(pool)) && data.len() == 1))
}
