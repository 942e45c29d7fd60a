//! A policy with so many pods, as users have it: a schema with a rule in CEL, a ConfigMap of 2 KB, annotated pods.
//! Must not measure; it says when an edit was made and what the pods must get.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_testplane::{FakePod, Namespace};

use crate::peers::{Arrival, Peers};
use crate::stage::Stage;

/// Longer than any push takes, so that only a broken run meets it.
const LIMIT: Duration = Duration::from_secs(60);

/// A policy and its pods.
pub struct Crowd {
    /// Where they are.
    pub namespace: Namespace,
    /// How many pods there are.
    pub size: usize,
    edits: usize,
}

/// An edit that was made.
#[derive(Debug, Clone)]
pub struct Edit {
    /// When the request was begun.
    pub begun: Instant,
    /// The resource version that it got.
    pub version: String,
    /// The digest of the content, as text.
    pub digest: String,
}

impl Crowd {
    /// Makes the pods first, then the policy, so that its first version goes to all of them at once.
    ///
    /// # Errors
    /// When the API server refuses something.
    pub async fn gather(stage: &Stage, size: usize) -> Result<Self> {
        let namespace = stage.plane.namespace(&format!("crowd-{size}")).await?;
        let pods = (0..size).map(|number| {
            FakePod::named(&format!("pod-{number}")).label("app", "bench").annotation("rekindle.dev/reload", "true")
        });
        namespace.fake_pods(pods).await?;
        namespace.apply(&manifests(stage.peers.port())).await.context("applying schema and policy")?;
        namespace.config_map("config", &[("app.yaml", &content(0))]).await?;
        Ok(Self { namespace, size, edits: 0 })
    }

    /// The digest of the content as it is now.
    ///
    /// # Errors
    /// Never: the name of the document is a good one.
    pub fn digest(&self) -> Result<String> {
        digest(&content(self.edits))
    }

    /// Waits until every pod has been pushed this digest; gives the time of the last.
    ///
    /// # Errors
    /// When that takes too long.
    pub fn wait(&self, peers: &Peers, digest: &str) -> Result<Instant> {
        let arrivals = peers.wait_for(self.size, LIMIT, |arrival| arrival.digest == digest)?;
        last(&arrivals)
    }

    /// Writes new content.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub async fn edit(&mut self) -> Result<Edit> {
        self.edits += 1;
        edit(&self.namespace, "config", self.edits).await
    }
}

/// The time of the last arrival.
///
/// # Errors
/// When there is none.
pub fn last(arrivals: &[Arrival]) -> Result<Instant> {
    arrivals.iter().map(|arrival| arrival.at).max().context("nothing has arrived")
}

/// Writes content number so and so into a ConfigMap that exists.
///
/// # Errors
/// When the API server refuses it.
pub async fn edit(namespace: &Namespace, name: &str, number: usize) -> Result<Edit> {
    let text = content(number);
    let digest = digest(&text)?;
    let mut config_map =
        ConfigMap { data: Some(BTreeMap::from([("app.yaml".to_owned(), text)])), ..Default::default() };
    config_map.metadata.name = Some(name.to_owned());
    let api: Api<ConfigMap> = namespace.api();
    let begun = Instant::now();
    let written = api.replace(name, &PostParams::default(), &config_map).await.context("editing the ConfigMap")?;
    Ok(Edit { begun, version: written.metadata.resource_version.unwrap_or_default(), digest })
}

fn digest(text: &str) -> Result<String> {
    let source = BTreeMap::from([(DocumentName::parse("app.yaml")?, Bytes::copy_from_slice(text.as_bytes()))]);
    Ok(Digest::of(&Documents::join([source])).to_string())
}

/// 2 KB of YAML, of which two values change.
#[must_use]
pub fn content(number: usize) -> String {
    let mut text = format!("pool:\n  size: {}\n  maxConnections: 100\nedition: {number}\nlabels:\n", 10 + number % 50);
    for label in 0..50 {
        // Writing to a text never fails.
        let _ = writeln!(text, "  label-{label}: some value that is {label} of fifty");
    }
    text
}

fn manifests(port: u16) -> String {
    format!(
        r#"
apiVersion: rekindle.dev/v1alpha1
kind: ConfigSchema
metadata: {{name: bench}}
spec:
  documents:
    - match: app.yaml
      required: true
      schema:
        type: object
        required: [pool, edition]
        properties:
          pool:
            type: object
            required: [size, maxConnections]
            properties:
              size: {{type: integer, minimum: 1, maximum: 100}}
              maxConnections: {{type: integer, minimum: 1}}
          edition: {{type: integer, minimum: 0}}
          labels: {{type: object, additionalProperties: {{type: string, maxLength: 100}}}}
      rules:
        - rule: self.pool.size <= self.pool.maxConnections
          message: the pool must not be larger than the number of connections
          fieldPath: .pool.size
  unknownFields: Deny
---
apiVersion: rekindle.dev/v1alpha1
kind: ReloadPolicy
metadata: {{name: bench}}
spec:
  sources:
    - configMap: {{name: config}}
  schemaRef: {{name: bench}}
  targets:
    selector: {{matchLabels: {{app: bench}}}}
    port: {port}
"#
    )
}
