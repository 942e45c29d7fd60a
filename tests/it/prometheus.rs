//! Software that knows nothing of Rekindle: a real Prometheus whose file is mounted from the author's ConfigMap, and
//! that is told of changes by a notice to `/-/reload`.
//!
//! Nobody but the software knows whether it took its file, so this also shows what a notice can mean: a status.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use rekindle_testplane::http::get;
use rekindle_testplane::{FakePod, next_loopback, program};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::support::scene::{Scene, policy};

const MAP: &str = "prometheus-config";
const KEY: &str = "prometheus.yml";

fn configuration(interval: &str) -> String {
    format!("global:\n  scrape_interval: {interval}\n")
}

/// A Prometheus on an address of its own.
struct Prometheus {
    address: SocketAddr,
    file: PathBuf,
    _process: Child,
    _folder: TempDir,
}

impl Prometheus {
    async fn start(scene: &Scene, ip: Ipv4Addr, text: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join(KEY);
        std::fs::write(&file, text)?;
        // Free now, and nobody else uses this address.
        let address = std::net::TcpListener::bind((ip, 0))?.local_addr()?;
        let process = Command::new(program("prometheus")?)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-lifecycle")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("start prometheus")?;
        let prometheus = Self { address, file, _process: process, _folder: folder };
        let ready = async || Ok(get(prometheus.address, "/-/ready").await.is_ok_and(|(status, _)| status == 200));
        scene.until("prometheus is ready", ready).await?;
        Ok(prometheus)
    }

    /// One of its own metrics.
    async fn metric(&self, name: &str) -> Result<f64> {
        let (_, text) = get(self.address, "/metrics").await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.with_context(|| format!("find the metric {name}"))?.parse().context("read the metric")
    }

    /// Whether its last reload succeeded, and when one last did.
    async fn reloads(&self) -> Result<(bool, f64)> {
        let successful = self.metric("prometheus_config_last_reload_successful").await?;
        Ok((successful > 0.0, self.metric("prometheus_config_last_reload_success_timestamp_seconds").await?))
    }

    /// The interval that the live process works with.
    async fn runs(&self, interval: &str) -> Result<bool> {
        let (_, text) = get(self.address, "/api/v1/status/config").await?;
        let answer: Value = serde_json::from_str(&text)?;
        let yaml = answer["data"]["yaml"].as_str().context("read the running configuration")?;
        Ok(yaml.contains(&format!("scrape_interval: {interval}\n")))
    }
}

/// Stands for the kubelet that mounts the ConfigMap into the pod, and for the author who edits it.
///
/// This kubelet is in time: the file is fresh before the edit can be seen by the operator. A real one takes up to a
/// minute or two, and a notice that comes before it makes the software read the old file again.
#[derive(Clone)]
struct Kubelet {
    maps: Api<ConfigMap>,
    file: PathBuf,
    turn: Arc<Mutex<()>>,
}

impl Kubelet {
    async fn edit(&self, text: &str) -> Result<()> {
        let _turn = self.turn.lock().await;
        swap(&self.file, text)?;
        let change = json!({"data": {KEY: text}});
        self.maps.patch(MAP, &PatchParams::default(), &Patch::Merge(change)).await.context("edit the ConfigMap")?;
        Ok(())
    }

    /// Brings what others write into the ConfigMap to the file.
    fn follow(&self) -> JoinHandle<Result<()>> {
        let Self { maps, file, turn } = self.clone();
        tokio::spawn(async move {
            loop {
                let turn = turn.lock().await;
                let map = maps.get(MAP).await.context("read the ConfigMap")?;
                let text = map.data.unwrap_or_default().remove(KEY).unwrap_or_default();
                if std::fs::read_to_string(&file)? != text {
                    swap(&file, &text)?;
                }
                drop(turn);
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
    }
}

fn swap(file: &Path, text: &str) -> Result<()> {
    let new = file.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, file).context("put the file in place")
}

fn policy_of_prometheus(port: u16) -> Value {
    let mut policy = policy();
    policy["spec"] = json!({
        "sources": [{"configMap": {"name": MAP}}],
        "targets": {
            "selector": {"matchLabels": {"app": "prometheus"}},
            "port": port,
            "path": "/-/reload",
            "payload": "Notice",
            "timeout": "10s",
        },
        "revert": {"source": "Restore"},
    });
    policy
}

/// A Prometheus in a pod that opted in, its ConfigMap, its kubelet and its policy; the operator runs.
async fn scene() -> Result<(Scene, Prometheus, Kubelet)> {
    let mut scene = Scene::empty("prometheus").await?;
    let ip = next_loopback();
    let prometheus = Prometheus::start(&scene, ip, &configuration("1m")).await?;
    scene.namespace.config_map(MAP, &[(KEY, &configuration("1m"))]).await?;
    let pod = FakePod::named("prometheus-0").label("app", "prometheus").annotation("rekindle.dev/reload", "true");
    scene.namespace.fake_pod(pod.address(ip)).await?;
    scene.apply(&policy_of_prometheus(prometheus.address.port())).await?;
    let kubelet = Kubelet { maps: scene.api(), file: prometheus.file.clone(), turn: Arc::default() };
    scene.start_operator().await?;
    Ok((scene, prometheus, kubelet))
}

/// Waits until this version is active, and its notice was taken.
async fn delivered(scene: &Scene, version: u64) -> Result<()> {
    scene
        .until(&format!("version {version} is delivered"), async || {
            let status = scene.policy().await?["status"].take();
            Ok(status["active"]["version"] == version && status["targets"]["delivered"] == 1)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_reloads_prometheus_and_what_it_refuses_is_reverted() -> Result<()> {
    let (scene, prometheus, kubelet) = scene().await?;
    let following = kubelet.follow();
    delivered(&scene, 1).await?;
    let first = prometheus.reloads().await?;
    ensure!(first.0, "its metrics show the reload");

    kubelet.edit(&configuration("30s")).await?;
    scene.until("the live process works with the edit", async || prometheus.runs("30s").await).await?;
    delivered(&scene, 2).await?;
    let second = prometheus.reloads().await?;
    ensure!(second.0 && second.1 > first.1, "its metrics show the reload: {first:?} {second:?}");
    let settled = async || Ok(scene.policy().await?["status"]["lastGood"]["version"] == 2);
    scene.until("version 2 is last-good", settled).await?;

    // Well-formed YAML, and no schema that could refuse it: only Prometheus knows that it is no duration.
    kubelet.edit(&configuration("soon")).await?;
    let quarantined = async || {
        let policy = scene.policy().await?;
        let entry = &policy["status"]["quarantined"][0];
        Ok(entry["version"] == 3 && entry["reason"].as_str().is_some_and(|reason| reason.contains("status 500")))
    };
    scene.until("what Prometheus refuses is quarantined", quarantined).await?;
    delivered(&scene, 4).await?;
    let third = prometheus.reloads().await?;
    ensure!(third.0 && third.1 > second.1, "it took the file that was restored: {second:?} {third:?}");
    ensure!(prometheus.runs("30s").await?, "it works with the last good configuration");
    let map = kubelet.maps.get(MAP).await?.data;
    ensure!(map == Some(BTreeMap::from([(KEY.to_owned(), configuration("30s"))])), "the author's ConfigMap is back");
    following.abort();
    Ok(())
}
