//! The operator's arguments, each also an environment variable.
//! Must not read anything but the command line and the environment.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Carry edits of ConfigMaps and mounted files into annotated pods.
#[derive(Debug, Clone, Args)]
pub struct OperatorArguments {
    /// Work only in this namespace; give it several times, or as a comma-separated list, for several. All by default
    #[arg(long = "watch-namespace", env = "REKINDLE_WATCH_NAMESPACE", value_name = "NAMESPACE", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,

    /// The directory below which policies may name directories of files as sources
    #[arg(long, env = "REKINDLE_FILES_ROOT", value_name = "DIRECTORY")]
    pub files_root: Option<PathBuf>,

    /// Where to serve /metrics, /healthz and /readyz, such as 0.0.0.0:9090; nowhere by default
    #[arg(long, env = "REKINDLE_METRICS_ADDRESS", value_name = "ADDRESS:PORT")]
    pub metrics_address: Option<SocketAddr>,

    /// Push to loopback addresses too. For local runs only: in a cluster they are the operator itself
    #[arg(long, env = "REKINDLE_ALLOW_LOOPBACK_TARGETS")]
    pub allow_loopback_targets: bool,

    /// How log lines are written
    #[arg(long, env = "REKINDLE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written, in the syntax of tracing's EnvFilter
    #[arg(long, env = "REKINDLE_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
