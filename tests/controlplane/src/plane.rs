//! One control plane: etcd and an API server on ports and in a folder of their own.
//!
//! Guarantees: when [`ControlPlane::start`] returns, `/readyz` said `ok`. When the value is dropped, or when the
//! process that holds it ends in any way at all, its servers end and its folder goes.
//!
//! Caveat: a client belongs to the tokio runtime that made it. A control plane outlives the runtime of one test,
//! so it hands out a new client on each call instead of keeping one.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::audit::{self, AuditLog};
use crate::credentials::{Credentials, User};
use crate::guard::Guard;
use crate::programs::program;
use crate::server::Server;

/// Far longer than a start takes, so that only a broken one meets it.
const START_LIMIT: Duration = Duration::from_secs(90);
const SETTLE_LIMIT: Duration = Duration::from_secs(10);
/// The first address of the service range, which is that of the `kubernetes` Service in every cluster.
const SERVICE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 443);
const POLL: Duration = Duration::from_millis(20);

/// What can be chosen about a control plane.
#[derive(Debug, Clone)]
pub struct Options {
    /// Record every request, for [`ControlPlane::audit`]. On, unless time is being measured.
    pub audit: bool,
    /// Use this folder and keep it, instead of a temporary one.
    pub keep_dir: Option<PathBuf>,
    /// Run the controller manager too (garbage collection, Deployments); build it with
    /// `scripts/setup --controller-manager`.
    pub controller_manager: bool,
    /// Serve a real node (see [`crate::Node`]): on the address that a `kubernetes` Service has, in a network namespace
    /// where that is free, with every controller.
    pub for_node: bool,
    /// Further flags of the API server, such as `--runtime-config=…`. A flag given twice: the last one counts.
    pub api_server_flags: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { audit: true, keep_dir: None, controller_manager: false, for_node: false, api_server_flags: Vec::new() }
    }
}

/// A running etcd and API server.
pub struct ControlPlane {
    options: Options,
    dir: PathBuf,
    credentials: Credentials,
    api: SocketAddrV4,
    etcd_port: u16,
    kubeconfig: PathBuf,
    config: Config,
    servers: Mutex<Servers>,
    guard: Guard,
}

#[derive(Default)]
struct Servers {
    etcd: Option<Server>,
    api: Option<Server>,
    controller_manager: Option<Server>,
}

impl ControlPlane {
    /// Starts a control plane and waits until it is ready.
    pub async fn start(options: Options) -> Result<Self> {
        crate::init();
        // A port that was free may be taken before the server binds it: then all is started again on others.
        for _ in 0..2 {
            match Self::try_start(options.clone()).await {
                Err(error) if format!("{error:#}").contains("address already in use") => {}
                result => return result,
            }
        }
        Self::try_start(options).await
    }

    async fn try_start(options: Options) -> Result<Self> {
        let dir = create_dir(options.keep_dir.as_deref())?;
        let guard = Guard::start(&dir, options.keep_dir.is_some())?;
        let credentials = Credentials::create(&dir)?;
        let api = if options.for_node { SERVICE } else { SocketAddrV4::new(Ipv4Addr::LOCALHOST, free_port()?) };
        let etcd_port = free_port()?;
        let kubeconfig = dir.join("kubeconfig");
        let admin = User { name: "admin", namespace: "default", token: &credentials.admin_token };
        admin.write_kubeconfig(&kubeconfig, &server_url(api), &credentials.authority)?;
        let config = read_config(&kubeconfig).await?;

        let servers = Mutex::default();
        let plane = Self { options, dir, credentials, api, etcd_port, kubeconfig, config, servers, guard };
        plane.start_etcd().await?;
        plane.start_api_server().await?;
        if plane.options.controller_manager || plane.options.for_node {
            plane.start_controller_manager()?;
        }
        Ok(plane)
    }

    /// A new client with every right, for the runtime that this is called in.
    pub fn client(&self) -> Result<Client> {
        Client::try_from(self.config.clone()).context("make a client")
    }

    /// What [`Self::client`] is made from: for clients with other settings.
    pub fn config(&self) -> Config {
        self.config.clone()
    }

    /// The kubeconfig with every right.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The folder with logs, keys and data.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// `https://127.0.0.1:<port>`, or the address that pods use if it serves a node.
    pub fn url(&self) -> String {
        server_url(self.api)
    }

    /// The file of the certificate authority that signed the API server's certificate.
    pub fn authority(&self) -> &Path {
        &self.credentials.authority
    }

    /// The requests that the API server answered; empty if the options turned it off.
    pub fn audit(&self) -> AuditLog {
        AuditLog::new(self.dir.join("audit.log"))
    }

