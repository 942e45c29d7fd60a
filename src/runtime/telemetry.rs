//! Sets up the log.
//! Must not be called twice in one process.

use tracing_subscriber::EnvFilter;

use super::settings::LogFormat;

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in the syntax.
    #[error("reading the log filter `{filter}`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// There is a log already.
    #[error("setting up the log: {0}")]
    Twice(String),
}

/// The client writes an answer that it cannot read into the log, whatever is in it, and each failed attempt of a watch;
/// what matters of that is told by `cluster`, without content and without repeating itself.
const QUIET: &[&str] = &["kube_client=off", "kube_runtime=off"];

/// Sends log lines to standard error.
///
/// # Errors
/// The filter cannot be read.
pub fn start(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let quiet = [filter].iter().chain(QUIET).copied().collect::<Vec<_>>().join(",");
    let parsed =
        EnvFilter::try_new(quiet).map_err(|source| TelemetryError::Filter { filter: filter.to_owned(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(std::io::stderr);
    let result = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    result.map_err(|error| TelemetryError::Twice(error.to_string()))
}
