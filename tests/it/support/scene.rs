//! A namespace with a push key, a policy, a ConfigMap, targets and an operator, and waiting for what comes of them.
//! Waits for conditions, never for time.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ListParams, Patch, PatchParams};
use rekindle_api::{ConfigRollback, ConfigVersion, ReloadPolicy};
use rekindle_testplane::{Access, ControlPlane, Namespace};
use serde_json::{Value, json};

use super::operator::{Operator, ROLE};
use super::target::{Judge, KEY, Target};

/// How long anything may take before a test gives up; never how long it waits when all is well.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Where a scene is set.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The control plane; it serves the custom resources.
    pub plane: &'a ControlPlane,
    /// What the operator may do there.
    pub role: &'a str,
}

impl Ground<'static> {
    /// The control plane of all, and the ClusterRole that ships.
    pub async fn usual() -> Result<Self> {
        Ok(Self { plane: super::plane().await?, role: ROLE })
    }
}

/// One test's world.
pub struct Scene {
    /// Its namespace.
    pub namespace: Namespace,
    /// The operator's rights.
    pub access: Access,
    /// The operator, while it runs.
    pub operator: Option<Operator>,
    /// The targets.
    pub targets: Vec<Target>,
}

/// The policy of most tests: `checkout`, from the ConfigMap `checkout-config`, to pods of the app `checkout`.
pub fn policy() -> Value {
    json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": "checkout"},
        "spec": {
            "sources": [{"configMap": {"name": "checkout-config"}}],
            "targets": {"selector": {"matchLabels": {"app": "checkout"}}},
        },
    })
}

impl Scene {
    /// A namespace with a push key and the operator's rights; nothing else yet.
    pub async fn empty(prefix: &str) -> Result<Self> {
        Self::empty_on(Ground::usual().await?, prefix).await
    }

    /// The same on a ground of one's own.
    pub async fn empty_on(ground: Ground<'_>, prefix: &str) -> Result<Self> {
        let namespace = ground.plane.namespace(prefix).await?;
        let key = base64::engine::general_purpose::STANDARD.encode(KEY);
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "rekindle-push-key"}, "data": {"current": key},
        });
        namespace.apply(&secret.to_string()).await?;
        let rights = ground.plane.service_account(namespace.name(), "operator", ground.role);
        let access = rights.await.context("giving the operator its rights")?;
        Ok(Self { namespace, access, operator: None, targets: Vec::new() })
    }

    /// The usual: the policy, so many targets with this judgment, and the operator; no ConfigMap yet.
    pub async fn usual(prefix: &str, targets: usize, judge: Judge) -> Result<Self> {
        let mut scene = Self::empty(prefix).await?;
        scene.apply(&policy()).await?;
        for number in 0..targets {
            scene.add_target(&format!("checkout-{number}"), judge.clone()).await?;
        }
        scene.start_operator().await?;
        Ok(scene)
    }

    /// Applies a manifest.
    pub async fn apply(&self, manifest: &Value) -> Result<()> {
        self.namespace.apply(&manifest.to_string()).await.map(|_| ())
    }

    /// One target more.
    pub async fn add_target(&mut self, name: &str, judge: Judge) -> Result<()> {
        self.targets.push(Target::start(&self.namespace, name, judge).await?);
        Ok(())
    }

    /// Starts the operator.
    pub async fn start_operator(&mut self) -> Result<()> {
        self.start_operator_with(&[]).await
    }

    /// Starts the operator with further arguments.
    pub async fn start_operator_with(&mut self, arguments: &[&str]) -> Result<()> {
        self.operator = Some(Operator::start_with(&self.namespace, &self.access, arguments).await?);
        Ok(())
    }

    /// Makes the ConfigMap `checkout-config` hold this `app.yaml` and nothing else.
    pub async fn edit(&self, app: &str) -> Result<()> {
        self.edit_keys(&[("app.yaml", app)]).await
    }

    /// Makes the ConfigMap `checkout-config` hold exactly these entries.
    pub async fn edit_keys(&self, entries: &[(&str, &str)]) -> Result<()> {
        let data: BTreeMap<_, _> = entries.iter().copied().collect();
        let manifest =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "checkout-config"}, "data": data});
        let parameters = PatchParams::apply("author").force();
        self.api::<ConfigMap>().patch("checkout-config", &parameters, &Patch::Apply(manifest)).await?;
        Ok(())
    }

    /// Asks for a rollback.
    pub async fn roll_back(&self, name: &str, to: Value) -> Result<()> {
        let manifest = json!({
            "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigRollback", "metadata": {"name": name},
            "spec": {"policyRef": {"name": "checkout"}, "to": to, "reason": "a test asks"},
        });
        self.apply(&manifest).await
    }

    /// The API of one kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>,
    {
        self.namespace.api::<K>()
    }

    /// The policy as JSON.
    pub async fn policy(&self) -> Result<Value> {
        Ok(serde_json::to_value(self.api::<ReloadPolicy>().get("checkout").await?)?)
    }

    /// The versions of the policy by number.
    pub async fn versions(&self) -> Result<BTreeMap<u64, ConfigVersion>> {
        self.versions_of("checkout").await
    }

    /// The versions of another policy by number.
    pub async fn versions_of(&self, policy: &str) -> Result<BTreeMap<u64, ConfigVersion>> {
        let versions = self.api::<ConfigVersion>().list(&ListParams::default()).await?.items.into_iter();
        let own = versions.filter(|version| version.spec.policy == policy);
        Ok(own.map(|version| (version.spec.number, version)).collect())
    }

    /// A rollback as JSON.
    pub async fn rollback(&self, name: &str) -> Result<Value> {
        Ok(serde_json::to_value(self.api::<ConfigRollback>().get(name).await?)?)
    }

    /// Waits until every target runs this `app.yaml`.
    pub async fn all_run(&self, app: &str) -> Result<()> {
        self.until(&format!("every target runs {app:?}"), async || {
            Ok(self.targets.iter().all(|target| target.runs_app().as_deref() == Some(app)))
        })
        .await
    }

    /// Waits until a condition of the policy has this status and reason, in a status that knows the newest version: for
    /// up to a second after an edit the status speaks of the version before.
    pub async fn condition(&self, kind: &str, status: &str, reason: &str) -> Result<Value> {
        let mut found = Value::Null;
        let holds = async || {
            let newest = self.versions().await?.last_key_value().map(|(number, _)| *number);
            let policy = self.policy().await?;
            found = condition_of(&policy, kind);
            let up_to_date = policy["status"]["active"]["version"].as_u64() == newest;
            Ok(up_to_date && found["status"] == status && found["reason"] == reason)
        };
        self.until(&format!("the condition {kind} is {status} because {reason}"), holds).await?;
        Ok(found)
    }

    /// Waits until it holds; tells the policy's status and the operator's log when it never does.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
        let waiting = async {
            loop {
                if holds().await? {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(result) => result,
            Err(_) => {
                let status = self.policy().await.map(|policy| policy["status"].to_string()).unwrap_or_default();
                let log = self.operator.as_ref().map(Operator::log).unwrap_or_default();
                bail!("it never came that {what}\nstatus: {status}\noperator:\n{log}")
            }
        }
    }
}

/// A condition of an object.
pub fn condition_of(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}