    /// Waits until every request that was answered so far is in the audit log.
    pub async fn settle_audit(&self) -> Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        ensure!(self.options.audit, "wait for the audit log: the options turned it off");
        let log = self.audit();
        let mark = log.mark()?;
        // A request of our own comes after all others; when it is written down, they are.
        let path = format!("/version?settle={}", COUNT.fetch_add(1, Ordering::Relaxed));
        let request = http::Request::get(&path).body(Vec::new()).context("ask for the version")?;
        self.client()?.request_text(request).await.context("ask for the version")?;
        let deadline = Instant::now() + SETTLE_LIMIT;
        while log.count(mark, |entry| entry.uri == path)? == 0 {
            ensure!(Instant::now() < deadline, "the audit log does not settle");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Runs the kubectl of the same version with the administrator's kubeconfig, and returns what it printed.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        let output = tokio::process::Command::new(program("kubectl")?)
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            // What it learns of a server is of no use to the next one, and a home is not to be littered.
            .env("KUBECACHEDIR", self.dir.join("kubectl"))
            .kill_on_drop(true)
            .output()
            .await
            .context("run kubectl")?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "kubectl {}: {printed}{complained}", arguments.join(" "));
        Ok(printed)
    }

    /// Ends the API server and leaves etcd, as an upgrade of a single control plane node would.
    pub fn stop_api_server(&self) -> Result<()> {
        let server = self.servers().api.take();
        server.map_or(Ok(()), Server::stop)
    }

    /// Ends the API server without warning, as a crash would.
    pub fn kill_api_server(&self) -> Result<()> {
        let server = self.servers().api.take();
        server.map_or(Ok(()), Server::kill)
    }

    /// Starts the API server again, on the same port and with the same etcd, and waits until it is ready.
    pub async fn start_api_server(&self) -> Result<()> {
        ensure!(self.servers().api.is_none(), "start kube-apiserver: it runs already");
        let arguments = self.api_server_arguments()?;
        let server = Server::start("kube-apiserver", &program("kube-apiserver")?, &arguments, &self.dir)?;
        self.servers().api = Some(server);
        self.wait_until_ready().await
    }

    /// Ends etcd without warning, as a crash would; what it holds stays.
    pub fn kill_etcd(&self) -> Result<()> {
        let server = self.servers().etcd.take();
        server.map_or(Ok(()), Server::kill)
    }

    /// Stops everything and removes the folder. Dropping does the same, but cannot report what went wrong.
    pub fn stop(mut self) -> Result<()> {
        self.stop_all()
    }

    fn stop_all(&mut self) -> Result<()> {
        let Servers { etcd, api, controller_manager } = std::mem::take(&mut *self.servers());
        // The API server before etcd: without etcd it would not end of itself.
        let stopped = [controller_manager, api, etcd].map(|server| server.map_or(Ok(()), Server::stop));
        self.guard.dismiss()?;
        stopped.into_iter().collect()
    }

    /// Starts etcd again, with what it held, and waits until it listens.
    pub async fn start_etcd(&self) -> Result<()> {
        ensure!(self.servers().etcd.is_none(), "start etcd: it runs already");
        let client_url = format!("http://127.0.0.1:{}", self.etcd_port);
        let arguments = [
            flag("--data-dir", self.dir.join("etcd")),
            flag("--listen-client-urls", &client_url),
            flag("--advertise-client-urls", &client_url),
            flag("--listen-peer-urls", "http://127.0.0.1:0"),
            flag("--log-level", "warn"),
            // Nothing here has to survive a loss of power.
            "--unsafe-no-fsync".into(),
        ];
        let server = Server::start("etcd", &program("etcd")?, &arguments, &self.dir)?;
        self.servers().etcd = Some(server);

        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.etcd_port)).await.is_err() {
            self.check_running(deadline, "etcd")?;
            sleep(POLL).await;
        }
        Ok(())
    }

    fn api_server_arguments(&self) -> Result<Vec<OsString>> {
        let files = &self.credentials;
        let mut arguments = vec![
            flag("--etcd-servers", format!("http://127.0.0.1:{}", self.etcd_port)),
            flag("--bind-address", self.api.ip().to_string()),
            flag("--secure-port", self.api.port().to_string()),
            flag("--cert-dir", self.dir.join("certificates")),
            flag("--tls-cert-file", &files.certificate),
            flag("--tls-private-key-file", &files.key),
            flag("--service-account-key-file", &files.service_account_public_key),
            flag("--service-account-signing-key-file", &files.service_account_key),
            flag("--service-account-issuer", "https://kubernetes.default.svc"),
            flag("--token-auth-file", &files.tokens),
            flag("--authorization-mode", "RBAC"),
            flag("--service-cluster-ip-range", "10.0.0.0/24"),
            flag("--allow-privileged", "true"),
            // Without it the server refuses to advertise a loopback address.
            flag("--endpoint-reconciler-type", "none"),
            // A single small server would share out its few seats and delay some requests; tests and benchmarks
            // look at what the operator does, and must see the same server each time.
            flag("--enable-priority-and-fairness", "false"),
            flag("--max-requests-inflight", "4000"),
            flag("--max-mutating-requests-inflight", "2000"),
            flag("--profiling", "false"),
            flag("--shutdown-watch-termination-grace-period", "200ms"),
        ];
        if self.options.audit {
            let policy = self.dir.join("audit-policy.yaml");
            fs::write(&policy, audit::POLICY).context("write the audit policy")?;
            arguments.push(flag("--audit-policy-file", policy));
            arguments.push(flag("--audit-log-path", self.audit().path()));
            // One file, so that a mark stays a place in it.
            arguments.push(flag("--audit-log-maxsize", "100000"));
        }
        if self.options.for_node {
            // The node has no name that could be looked up, and no kube-proxy brings a Service to its pods.
            arguments.push(flag("--kubelet-preferred-address-types", "InternalIP"));
            arguments.push(flag("--enable-aggregator-routing", "true"));
        }
        arguments.extend(self.options.api_server_flags.iter().map(OsString::from));
        Ok(arguments)
    }

    fn start_controller_manager(&self) -> Result<()> {
        // Fake pods are on nodes that do not exist, and two controllers would delete them for it.
        let fake = "*,-pod-garbage-collector-controller,-node-lifecycle-controller";
        let controllers = if self.options.for_node { "*" } else { fake };
        let arguments = [
            flag("--kubeconfig", &self.kubeconfig),
            flag("--cert-dir", self.dir.join("certificates")),
            flag("--bind-address", "127.0.0.1"),
            flag("--secure-port", "0"),
            flag("--service-account-private-key-file", &self.credentials.service_account_key),
            flag("--root-ca-file", &self.credentials.authority),
            flag("--use-service-account-credentials", "false"),
            flag("--leader-elect", "false"),
            flag("--controllers", controllers),
        ];
        let name = "kube-controller-manager";
        self.servers().controller_manager = Some(Server::start(name, &program(name)?, &arguments, &self.dir)?);
        Ok(())
    }

    async fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        let mut config = self.config();
        // A retry of the client's own would wait longer than we want to.
        config.default_retry = false;
        let client = Client::try_from(config).context("make a client")?;
        loop {
            let request = http::Request::get("/readyz").body(Vec::new()).context("ask for readiness")?;
            if client.request_text(request).await.is_ok_and(|answer| answer == "ok") {
                return Ok(());
            }
            self.check_running(deadline, "kube-apiserver")?;
            sleep(POLL).await;
        }
    }

    fn check_running(&self, deadline: Instant, waiting_for: &str) -> Result<()> {
        let mut servers = self.servers();
        let Servers { etcd, api, controller_manager } = &mut *servers;
        let mut logs = String::new();
        for server in [etcd, api, controller_manager].into_iter().flatten() {
            server.check_running()?;
            logs = server.log_tail();
        }
        if Instant::now() >= deadline {
            bail!("{waiting_for} is not ready after {} s:\n{logs}", START_LIMIT.as_secs());
        }
        Ok(())
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.servers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // Nobody is left to tell; the guard ends what did not end here.
        let _ = self.stop_all();
    }
}

