//! Starts a control plane for development, says how to use it, and stops it on Ctrl-C or TERM.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use rekindle_testplane::{ControlPlane, Options, program};
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: rekindle-testplane [--keep-dir DIR] [--controller-manager] [--audit]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = read_arguments(env::args().skip(1))?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for TERM")?;

    let start = ControlPlane::start(options);
    let plane = tokio::select! {
        plane = start => plane?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    println!("ready: {}", plane.url());
    println!("  export KUBECONFIG={}", plane.kubeconfig().display());
    println!("  {} get namespaces", program("kubectl")?.display());
    println!("logs and data: {}", plane.dir().display());
    println!("Ctrl-C stops it.");

    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    plane.stop()
}

fn read_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options { audit: false, ..Options::default() };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--keep-dir" => options.keep_dir = Some(PathBuf::from(arguments.next().context(USAGE)?)),
            "--controller-manager" => options.controller_manager = true,
            "--audit" => options.audit = true,
            _ => bail!(USAGE),
        }
    }
    Ok(options)
}
