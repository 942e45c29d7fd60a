//! Where the operator is measured: a control plane with the custom resources, peers, and the release binary under the
//! role that ships.
//! Must not know what is measured.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rekindle_testplane::{Access, ControlPlane, Options};

use crate::floor::RECORD_DEFINITION;
use crate::peers::Peers;

/// The operator's ServiceAccount.
pub const NAMESPACE: &str = "rekindle-system";
/// Its name.
pub const ACCOUNT: &str = "operator";

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A control plane in which nothing runs yet.
pub struct Stage {
    /// The API server and etcd.
    pub plane: ControlPlane,
    /// All targets.
    pub peers: Peers,
    access: Access,
}

impl Stage {
    /// Starts the control plane and installs what the operator and the floor need.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn set(audit: bool) -> Result<Self> {
        let plane = ControlPlane::start(Options { audit, ..Options::default() }).await?;
        let client = plane.client()?;
        rekindle_testplane::apply(&client, "default", RECORD_DEFINITION).await?;
        let definitions = std::fs::read_dir(repository().join("crds")).context("listing crds/")?;
        for definition in definitions {
            let text = std::fs::read_to_string(definition?.path())?;
            rekindle_testplane::apply(&client, "default", &text).await?;
        }
        plane.namespace_named(NAMESPACE).await?;
        let roles =
            std::fs::read_to_string(repository().join("deploy/clusterrole.yaml")).context("reading the role")?;
        let access = plane.service_account(NAMESPACE, ACCOUNT, &roles).await?;
        Ok(Self { plane, peers: Peers::start()?, access })
    }

    /// Starts the operator and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the message has the end of its log.
    pub async fn operator(&self) -> Result<Operator> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let log = self.plane.dir().join("operator.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let child = Command::new(program()?)
            .args(["operator", "--allow-loopback-targets", "--metrics-address", &address.to_string()])
            .env("KUBECONFIG", &self.access.kubeconfig)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .context("starting the operator")?;
        let mut operator = Operator { child, log };
        let deadline = Instant::now() + READY_LIMIT;
        while !is_ready(address) {
            if let Some(status) = operator.child.try_wait()? {
                bail!("the operator ended with {status}: {}", operator.log_tail());
            }
            ensure!(Instant::now() < deadline, "the operator does not become ready: {}", operator.log_tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(operator)
    }
}

/// The running operator; killed when dropped.
pub struct Operator {
    child: Child,
    log: PathBuf,
}

impl Operator {
    /// What it holds in memory now, and the most that it held, in MiB.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("reading its memory")?;
            let kib: f64 = line.trim_start_matches(':').trim().trim_end_matches(" kB").parse()?;
            Ok(kib / 1024.0)
        };
        Ok((field("VmRSS")?, field("VmHWM")?))
    }

    /// Ends it as a kubelet would, and waits for its end.
    ///
    /// # Errors
    /// When it does not end, or not with status 0.
    pub async fn stop(mut self) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        kill(Pid::from_raw(id), Signal::SIGTERM).context("asking the operator to end")?;
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the operator ended with {status}: {}", self.log_tail());
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the operator does not end: {}", self.log_tail());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(15).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It has ended already, or ends by this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The release binary beside this program.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("rekindle");
    ensure!(program.is_file(), "{} is missing: build it with `cargo build --release -p rekindle`", program.display());
    Ok(program)
}

/// The root of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
