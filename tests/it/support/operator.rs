//! The operator as a process of its own, under a ServiceAccount with exactly the ClusterRole that ships.
//! Must not look into it: what it does is read from the API server and from the targets.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rekindle_testplane::Access;
use rekindle_testplane::Namespace;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// The ClusterRole that ships.
pub const ROLE: &str = include_str!("../../../deploy/clusterrole.yaml");
const READY: &str = "rekindle is ready";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running operator; it is killed when this is dropped.
pub struct Operator {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    ready: watch::Receiver<bool>,
}

impl Operator {
    /// Starts it for one namespace, with further arguments, and waits until it says that it is ready.
    pub async fn start_with(namespace: &Namespace, access: &Access, arguments: &[&str]) -> Result<Self> {
        let mut operator = Self::spawn(namespace, access, arguments)?;
        operator.wait_until_ready().await?;
        Ok(operator)
    }

    /// Starts it without waiting.
    pub fn spawn(namespace: &Namespace, access: &Access, arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rekindle"))
            .args(["operator", "--allow-loopback-targets", "--watch-namespace", namespace.name()])
            .args(arguments)
            .env("KUBECONFIG", &access.kubeconfig)
            .env("REKINDLE_LOG", "info,rekindle=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the operator")?;
        let errors = child.stderr.take().context("reading the operator's log")?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let (says_ready, ready) = watch::channel(false);
        let lines = log.clone();
        tokio::spawn(async move {
            let mut reader = BufReader::new(errors).lines();
            while let Ok(Some(line)) = reader.next_line().await {
                if line.contains(READY) {
                    says_ready.send_replace(true);
                }
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Self { child, log, ready })
    }

    /// Waits until it says that it is ready.
    pub async fn wait_until_ready(&mut self) -> Result<()> {
        let mut ready = self.ready.clone();
        tokio::select! {
            result = tokio::time::timeout(PATIENCE, ready.wait_for(|ready| *ready)) => {
                if !matches!(result, Ok(Ok(_))) {
                    bail!("the operator did not become ready:\n{}", self.log());
                }
            }
            status = self.child.wait() => bail!("the operator ended with {status:?}:\n{}", self.log()),
        }
        Ok(())
    }

    /// The id of its process.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The most memory that it has held so far, in KiB.
    pub fn peak_memory(&self) -> Result<u64> {
        let id = self.id().context("it has ended already")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).context("reading its memory")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("it has no peak")?;
        peak.trim().trim_end_matches("kB").trim().parse().context("reading its peak")
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits for it to end by itself, as a failpoint makes it.
    pub async fn ended(&mut self) -> Result<std::process::ExitStatus> {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the operator did not end")?.map_err(Into::into)
    }

    /// Asks it to end and returns how it did.
    pub async fn terminate(mut self) -> Result<std::process::ExitStatus> {
        let id = i32::try_from(self.child.id().context("it has ended already")?)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGTERM)?;
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("it did not end on TERM")?.map_err(Into::into)
    }
}
