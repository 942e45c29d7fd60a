//! The `rekindle` program: picks the subcommand and says on one line why it failed.
//! Must not do anything else.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rekindle::cli::{check, crds};
use rekindle::runtime::operator;
use rekindle::runtime::settings::OperatorArguments;

/// Carries configuration changes into running pods and takes them back when they hurt.
#[derive(Debug, Parser)]
#[command(name = "rekindle", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check documents or ConfigMaps against a ConfigSchema, with no cluster; ends with 1 when something is found
    Check(check::CheckArguments),
    /// Print the definitions of the custom resources, for `kubectl apply --server-side -f -`
    Crds(crds::CrdsArguments),
    /// Carry edits of ConfigMaps and mounted files into annotated pods
    Operator(OperatorArguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Check(arguments) => return check::run(&arguments, &mut std::io::stdout().lock()),
        Command::Crds(arguments) => crds::run(&arguments, &mut std::io::stdout().lock()).map_err(anyhow::Error::from),
        Command::Operator(arguments) => operator::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rekindle: {error:#}");
            ExitCode::FAILURE
        }
    }
}
