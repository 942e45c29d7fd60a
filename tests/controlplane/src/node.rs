//! One real node: containerd, kubelet and scheduler beside a control plane, so that pods run.
//!
//! Everything is in the network, mount and process namespaces of the caller, which must be its own:
//! `scripts/in-own-namespaces` makes them, and with them ends whatever a test leaves behind, containers too.
//! No kube-proxy and no name service: pods reach each other and the API server by address.

mod images;
mod processes;
mod settings;

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use k8s_openapi::api::core::v1 as core;
use kube::{Api, Client};
use tokio::process::Command;
use tokio::time::sleep;

use crate::plane::{ControlPlane, flag};
use crate::programs::program;
use crate::server::Server;

pub use images::{Image, ImageFile};
pub use processes::kill_in_pod;

/// The node's name.
pub const NAME: &str = "node";
/// The node's own address, on the bridge that pods are attached to.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 88, 0, 1);
/// Set by `scripts/in-own-namespaces`: the control group that it removes afterwards.
const CONTROL_GROUP: &str = "REKINDLE_NODE_CGROUP";

const START_LIMIT: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// A running node.
pub struct Node {
    dir: PathBuf,
    servers: Mutex<Vec<Server>>,
}

impl Node {
    /// Makes the network ready for a control plane that serves a node; before that is started.
    pub async fn prepare() -> Result<()> {
        ensure!(
            std::env::var_os(CONTROL_GROUP).is_some(),
            "start a node: this process has no namespaces of its own; run it through scripts/in-own-namespaces"
        );
        let address = format!("{ADDRESS}/16");
        for arguments in [
            "link set lo up",
            "address add 10.0.0.1/32 dev lo",
            "link add node0 type bridge",
            &format!("address add {address} dev node0"),
            "link set node0 up",
        ] {
            run("ip", arguments.split(' ')).await?;
        }
        Ok(())
    }

    /// Starts the node and waits until the API server calls it ready.
    pub async fn start(plane: &ControlPlane) -> Result<Self> {
        let node = Self { dir: plane.dir().join("node"), servers: Mutex::default() };
        settings::write(&node.dir, plane)?;
        node.start_containerd().await?;
        node.import(&Image::pause()?).await?;
        node.start_scheduler(plane)?;
        node.start_kubelet(plane)?;
        node.wait_until_ready(plane.client()?).await?;
        Ok(node)
    }

    /// Brings an image into the node, under its name.
    pub async fn import(&self, image: &Image) -> Result<()> {
        let archive = self.dir.join("import.tar");
        image.write(&archive)?;
        self.import_archive(&archive).await
    }

    /// Brings every image of an OCI archive into the node, under the names in it.
    pub async fn import_archive(&self, archive: &Path) -> Result<()> {
        let mut arguments = self.to_containerd();
        arguments.extend(["images", "import", "--local", "--snapshotter", "native"].map(OsString::from));
        arguments.push(archive.into());
        run(program("ctr")?, arguments).await
    }

    /// The end of the kubelet's log, to say why a pod did not come up.
    pub fn log_tail(&self) -> String {
        self.servers().last().map(Server::log_tail).unwrap_or_default()
    }

    fn to_containerd(&self) -> Vec<OsString> {
        let address = flag("--address", self.dir.join("containerd.sock"));
        vec![address, "--namespace=k8s.io".into()]
    }

    async fn start_containerd(&self) -> Result<()> {
        let arguments = [flag("--config", self.dir.join("containerd.toml"))];
        self.add(Server::start("containerd", &program("containerd")?, &arguments, &self.dir)?);
        let deadline = Instant::now() + START_LIMIT;
        let mut arguments = self.to_containerd();
        arguments.push("version".into());
        while let Err(error) = run(program("ctr")?, arguments.clone()).await {
            self.check_running()?;
            ensure!(Instant::now() < deadline, "containerd does not answer: {error:#}");
            sleep(POLL).await;
        }
        Ok(())
    }

    fn start_scheduler(&self, plane: &ControlPlane) -> Result<()> {
        let arguments = [
            flag("--kubeconfig", plane.kubeconfig()),
            flag("--leader-elect", "false"),
            flag("--bind-address", "127.0.0.1"),
            flag("--cert-dir", self.dir.join("scheduler")),
        ];
        self.add(Server::start("kube-scheduler", &program("kube-scheduler")?, &arguments, &self.dir)?);
        Ok(())
    }

    fn start_kubelet(&self, plane: &ControlPlane) -> Result<()> {
        let arguments = [
            flag("--kubeconfig", plane.kubeconfig()),
            flag("--config", self.dir.join("kubelet.yaml")),
            flag("--root-dir", self.dir.join("kubelet")),
            flag("--cert-dir", self.dir.join("kubelet-certificates")),
            flag("--hostname-override", NAME),
            flag("--node-ip", ADDRESS.to_string()),
        ];
        self.add(Server::start("kubelet", &program("kubelet")?, &arguments, &self.dir)?);
        Ok(())
    }

    async fn wait_until_ready(&self, client: Client) -> Result<()> {
        let nodes: Api<core::Node> = Api::all(client);
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if nodes.get_opt(NAME).await.context("read the node")?.is_some_and(|node| is_ready(&node)) {
                return Ok(());
            }
            self.check_running()?;
            if Instant::now() >= deadline {
                bail!("the node is not ready after {} s:\n{}", START_LIMIT.as_secs(), self.log_tail());
            }
            sleep(POLL).await;
        }
    }

    fn check_running(&self) -> Result<()> {
        self.servers().iter_mut().try_for_each(Server::check_running)
    }

    fn add(&self, server: Server) {
        self.servers().push(server);
    }

    fn servers(&self) -> std::sync::MutexGuard<'_, Vec<Server>> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The kubelet before containerd, or it would start again what ends. The namespaces take the rest with them.
        while let Some(server) = { self.servers().pop() } {
            let _ = server.stop();
        }
    }
}

fn is_ready(node: &core::Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Runs a program that ends by itself, and fails with what it said if it fails.
async fn run(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>,
) -> Result<()> {
    let name = program.as_ref().to_string_lossy().into_owned();
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("run {name}"))?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
