//! The floor: a bare program that watches one ConfigMap, creates one custom resource with its content and, once that
//! is acknowledged, posts it to its targets. Without the record, it posts at once.
//! Must not do anything else: no check, no digest, no signature, no status; it is the least that such a path can cost.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, bail};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams, WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Client, Config};
use serde_json::json;

use crate::bare::BareFanout;

/// The path to which the floor posts.
pub const PATH: &str = "/rekindle/v1/config";

/// The resource that the floor records with: text in, nothing checked but its type.
pub const RECORD_DEFINITION: &str = r"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: records.bench.rekindle.dev}
spec:
  group: bench.rekindle.dev
  names: {kind: Record, plural: records, singular: record}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                content: {type: object, additionalProperties: {type: string}}
";

/// Creates records and posts: what the floor does with one edit.
pub struct Bare {
    client: Client,
    namespace: String,
    fanout: BareFanout,
}

impl Bare {
    /// Connects to the targets. The client belongs to the current runtime.
    ///
    /// # Errors
    /// When a target cannot be connected to.
    pub fn connect(config: Config, namespace: &str, targets: impl IntoIterator<Item = SocketAddr>) -> Result<Self> {
        let client = Client::try_from(config).context("making the floor's client")?;
        Ok(Self { client, namespace: namespace.to_owned(), fanout: BareFanout::connect(targets)? })
    }

    /// Creates a record and waits for its acknowledgment.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn record(&self, name: &str, config_map: &ConfigMap) -> Result<()> {
        let record = json!({
            "apiVersion": "bench.rekindle.dev/v1", "kind": "Record",
            "metadata": {"name": name}, "spec": {"content": config_map.data},
        });
        let path = format!("/apis/bench.rekindle.dev/v1/namespaces/{}/records", self.namespace);
        let request = Request::new(path).create(&PostParams::default(), serde_json::to_vec(&record)?)?;
        self.client.request_text(request).await.context("creating the floor's record")?;
        Ok(())
    }

    /// Posts the content to all targets; the peers find `token` where a push has its digest.
    ///
    /// # Errors
    /// When a target does not answer 200.
    pub fn post(&mut self, token: &str, config_map: &ConfigMap) -> Result<()> {
        let documents: Vec<_> = config_map.data.iter().flatten().collect();
        let documents: Vec<_> = documents.iter().map(|(name, text)| json!({"name": name, "text": text})).collect();
        let head = format!("{{\"policy\":\"floor\",\"version\":1,\"digest\":\"{token}\",\"documents\":");
        let body = [head.into_bytes(), serde_json::to_vec(&documents)?, b"}".to_vec()].concat();
        self.fanout.post(PATH, &body)
    }
}

/// The floor at work, on a thread of its own.
#[derive(Debug)]
pub struct Floor {
    thread: JoinHandle<Result<()>>,
}

/// What a floor watches, and whether it records.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The namespace.
    pub namespace: String,
    /// The ConfigMap's name; it must exist.
    pub name: String,
    /// Whether it creates a record before it posts.
    pub record: bool,
}

impl Floor {
    /// Starts to watch; from the ConfigMap's next change on it posts to the targets. Ends with the process.
    ///
    /// # Errors
    /// When the thread cannot be had.
    pub fn start(config: Config, watched: Watched, targets: Vec<SocketAddr>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = move || {
            runtime.block_on(async {
                let bare = Bare::connect(config, &watched.namespace, targets)?;
                follow(bare, &watched).await
            })
        };
        Ok(Self { thread: std::thread::Builder::new().name("floor".to_owned()).spawn(run)? })
    }

    /// Why it ended, if it did.
    ///
    /// # Errors
    /// What it failed with.
    pub fn check(self) -> Result<Self> {
        if !self.thread.is_finished() {
            return Ok(self);
        }
        match self.thread.join() {
            Ok(Err(error)) => Err(error.context("the floor program failed")),
            _ => bail!("the floor program ended"),
        }
    }
}

async fn follow(mut bare: Bare, watched: &Watched) -> Result<()> {
    let api: Api<ConfigMap> = Api::namespaced(bare.client.clone(), &watched.namespace);
    let params = WatchParams::default().fields(&format!("metadata.name={}", watched.name)).timeout(290);
    let mut version = api.get(&watched.name).await?.metadata.resource_version.unwrap_or_default();
    loop {
        let mut events = api.watch(&params, &version).await.context("watching the floor's ConfigMap")?.boxed();
        while let Some(event) = events.next().await {
            let WatchEvent::Modified(config_map) = event.context("reading the floor's watch")? else { continue };
            version = config_map.metadata.resource_version.clone().unwrap_or_default();
            if watched.record {
                bare.record(&format!("{}-{version}", watched.name), &config_map).await?;
            }
            bare.post(&version, &config_map)?;
        }
    }
}
