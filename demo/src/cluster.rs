//! Where the demo takes place: an API server of its own, or a namespace of the cluster that `KUBECONFIG` names.
//! Guarantee: closing leaves nothing behind that was not there before.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use kube::{Client, Config};
use rekindle_testplane::{ControlPlane, Options, program, read_config};
use tempfile::TempDir;
use tokio::process::Command;

/// The namespace of everything but the definitions.
pub const NAMESPACE: &str = "rekindle-demo";

/// An API server, and a kubeconfig whose default namespace is the demo's.
pub struct Cluster {
    plane: Option<ControlPlane>,
    dir: TempDir,
    kubectl: PathBuf,
    kubeconfig: PathBuf,
    config: Config,
    /// Whether the definitions were there before, and must stay.
    had_definitions: bool,
}

impl Cluster {
    /// Starts an API server, or turns to the one in `KUBECONFIG`, and makes the namespace.
    pub async fn open() -> Result<Self> {
        rekindle_testplane::init();
        let given = env::var_os("KUBECONFIG").filter(|path| !path.is_empty());
        let kubectl = match program("kubectl") {
            Err(_) if given.is_some() => PathBuf::from("kubectl"),
            found => found?,
        };
        let (plane, origin) = match given {
            Some(path) => (None, PathBuf::from(path)),
            None => {
                let plane = ControlPlane::start(Options { audit: false, ..Options::default() }).await?;
                let origin = plane.kubeconfig().to_owned();
                (Some(plane), origin)
            }
        };
        // Below the API server's own folder, which goes even when this process is killed.
        let place = plane.as_ref().map_or_else(env::temp_dir, |plane| plane.dir().to_owned());
        let dir = tempfile::Builder::new().prefix("rekindle-demo-").tempdir_in(place).context("make a folder")?;
        let kubeconfig = dir.path().join("kubeconfig");
        copy_kubeconfig(&kubectl, &origin, dir.path(), &kubeconfig).await?;
        let config = read_config(&kubeconfig).await?;
        let mut cluster = Self { plane, dir, kubectl, kubeconfig, config, had_definitions: false };
        cluster.had_definitions = cluster.kubectl(&["get", "crd", "reloadpolicies.rekindle.dev"]).await.is_ok();
        cluster.make_namespace().await?;
        Ok(cluster)
    }

    async fn make_namespace(&self) -> Result<()> {
        let made = self.kubectl(&["create", "namespace", NAMESPACE]).await;
        made.context("make a namespace for the demo; if one is left from before, delete it first")?;
        if self.plane.is_some() {
            // No controller does it here, and a pod cannot be created without one.
            self.kubectl(&["create", "serviceaccount", "default"]).await?;
        }
        Ok(())
    }

    /// Whether the API server is the demo's own.
    pub fn is_own(&self) -> bool {
        self.plane.is_some()
    }

    /// Where the API server is.
    pub fn url(&self) -> String {
        self.config.cluster_url.to_string()
    }

    /// A folder that goes with the demo.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The kubeconfig that all commands use.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The kubectl that all commands use.
    pub fn kubectl_program(&self) -> &Path {
        &self.kubectl
    }

    /// A client with the rights of the kubeconfig.
    pub fn client(&self) -> Result<Client> {
        Client::try_from(self.config.clone()).context("make a client")
    }

    /// The kubeconfig for the operator: on an API server of our own, with the rights that ship and no others.
    pub async fn operator_kubeconfig(&self, roles: &str) -> Result<PathBuf> {
        match &self.plane {
            Some(plane) => Ok(plane.service_account(NAMESPACE, "rekindle", roles).await?.kubeconfig),
            None => Ok(self.kubeconfig.clone()),
        }
    }

    /// Runs kubectl and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        run_kubectl(&self.kubectl, &self.kubeconfig, self.dir.path(), arguments).await
    }

    /// Removes what the demo made.
    pub async fn close(self) -> Result<()> {
        if let Some(plane) = self.plane {
            return plane.stop();
        }
        let namespace = self.kubectl(&["delete", "namespace", NAMESPACE, "--timeout=60s"]).await;
        if !self.had_definitions {
            self.kubectl(&["delete", "--ignore-not-found", "-f", "crds/"]).await?;
        }
        namespace.map(drop)
    }
}

/// Copies the context in use, so that its default namespace can be set without touching the user's file.
async fn copy_kubeconfig(kubectl: &Path, origin: &Path, dir: &Path, copy: &Path) -> Result<()> {
    let view = ["config", "view", "--raw", "--minify", "--flatten"];
    let text = run_kubectl(kubectl, origin, dir, &view).await.context("read KUBECONFIG")?;
    std::fs::write(copy, text).context("write a kubeconfig")?;
    let set = ["config", "set-context", "--current", "--namespace", NAMESPACE];
    run_kubectl(kubectl, copy, dir, &set).await.context("set the namespace of the kubeconfig").map(drop)
}

async fn run_kubectl(kubectl: &Path, kubeconfig: &Path, dir: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(kubectl)
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        // What it learns of the server goes with everything else that the demo made.
        .env("KUBECACHEDIR", dir.join("kubectl"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("run kubectl")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("kubectl {}: {}", arguments.join(" "), complaint.trim());
    }
    ensure!(!printed.contains('\0'), "kubectl {} printed no text", arguments.join(" "));
    Ok(printed)
}
