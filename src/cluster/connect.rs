//! The way to the API server, and waiting until it can be gone.
//! Must not ask for anything but the server's version.

use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::client::ClientBuilder;
use kube::config::{InClusterError, KubeConfigOptions, KubeconfigError};
use kube::{Client, Config};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::errors::plain;
use super::patience::Patience;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one attempt to reach the server may take.
const ATTEMPT: Duration = Duration::from_secs(10);
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The server and the client close connections that were idle for 90 s; a new one costs milliseconds.
const KEEP_WARM: Duration = Duration::from_secs(30);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error("reading the kubeconfig")]
    Kubeconfig(#[source] KubeconfigError),
    /// There is neither.
    #[error(
        "finding the API server: this is no pod with a service account ({service_account}), and there is no usable \
         kubeconfig"
    )]
    Nowhere {
        /// Why not by the service account.
        service_account: InClusterError,
        /// Why not by a kubeconfig.
        #[source]
        kubeconfig: KubeconfigError,
    },
    /// The credentials or certificates in the configuration cannot be used.
    #[error("preparing the connection to {server}")]
    Client {
        /// The address.
        server: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
}

/// A client for the API server: by `KUBECONFIG` where that is set, else in a cluster by the service account, else by
/// the kubeconfig in the home directory. Nothing is sent yet.
///
/// # Errors
/// [`ConnectError`] when the configuration itself cannot be used.
pub async fn connect() -> Result<Client, ConnectError> {
    let options = KubeConfigOptions::default();
    if std::env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty()) {
        return client_of(Config::from_kubeconfig(&options).await.map_err(ConnectError::Kubeconfig)?);
    }
    let config = match Config::incluster() {
        Ok(config) => config,
        Err(service_account) => Config::from_kubeconfig(&options)
            .await
            .map_err(|kubeconfig| ConnectError::Nowhere { service_account, kubeconfig })?,
    };
    client_of(config)
}

/// Whether [`connect`] goes by a pod's service account.
#[must_use]
pub fn is_in_cluster() -> bool {
    std::env::var_os("KUBECONFIG").is_none_or(|value| value.is_empty()) && Config::incluster().is_ok()
}

/// A client that repeats nothing by itself: a create that was repeated blindly would hide who made the object. While
/// the API server asks for patience, its requests wait.
///
/// # Errors
/// The credentials or certificates cannot be used.
pub fn client_of(mut config: Config) -> Result<Client, ConnectError> {
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.default_retry = false;
    let agent = concat!("rekindle/", env!("CARGO_PKG_VERSION"));
    config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
    let server = config.cluster_url.to_string();
    let builder = ClientBuilder::try_from(config).map_err(|source| ConnectError::Client { server, source })?;
    Ok(builder.with_layer(&Patience::default()).build())
}

/// Waits until the API server answers, and says on the log why it does not. False when told to stop before.
pub async fn wait_for(client: &Client, stop: &CancellationToken) -> bool {
    let mut wait = SHORTEST_WAIT;
    let mut said = String::new();
    loop {
        let answer = tokio::select! {
            () = stop.cancelled() => return false,
            answer = tokio::time::timeout(ATTEMPT, client.apiserver_version()) => answer,
        };
        let problem = match answer {
            Ok(Ok(version)) => {
                info!(version = version.git_version, "the API server answers");
                return true;
            }
            Ok(Err(error)) => plain(&error.to_string()),
            Err(_) => format!("no answer within {} s", ATTEMPT.as_secs()),
        };
        if problem != said {
            warn!(problem, "the API server cannot be reached; trying on");
            said = problem;
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(wait) => {}
        }
        wait = wait.saturating_mul(2).min(LONGEST_WAIT);
    }
}

/// Keeps a connection open for the next record, until told to stop.
pub(super) async fn keep_warm(client: Client, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEEP_WARM) => {}
        }
        // Whether it answers is the watches' business.
        let _ = tokio::time::timeout(ATTEMPT, client.apiserver_version()).await;
    }
}
