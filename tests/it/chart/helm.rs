//! Helm as a program, with caches in a folder that goes with the test. Must not know the chart.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rekindle_testplane::program;
use tempfile::TempDir;
use tokio::process::Command;

/// Far longer than any command takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Helm, and where it keeps what it keeps.
pub struct Helm {
    home: TempDir,
}

impl Helm {
    /// One with empty caches.
    pub fn new() -> Result<Self> {
        Ok(Self { home: tempfile::tempdir().context("make a folder for Helm")? })
    }

    /// What a command prints. It runs at the root of the repository, without a cluster.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        self.run_in(None, arguments).await
    }

    /// What a command prints that talks to a cluster.
    pub async fn run_in(&self, kubeconfig: Option<&Path>, arguments: &[&str]) -> Result<String> {
        let (succeeded, printed, complained) = self.execute(kubeconfig, arguments).await?;
        ensure!(succeeded, "helm {}: {printed}{complained}", arguments.join(" "));
        Ok(printed)
    }

    /// What a command complains that must fail.
    pub async fn refusal(&self, arguments: &[&str]) -> Result<String> {
        let (succeeded, printed, complained) = self.execute(None, arguments).await?;
        ensure!(!succeeded, "helm {} succeeds: {printed}", arguments.join(" "));
        Ok(complained)
    }

    async fn execute(&self, kubeconfig: Option<&Path>, arguments: &[&str]) -> Result<(bool, String, String)> {
        let home = self.home.path();
        let output = Command::new(program("helm")?)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .env("KUBECACHEDIR", home.join("kubectl"))
            // A file that does not exist is a cluster that cannot be reached.
            .env("KUBECONFIG", kubeconfig.unwrap_or(&home.join("none")))
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(PATIENCE, output).await.context("helm does not end")?.context("run helm")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
    }
}
