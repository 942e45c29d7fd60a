//! The pages about installing, upgrading and uninstalling: their sessions run in this order on a cluster of their own,
//! because they change what all other tests rely on.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams};
use rekindle_testplane::{ControlPlane, Options};
use serde_json::json;
use tempfile::TempDir;

use super::{Place, blocks, play, root};

/// In the order that a reader goes.
pub const PAGES: [&str; 3] = ["docs/install.md", "docs/upgrade.md", "docs/uninstall.md"];

#[tokio::test]
async fn installing_upgrading_and_uninstalling_go_as_they_are_shown() -> Result<()> {
    let plane = ControlPlane::start(Options { audit: false, ..Options::default() }).await?;
    // Somebody was pushed to before all was uninstalled.
    let shop = plane.namespace("checkout").await?;
    let key = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "rekindle-push-key"}});
    shop.apply(&key.to_string()).await?;
    let home = tempfile::tempdir()?;
    let place = Place { kubeconfig: plane.kubeconfig().to_owned(), variables: helm_folders(&home) };
    let pages = PAGES.iter().map(|page| blocks(&root().join(page))).collect::<Result<Vec<_>>>()?;
    let sessions: Vec<_> = pages.into_iter().flatten().filter(|block| block.language == "console").collect();

    let outcome = tokio::select! {
        outcome = play(&place, "", &sessions) => outcome,
        failed = report_rollouts(plane.client()?) => failed,
    };

    plane.stop()?;
    outcome
}

fn helm_folders(home: &TempDir) -> Vec<(&'static str, std::path::PathBuf)> {
    let folders = ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"];
    folders.map(|variable| (variable, home.path().join(variable))).into()
}

/// Reports each Deployment as rolled out, as the controllers and a node would.
async fn report_rollouts(client: Client) -> Result<()> {
    let all: Api<Deployment> = Api::all(client.clone());
    loop {
        for deployment in all.list(&ListParams::default()).await.context("list the deployments")? {
            let (name, namespace) = (deployment.metadata.name, deployment.metadata.namespace);
            let (name, namespace) = (name.context("a name")?, namespace.context("a namespace")?);
            let seen = deployment.status.and_then(|status| status.observed_generation);
            if seen == deployment.metadata.generation {
                continue;
            }
            let replicas = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
            let status = json!({"status": {
                "observedGeneration": deployment.metadata.generation, "replicas": replicas,
                "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
            }});
            let api: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
            match api.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await {
                // Deleted meanwhile.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                result => drop(result.with_context(|| format!("report {name}"))?),
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
