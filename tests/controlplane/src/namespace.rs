//! A namespace for one test, with the `default` ServiceAccount that a pod needs.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, DynamicObject, ObjectMeta, PostParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use crate::apply::apply;
use crate::plane::ControlPlane;
use crate::pods::{FakePod, RunningPod};

/// How many pods are created at the same time.
const AT_ONCE: usize = 32;

/// A namespace that nobody else uses, and a client of the current runtime with every right.
#[derive(Clone)]
pub struct Namespace {
    name: String,
    client: Client,
}

impl ControlPlane {
    /// Makes a new namespace whose name starts with `prefix`.
    pub async fn namespace(&self, prefix: &str) -> Result<Namespace> {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.namespace_named(&name).await
    }

    /// Makes a new namespace of exactly this name.
    pub async fn namespace_named(&self, name: &str) -> Result<Namespace> {
        let client = self.client()?;
        let namespace = core::Namespace { metadata: named(name), ..Default::default() };
        let params = PostParams::default();
        Api::all(client.clone()).create(&params, &namespace).await.with_context(|| format!("make namespace {name}"))?;

        let namespace = Namespace { name: name.to_owned(), client };
        // Applied, not created: a controller manager, if there is one, may have been faster.
        let account = r#"{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}"#;
        namespace.apply(account).await.context("make the default ServiceAccount")?;
        Ok(namespace)
    }
}

impl Namespace {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A client with every right, of the runtime that made the namespace.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The objects of one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Applies manifests; those without a namespace go to this one.
    pub async fn apply(&self, yaml: &str) -> Result<Vec<DynamicObject>> {
        apply(&self.client, &self.name, yaml).await
    }

    /// Creates a ConfigMap from keys and texts, or replaces its data.
    pub async fn config_map(&self, name: &str, data: &[(&str, &str)]) -> Result<core::ConfigMap> {
        let data: std::collections::BTreeMap<_, _> = data.iter().copied().collect();
        let manifest = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data,
        });
        self.apply_one(&manifest.to_string()).await
    }

    /// Applies one manifest and returns it as its own type.
    pub async fn apply_one<K: Resource + DeserializeOwned>(&self, yaml: &str) -> Result<K> {
        let object = self.apply(yaml).await?.into_iter().next().context("apply a text without a manifest")?;
        object.try_parse().context("read the applied object")
    }

    /// Creates a pod and reports it as running, as a kubelet would.
    pub async fn fake_pod(&self, pod: FakePod) -> Result<RunningPod> {
        pod.start(self.api()).await
    }

    /// Creates many pods; they come back in the same order.
    pub async fn fake_pods(&self, pods: impl IntoIterator<Item = FakePod>) -> Result<Vec<RunningPod>> {
        let starts = pods.into_iter().map(|pod| self.fake_pod(pod));
        stream::iter(starts).buffered(AT_ONCE).try_collect().await
    }
}

pub(crate) fn named(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.to_owned()), ..Default::default() }
}
