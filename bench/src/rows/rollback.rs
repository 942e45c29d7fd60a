//! From the moment a rollback can be seen to the last pod that has the old content again, against one acknowledged
//! create and a bare fan-out.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, WatchEvent, WatchParams};
use kube::{Client, Config};

use crate::crowd::{self, Crowd};
use crate::floor::Bare;
use crate::peers::Peers;
use crate::report::Row;
use crate::stage::Stage;
use crate::stats::Samples;

const WARMING: usize = 2;
const LIMIT: Duration = Duration::from_secs(60);

/// Measures on a stage where the operator runs.
///
/// # Errors
/// When a push does not arrive.
pub async fn measure(stage: &Stage, pods: usize, rollbacks: usize, rest: Duration) -> Result<Row> {
    let mut crowd = Crowd::gather(stage, pods).await?;
    let first = crowd.digest()?;
    crowd.wait(&stage.peers, &first).context("waiting for the first version")?;
    let seen = watch_rollbacks(stage.plane.config(), crowd.namespace.name())?;
    let targets: Vec<SocketAddr> =
        (0..pods).map(|number| (Peers::address(number), stage.peers.port()).into()).collect();
    let mut bare = Bare::connect(stage.plane.config(), crowd.namespace.name(), targets)?;
    let config_map: ConfigMap = crowd.namespace.api().get("config").await?;
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for turn in 0..rollbacks + WARMING {
        let counts = turn >= WARMING;
        let edit = crowd.edit().await?;
        crowd.wait(&stage.peers, &edit.digest).with_context(|| format!("edit {turn}"))?;
        tokio::time::sleep(rest).await;

        let name = format!("back-{turn}");
        crowd.namespace.apply(&rollback(&name)).await?;
        let last = crowd.wait(&stage.peers, &first).with_context(|| format!("rollback {turn}"))?;
        let decided = seen.recv_timeout(LIMIT).context("seeing the rollback")?;
        ours.extend(counts.then(|| last.saturating_duration_since(decided)));
        tokio::time::sleep(rest).await;

        let begun = Instant::now();
        bare.record(&name, &config_map).await?;
        bare.post(&name, &config_map)?;
        let arrivals = stage.peers.wait_for(pods, LIMIT, |arrival| arrival.digest == name)?;
        floor.extend(counts.then_some(crowd::last(&arrivals)? - begun));
        tokio::time::sleep(rest).await;
    }
    Ok(Row::against_floor(format!("rollback -> last of {pods} pods"), &ours, &floor, 1.5, 1000.0))
}

fn rollback(name: &str) -> String {
    format!(
        "apiVersion: rekindle.dev/v1alpha1\nkind: ConfigRollback\nmetadata: {{name: {name}}}\n\
         spec: {{policyRef: {{name: bench}}, to: {{steps: 1}}, reason: measured}}\n"
    )
}

/// When each rollback of the namespace can be seen first, by a bare watch on a thread of its own.
fn watch_rollbacks(config: Config, namespace: &str) -> Result<mpsc::Receiver<Instant>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let namespace = namespace.to_owned();
    let (sender, receiver) = mpsc::channel();
    let watch = move || -> Result<()> {
        runtime.block_on(async {
            let kind = GroupVersionKind::gvk("rekindle.dev", "v1alpha1", "ConfigRollback");
            let resource = ApiResource::from_gvk(&kind);
            let api: Api<DynamicObject> = Api::namespaced_with(Client::try_from(config)?, &namespace, &resource);
            let mut version = String::from("0");
            loop {
                let mut events = api.watch(&WatchParams::default().timeout(290), &version).await?.boxed();
                while let Some(event) = events.next().await {
                    let at = Instant::now();
                    let (WatchEvent::Added(object) | WatchEvent::Modified(object)) = &event? else { continue };
                    let last = object.metadata.resource_version.clone().unwrap_or_default();
                    // A new object's first event is the one without a status.
                    if object.data.get("status").is_none() && sender.send(at).is_err() {
                        return Ok(());
                    }
                    version = last;
                }
            }
        })
    };
    std::thread::Builder::new().name("rollbacks".to_owned()).spawn(watch)?;
    Ok(receiver)
}
