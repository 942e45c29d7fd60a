//! What the operator holds in memory beside many ConfigMaps that are none of its business.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use rekindle_testplane::Namespace;

use crate::crowd::Crowd;
use crate::report::Row;
use crate::stage::Stage;
use crate::stats::Samples;

/// How long it is watched, and how often.
const WATCHED: Duration = Duration::from_secs(10);
const LOOKS: u32 = 50;
/// How many are created at the same time.
const AT_ONCE: usize = 32;

/// Starts the operator beside so many ConfigMaps of 1 KB, lets it do its work once, and watches its memory.
///
/// # Errors
/// When it does not do its work.
pub async fn measure(stage: &Stage, config_maps: usize) -> Result<Row> {
    let unrelated = stage.plane.namespace("unrelated").await?;
    let creating = (0..config_maps).map(|number| create(&unrelated, number));
    stream::iter(creating).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    let mut crowd = Crowd::gather(stage, 1).await?;
    let operator = stage.operator().await?;
    crowd.wait(&stage.peers, &crowd.digest()?).context("waiting for the first version")?;
    let edit = crowd.edit().await?;
    crowd.wait(&stage.peers, &edit.digest)?;
    let mut resident = Samples::default();
    let mut most: f64 = 0.0;
    for _ in 0..LOOKS {
        let (now, peak) = operator.memory()?;
        resident.add_value(now);
        most = most.max(peak);
        tokio::time::sleep(WATCHED / LOOKS).await;
    }
    operator.stop().await?;
    let name = format!("operator memory, {config_maps} unrelated ConfigMaps (p99: peak)");
    Ok(Row::at_most(name, "MiB", (resident.p50(), most), 60.0))
}

async fn create(namespace: &Namespace, number: usize) -> Result<()> {
    let api: Api<ConfigMap> = namespace.api();
    let mut config_map = ConfigMap::default();
    config_map.metadata.name = Some(format!("unrelated-{number}"));
    config_map.data = Some([("settings".to_owned(), "some=value\n".repeat(90))].into());
    api.create(&PostParams::default(), &config_map).await.context("creating an unrelated ConfigMap")?;
    Ok(())
}
