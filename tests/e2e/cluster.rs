//! The one cluster of a run, with Rekindle installed on it as people install it.
//!
//! The first test that asks starts it; it ends with the namespaces of the process, whatever becomes of the tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use rekindle_testplane::{ControlPlane, Image, Node, Options, program};
use tokio::process::Command;
use tokio::runtime::Runtime;

use crate::wait::until;

/// Where the chart is installed, and under which name.
pub const NAMESPACE: &str = "rekindle-system";
pub const RELEASE: &str = "rekindle";
/// The image of the service that the tests reload.
pub const CHECKOUT: &str = "localhost/checkout:e2e";

const START: Duration = Duration::from_secs(90);

/// A control plane, a node and the operator.
pub struct Cluster {
    pub plane: ControlPlane,
    pub node: Node,
}

/// Runs a test on the cluster.
pub fn cluster(test: impl AsyncFnOnce(&'static Cluster) -> Result<()>) {
    static CLUSTER: OnceLock<(Runtime, Cluster)> = OnceLock::new();
    let (runtime, cluster) = CLUSTER.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let cluster = runtime.block_on(Cluster::start()).unwrap_or_else(|error| panic!("no cluster: {error:#}"));
        (runtime, cluster)
    });
    let restored = async || {
        cluster.install("upgrade").await.context("bring the operator back to what all tests begin with")?;
        test(cluster).await
    };
    if let Err(error) = runtime.block_on(restored()) {
        let seen = runtime.block_on(cluster.describe());
        panic!("{error:#}\n\n{seen}");
    }
}

impl Cluster {
    async fn start() -> Result<Self> {
        Node::prepare().await?;
        let plane = ControlPlane::start(Options { for_node: true, ..Options::default() }).await?;
        let node = Node::start(&plane).await?;
        node.import_archive(&target().join("image/rekindle.tar")).await.context("load the image of the operator")?;
        node.import(&Image::running(CHECKOUT, &target().join("debug/rekindle-checkout"))?).await?;
        let cluster = Self { plane, node };
        match cluster.install("install").await {
            Ok(()) => Ok(cluster),
            Err(error) => bail!("{error:#}\n\n{}", cluster.describe().await),
        }
    }

    async fn install(&self, command: &str) -> Result<()> {
        self.helm(&[command, "--create-namespace"], &[]).await?;
        self.until_operators().await
    }

    /// The pods, what happened to them, and what the operators and the kubelet last said: for messages of failures.
    async fn describe(&self) -> String {
        let operators = format!("--selector=app.kubernetes.io/instance={RELEASE}");
        let mut text = String::new();
        for arguments in [
            &["get", "pods", "--all-namespaces", "--output=wide"][..],
            &[
                "get",
                "events",
                "--all-namespaces",
                "--sort-by=.lastTimestamp",
                "--field-selector=type=Warning,reason!=MissingClusterDNS",
            ],
            &["logs", "--namespace", NAMESPACE, &operators, "--tail=20", "--prefix"],
        ] {
            let said = self.plane.kubectl(arguments).await.unwrap_or_else(|error| format!("{error:#}\n"));
            text += &format!("kubectl {}\n{said}\n", arguments.join(" "));
        }
        text + "kubelet:\n" + &self.node.log_tail()
    }

    /// Runs a command of Helm that sets up the release, with the image of this run.
    pub async fn helm(&self, command: &[&str], values: &[&str]) -> Result<()> {
        let home = self.plane.dir().join("helm");
        let chart = root().join("charts/rekindle");
        let fixed = ["image.repository=localhost/rekindle", "image.tag=e2e", "image.pullPolicy=Never"];
        let output = Command::new(program("helm")?)
            .args(command)
            .args([RELEASE.as_ref(), chart.as_os_str()])
            .args(["--namespace", NAMESPACE])
            .args(fixed.iter().chain(values).flat_map(|value| ["--set", value]))
            .env("KUBECONFIG", self.plane.kubeconfig())
            .envs(["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, home.join(name))))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("run helm")?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "helm {}: {}", command.join(" "), complaint.trim());
        Ok(())
    }

    /// The operator's pods that are ready and not on their way out.
    pub async fn operators(&self) -> Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.plane.client()?, NAMESPACE);
        let listed = pods.list(&ListParams::default()).await.context("list the operator's pods")?;
        Ok(listed.items.into_iter().filter(is_ready).collect())
    }

    /// Waits until the Deployment has the pods that it asks for, all ready, and no others.
    pub async fn until_operators(&self) -> Result<()> {
        let client = self.plane.client()?;
        let (pods, deployments) = (Api::namespaced(client.clone(), NAMESPACE), Api::namespaced(client, NAMESPACE));
        until(START, "the operators are ready", async || {
            let deployment: Deployment = deployments.get(RELEASE).await?;
            let wanted = deployment.spec.and_then(|spec| spec.replicas).context("no replicas")?;
            let all: Vec<Pod> = pods.list(&ListParams::default()).await?.items;
            Ok((usize::try_from(wanted)? == all.len() && all.iter().all(is_ready)).then_some(()))
        })
        .await
    }
}

/// Whether a pod is ready, and stays.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.into_iter().flatten().any(|found| found.type_ == "Ready" && found.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
