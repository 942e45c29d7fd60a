//! The operator's arguments, each also an environment variable.
//! Must not read anything but the command line and the environment.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rekindle_core::election::{LONGEST_LEASE, Timing, TimingError};

use crate::convert::{InvalidDuration, parse_duration};

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

    /// How one of several replicas is found that leads
    #[command(flatten)]
    pub election: ElectionArguments,

    /// How log lines are written
    #[arg(long, env = "REKINDLE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written, in the syntax of tracing's EnvFilter
    #[arg(long, env = "REKINDLE_LOG", value_name = "FILTER", default_value = "info")]
    pub log: String,
}

/// How one of several replicas is found that leads.
#[derive(Debug, Clone, Args)]
pub struct ElectionArguments {
    /// Let one of several replicas lead, found by a Lease. By default true in a pod, and false elsewhere
    #[arg(
        long,
        env = "REKINDLE_LEADER_ELECTION",
        value_name = "TRUE|FALSE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub leader_election: Option<bool>,

    /// The namespace of the Lease. By default the operator's own
    #[arg(long, env = "REKINDLE_LEADER_ELECTION_NAMESPACE", value_name = "NAMESPACE")]
    pub leader_election_namespace: Option<String>,

    /// The name of the Lease
    #[arg(long, env = "REKINDLE_LEASE_NAME", value_name = "NAME", default_value = "rekindle-operator")]
    pub lease_name: String,

    /// After so long without a sign of the leader another takes over: whole seconds, from 1s to 1h
    #[arg(long, env = "REKINDLE_LEASE_DURATION", value_name = "TIME", value_parser = span, default_value = "15s")]
    pub lease_duration: Duration,

    /// A leader that cannot renew the Lease for so long stops: at most nine tenths of the lease duration
    #[arg(long, env = "REKINDLE_RENEW_DEADLINE", value_name = "TIME", value_parser = span, default_value = "10s")]
    pub renew_deadline: Duration,

    /// How often the Lease is renewed, and looked at by those who wait: at most a third of the renew deadline
    #[arg(long, env = "REKINDLE_RETRY_PERIOD", value_name = "TIME", value_parser = span, default_value = "2s")]
    pub retry_period: Duration,
}

impl ElectionArguments {
    /// The times of the election.
    ///
    /// # Errors
    /// They do not fit each other.
    pub fn timing(&self) -> Result<Timing, TimingError> {
        Timing::new(self.lease_duration, self.renew_deadline, self.retry_period)
    }
}

fn span(text: &str) -> Result<Duration, InvalidDuration> {
    parse_duration(text, Duration::ZERO..=LONGEST_LEASE)
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
