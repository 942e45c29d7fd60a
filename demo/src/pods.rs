//! The three pods: objects on the API server, and behind each address a real process of the example service.
//! Must not know what is being shown with them.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::try_join_all;
use k8s_openapi::jiff::Timestamp;
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::{Api, Client};
use rekindle_testplane::http::get_ok;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::process::Process;
use crate::watch::{objects, until};

/// The names in `demo/pods.yaml`.
pub const NAMES: [&str; 3] = ["checkout-0", "checkout-1", "checkout-2"];
const PORT: u16 = 8080;
const CONTRACT_PATH: &str = "/rekindle/v1/config";
const START_LIMIT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(2);

/// The pods and their processes.
pub struct Pods {
    list: Vec<Pod>,
}

struct Pod {
    name: &'static str,
    address: Ipv4Addr,
    process: Process,
}

/// What one pod shows of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: &'static str,
    /// The number and digest of the version that it runs.
    pub running: Option<(u64, String)>,
    /// Its own page.
    pub page: Value,
}

impl Pods {
    /// Mounts the push key, starts the processes, and reports the pods as running, as a kubelet would.
    pub async fn start(cluster: &Cluster, program: &Path) -> Result<Self> {
        let client = cluster.client()?;
        let keys = cluster.dir().join("push-key");
        mount_push_key(&client, &keys).await?;
        let mut list = Vec::new();
        for (name, address) in NAMES.into_iter().zip(addresses()) {
            let place = address.to_string();
            let arguments = ["--address", &place, "--key-directory"].map(OsStr::new);
            let arguments = [&arguments[..], &[keys.as_os_str()]].concat();
            list.push(Pod { name, address, process: Process::start(name, program, &arguments, &[])? });
        }
        for pod in &list {
            pod.process.says("listening", START_LIMIT).await?;
        }
        let api = objects(&client, "", "Pod");
        try_join_all(list.iter().map(|pod| report_running(&api, pod))).await?;
        Ok(Self { list })
    }

    /// Waits until every pod proves that it runs this version's content, and says when the last one did.
    pub async fn all_run(&self, digest: &str, limit: Duration) -> Result<Instant> {
        let times = try_join_all(self.list.iter().map(|pod| pod.runs(digest, limit))).await?;
        times.into_iter().max().context("there are no pods")
    }

    /// What every pod shows at this moment.
    pub async fn show(&self) -> Result<Vec<Shown>> {
        try_join_all(self.list.iter().map(Pod::show)).await
    }

    /// Where a pod's page is.
    pub fn page_url(&self) -> String {
        let address = self.list.first().map(|pod| pod.address).unwrap_or(Ipv4Addr::LOCALHOST);
        format!("http://{address}:{PORT}/")
    }

    /// Ends the processes.
    pub async fn stop(self) -> Result<()> {
        try_join_all(self.list.into_iter().map(|pod| pod.process.stop())).await.map(drop)
    }
}

impl Pod {
    async fn runs(&self, digest: &str, limit: Duration) -> Result<Instant> {
        let deadline = Instant::now() + limit;
        loop {
            let running = self.running().await?;
            let now = Instant::now();
            if running.as_ref().is_some_and(|(_, running)| running == digest) {
                return Ok(now);
            }
            ensure!(now < deadline, "{} runs {running:?} and not {digest} after {} s", self.name, limit.as_secs());
            sleep(POLL).await;
        }
    }

    async fn running(&self) -> Result<Option<(u64, String)>> {
        let answer = self.page(CONTRACT_PATH).await?;
        let field = |name: &str| answer.pointer(&format!("/running/{name}"));
        let version = field("version").and_then(Value::as_u64);
        Ok(version.zip(field("digest").and_then(Value::as_str).map(str::to_owned)))
    }

    async fn page(&self, path: &str) -> Result<Value> {
        let text = get_ok((self.address, PORT).into(), path).await?;
        serde_json::from_str(&text).with_context(|| format!("read the answer of {}{path}", self.address))
    }

    async fn show(&self) -> Result<Shown> {
        let page = self.page("/").await?;
        Ok(Shown { name: self.name, running: self.running().await?, page })
    }
}

/// Three loopback addresses that no other demo on this machine has at the same time.
fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    let ours = std::process::id().to_be_bytes();
    (1..).map(move |host| Ipv4Addr::new(127, 100 + ours[2] % 100, ours[3], host))
}

/// Writes the Secret's entries into a folder, as a kubelet mounts it. The operator makes the Secret.
async fn mount_push_key(client: &Client, folder: &Path) -> Result<()> {
    let name = "rekindle-push-key";
    let secret = until(&objects(client, "", "Secret"), name, START_LIMIT, |_| true).await?.object;
    std::fs::create_dir_all(folder).context("make a folder for the push key")?;
    let entries = secret.data.get("data").and_then(Value::as_object).context("the push key is empty")?;
    for (key, value) in entries {
        let value = STANDARD.decode(value.as_str().unwrap_or_default()).context("read the push key")?;
        std::fs::write(folder.join(key), value).context("write the push key")?;
    }
    Ok(())
}

async fn report_running(api: &Api<DynamicObject>, pod: &Pod) -> Result<()> {
    let now = Timestamp::now();
    let condition = |kind| json!({"type": kind, "status": "True", "lastTransitionTime": now});
    let status = json!({"status": {
        "phase": "Running",
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "startTime": now,
        "conditions": [condition("Initialized"), condition("ContainersReady"), condition("Ready")],
        "containerStatuses": [{
            "name": "checkout", "image": "example.com/checkout:1", "imageID": "", "containerID": "demo://0",
            "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now}},
        }],
    }});
    let patched = api.patch_status(pod.name, &PatchParams::default(), &Patch::Merge(status)).await;
    patched.with_context(|| format!("report {} as running", pod.name)).map(drop)
}
