//! Server-side apply of manifests of any kind, as `kubectl apply --server-side --force-conflicts` does it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{ApiResource, Scope, pinned_kind};
use kube::{Client, Error};
use serde_json::Value;
use tokio::time::sleep;

/// The field manager of everything that tests apply.
pub const FIELD_MANAGER: &str = "rekindle-testplane";
/// How long a new custom resource may take to be served.
const ESTABLISH_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

/// Applies every document of a YAML text, in order. Objects without a namespace go to `namespace`. Returns them as
/// the API server has them, and for a CustomResourceDefinition only when it is served.
pub async fn apply(client: &Client, namespace: &str, yaml: &str) -> Result<Vec<DynamicObject>> {
    let mut applied = Vec::new();
    for object in parse_documents(yaml)? {
        applied.push(apply_object(client, namespace, object).await?);
    }
    Ok(applied)
}

/// The Kubernetes objects in a YAML text of any number of documents.
pub fn parse_documents(yaml: &str) -> Result<Vec<DynamicObject>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).context("read the manifest")?;
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects.map(|document| serde_json::from_value(document).context("read the manifest")).collect()
}

async fn apply_object(client: &Client, namespace: &str, object: DynamicObject) -> Result<DynamicObject> {
    let types = object.types.clone().context("apply a manifest without apiVersion and kind")?;
    let name = object.metadata.name.clone().context("apply a manifest without a name")?;
    let kind = GroupVersionKind::try_from(&types).context("read apiVersion")?;
    let (resource, scope) = discover(client, &kind).await?;
    let api: Api<DynamicObject> = match scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.metadata.namespace.as_deref().unwrap_or(namespace);
            Api::namespaced_with(client.clone(), namespace, &resource)
        }
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let applied = api
        .patch(&name, &params, &Patch::Apply(&object))
        .await
        .with_context(|| format!("apply {} {name}", kind.kind))?;
    if kind.kind == "CustomResourceDefinition" {
        return wait_until_served(&api, &name).await;
    }
    Ok(applied)
}

/// Finds out how a kind is served. A kind whose definition was just accepted takes a moment to be listed.
async fn discover(client: &Client, kind: &GroupVersionKind) -> Result<(ApiResource, Scope)> {
    let deadline = Instant::now() + ESTABLISH_LIMIT;
    loop {
        match pinned_kind(client, kind).await {
            Ok((resource, capabilities)) => return Ok((resource, capabilities.scope)),
            Err(Error::Api(_) | Error::Discovery(_)) if Instant::now() < deadline => sleep(POLL).await,
            Err(error) => return Err(error).with_context(|| format!("find out about {}", kind.kind)),
        }
    }
}

async fn wait_until_served(api: &Api<DynamicObject>, name: &str) -> Result<DynamicObject> {
    let deadline = Instant::now() + ESTABLISH_LIMIT;
    loop {
        let object = api.get(name).await.with_context(|| format!("read the definition {name}"))?;
        let conditions = object.data.pointer("/status/conditions").and_then(Value::as_array);
        if conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        {
            return Ok(object);
        }
        ensure!(Instant::now() < deadline, "the definition {name} is not established: {conditions:?}");
        sleep(POLL).await;
    }
}
