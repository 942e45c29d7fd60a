//! The `rekindle` program: picks the subcommand and says on one line why it failed.
//! Must not do anything else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rekindle::cli::crds;

/// Carries configuration changes into running pods and takes them back when they hurt.
#[derive(Debug, Parser)]
#[command(name = "rekindle", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the definitions of the custom resources, for `kubectl apply --server-side -f -`
    Crds(crds::CrdsArguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Crds(arguments) => crds::run(&arguments, &mut std::io::stdout().lock()).map_err(anyhow::Error::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rekindle: {error:#}");
            ExitCode::FAILURE
        }
    }
}
