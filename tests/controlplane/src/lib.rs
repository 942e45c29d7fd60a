//! A real etcd and kube-apiserver for tests, benchmarks, the demo and development, without a node: pods are objects
//! whose status is written here, with addresses in 127.0.0.0/8 on which a test can really listen.
//!
//! `scripts/setup` builds the programs. There is no controller manager unless asked for: no garbage collection, no
//! Deployments that make pods, and a `default` ServiceAccount only where [`ControlPlane::namespace`] made it.

//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use rekindle_testplane::{FakePod, shared};
//!
//! let plane = shared().await;
//! let namespace = plane.namespace("quota").await?;
//! let access = plane.service_account(namespace.name(), "operator", "<the ClusterRole that is shipped>").await?;
//! let mut pod = namespace.fake_pod(FakePod::named("web-0").label("app", "web").port("http", 8080)).await?;
//!
//! let mark = plane.audit().mark()?;
//! namespace.config_map("app", &[("app.yaml", "size: 1")]).await?;
//! pod.restart().await?;
//! plane.settle_audit().await?;
//! let writes = plane.audit().count(mark, |request| request.is_write() && request.is_by(namespace.name(), "operator"))?;
//! # let _ = (access.kubeconfig, writes);
//! # Ok(())
//! # }
//! ```

mod access;
mod apply;
pub mod audit;
mod credentials;
mod guard;
pub mod http;
mod namespace;
mod node;
mod plane;
mod pods;
mod programs;
mod server;

pub use access::Access;
pub use apply::{FIELD_MANAGER, apply, parse_documents};
pub use namespace::Namespace;
pub use node::{Image, ImageFile, Node, kill_in_pod};
pub use plane::{ControlPlane, Options, read_config};
pub use pods::{FakePod, RunningPod, next_loopback};
pub use programs::program;

/// Installs the TLS provider of this process. Every entry point of this crate does so itself; calling it again is fine.
pub fn init() {
    // Fails only if there is one already, and then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The one control plane that all tests of a process use; started by the first that asks.
///
/// It ends with the process. Whatever a test makes in it stays, so work in a namespace of your own.
///
/// # Panics
///
/// If it cannot be started; the message says why.
#[expect(clippy::panic, reason = "called from tests only, which have nothing to do without it")]
pub async fn shared() -> &'static ControlPlane {
    static SHARED: tokio::sync::OnceCell<Result<ControlPlane, String>> = tokio::sync::OnceCell::const_new();
    let start = || async { ControlPlane::start(Options::default()).await.map_err(|error| format!("{error:#}")) };
    match SHARED.get_or_init(start).await {
        Ok(plane) => plane,
        Err(error) => panic!("no control plane: {error}"),
    }
}
