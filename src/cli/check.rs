//! `rekindle check`: the verdict that the operator would give, on a laptop or in CI, with no cluster.
//! Must not decide what is valid: it reads files, asks the core, prints, and picks the exit status.
//!
//! Exit status: 0 when the configuration is valid (warnings do not count), 1 when it is not, 2 when that could not be
//! found out because a file cannot be read or the schema itself is broken.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use rekindle_core::configuration::Configuration;
use rekindle_core::document::Documents;
use rekindle_core::finding::Finding;
use rekindle_core::reconcile::assess::no_documents;
use rekindle_core::validate::{SchemaFault, compile};

mod manifest;
mod report;
mod sources;

use report::{Report, many};

const VALID: u8 = 0;
const FINDINGS: u8 = 1;
const NOT_CHECKED: u8 = 2;

/// What to check against what.
#[derive(Debug, Clone, Args)]
pub struct CheckArguments {
    /// A ConfigSchema manifest
    #[arg(long, value_name = "FILE")]
    pub schema: PathBuf,
    /// How to print: for people, for programs, or as annotations of a GitHub workflow
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// What to check, later over earlier: a file is a document, a folder holds documents, and a manifest of
    /// ConfigMaps holds those that are in them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// One finding a line, as compilers do.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// Annotations of a GitHub workflow.
    Github,
}

/// Why nothing could be said about the configuration.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A file or folder cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A manifest is not well-formed.
    #[error("read the manifest {}: {problem}", path.display())]
    Manifest {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The schema cannot be used.
    #[error("use the schema {}: it has {}", path.display(), many(faults.len(), "fault"))]
    Schema {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        faults: Vec<SchemaFault>,
    },
    /// The result cannot be printed.
    #[error("print the result")]
    Print(#[from] std::io::Error),
}

/// Checks, prints to `out`, and says why on standard error if it could not.
pub fn run(arguments: &CheckArguments, out: &mut impl Write) -> ExitCode {
    let checked = check(arguments).and_then(|report| {
        report.print(arguments.output, out)?;
        Ok(if report.is_valid() { VALID } else { FINDINGS })
    });
    ExitCode::from(checked.unwrap_or_else(|error| {
        tell(&error);
        NOT_CHECKED
    }))
}

fn tell(error: &CheckError) {
    match std::error::Error::source(error) {
        Some(source) => eprintln!("rekindle: {error}: {source}"),
        None => eprintln!("rekindle: {error}"),
    }
    if let CheckError::Schema { path, faults } = error {
        for fault in faults {
            eprintln!("{}: {fault}", path.display());
        }
    }
}

/// The report on a configuration.
///
/// # Errors
/// What could not be read, or the faults of the schema.
pub fn check(arguments: &CheckArguments) -> Result<Report, CheckError> {
    let spec = manifest::read_schema(&arguments.schema)?;
    let schema = compile(&spec).map_err(|faults| CheckError::Schema { path: arguments.schema.clone(), faults })?;
    let mut report = Report::default();
    let mut parts = Vec::new();
    for path in &arguments.paths {
        for source in sources::read(path)? {
            match source.documents {
                Ok(documents) => parts.push(documents),
                Err(findings) => report.add_all(findings.into_iter().map(|finding| in_file(finding, path))),
            }
            report.origins.extend(source.origins);
        }
    }
    let documents = Documents::join(parts);
    report.documents = documents.len();
    if documents.is_empty() && report.is_valid() {
        report.add_all([no_documents()]);
        return Ok(report);
    }
    match Configuration::parse(documents, schema.dialect()) {
        Ok(configuration) => {
            report.add_all(schema.validate(&configuration, None));
            report.defaulted = schema.defaulted(&configuration);
        }
        Err(findings) => report.add_all(findings),
    }
    Ok(report)
}

/// Names the file in a finding that is about no document.
fn in_file(finding: Finding, path: &std::path::Path) -> Finding {
    let message = format!("{}: {}", path.display(), finding.message);
    Finding { message, ..finding }
}

#[cfg(test)]
mod tests;
