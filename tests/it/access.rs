//! The ClusterRole that ships: what it grants and, as much, what it does not.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use rekindle_api::{ConfigVersion, ReloadPolicy};
use rekindle_testplane::FakePod;
use serde_json::json;

use crate::support::{namespace, plane};

const ROLE: &str = include_str!("../../deploy/clusterrole.yaml");

fn forbidden<T>(result: Result<T, kube::Error>) -> bool {
    matches!(result, Err(kube::Error::Api(status)) if status.is_forbidden())
}

fn missing<T>(result: Result<T, kube::Error>) -> bool {
    matches!(result, Err(kube::Error::Api(status)) if status.is_not_found())
}

#[tokio::test]
async fn the_operator_reads_one_secret_and_changes_neither_pods_nor_policies() -> Result<()> {
    let namespace = namespace("access").await?;
    namespace.fake_pod(FakePod::named("checkout-0")).await?;
    let policy = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": "checkout"},
        "spec": {"sources": [{"configMap": {"name": "checkout-config"}}]},
    });
    namespace.apply(&policy.to_string()).await?;
    let access = plane().await?.service_account(namespace.name(), "operator", ROLE).await?;
    let client = access.client()?;
    let name = namespace.name();
    let everything = ListParams::default();
    let merge = PatchParams::default();

    let secrets: Api<Secret> = Api::namespaced(client.clone(), name);
    assert!(forbidden(secrets.list(&everything).await));
    assert!(forbidden(secrets.get("database-password").await));
    assert!(missing(secrets.get("rekindle-push-key").await));

    let pods: Api<Pod> = Api::namespaced(client.clone(), name);
    assert_eq!(pods.list(&everything).await?.items.len(), 1);
    assert!(forbidden(pods.delete("checkout-0", &DeleteParams::default()).await));
    assert!(forbidden(
        pods.patch("checkout-0", &merge, &Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}))).await
    ));

    let policies: Api<ReloadPolicy> = Api::namespaced(client.clone(), name);
    assert!(forbidden(policies.patch("checkout", &merge, &Patch::Merge(json!({"spec": {"mode": "Paused"}}))).await));
    let status = Patch::Merge(json!({"status": {"observedGeneration": 1}}));
    assert_eq!(policies.patch_status("checkout", &merge, &status).await?.status.unwrap().observed_generation, Some(1));

    let versions: Api<ConfigVersion> = Api::namespaced(client.clone(), name);
    assert!(missing(versions.delete("checkout-v1", &DeleteParams::default()).await));
    assert!(forbidden(versions.patch("checkout-v1", &merge, &Patch::Merge(json!({}))).await));

    let config_maps: Api<ConfigMap> = Api::namespaced(client, name);
    assert!(forbidden(config_maps.delete("checkout-config", &DeleteParams::default()).await));
    config_maps.create(&PostParams::default(), &serde_json::from_value(json!({"metadata": {"name": "copy"}}))?).await?;
    Ok(())
}