/// Reads the settings of a client from a kubeconfig.
pub async fn read_config(kubeconfig: &Path) -> Result<Config> {
    let content = Kubeconfig::read_from(kubeconfig).context("read the kubeconfig")?;
    Config::from_custom_kubeconfig(content, &KubeConfigOptions::default()).await.context("read the kubeconfig")
}

fn create_dir(keep: Option<&Path>) -> Result<PathBuf> {
    let Some(dir) = keep else {
        // Kept by name only: the guard removes it, also when this process does not get to.
        let dir = tempfile::Builder::new().prefix("rekindle-plane-").tempdir().context("make a folder")?.keep();
        return Ok(dir);
    };
    fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    dir.canonicalize().with_context(|| format!("find {}", dir.display()))
}

/// A port below those that the kernel gives to outgoing connections: none of them can take it while the API
/// server is down.
fn free_port() -> Result<u16> {
    use std::hash::{BuildHasher, RandomState};
    for attempt in 0..200u32 {
        let port = 20_000 + u16::try_from(RandomState::new().hash_one(attempt) % 12_000).unwrap_or_default();
        if TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("find a free port")
}

fn server_url(address: SocketAddrV4) -> String {
    format!("https://{address}")
}

pub(crate) fn flag(name: &str, value: impl AsRef<std::ffi::OsStr>) -> OsString {
    let mut flag = OsString::from(name);
    flag.push("=");
    flag.push(value);
    flag
}
