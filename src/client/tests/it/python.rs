//! The example in Python: the contract needs nothing but a standard library.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::contract;
use crate::push::KEY;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/python")
}

fn python() -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").current_dir(folder()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn the_receiver_in_python_speaks_the_contract() {
    let keys = tempfile::tempdir().unwrap();
    std::fs::write(keys.path().join("current"), KEY).unwrap();
    let mut command = python();
    command.args(["receiver.py", "127.0.0.1", "0"]).arg(keys.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    let address: SocketAddr = line.strip_prefix("listening on ").unwrap().parse().unwrap();
    contract::is_spoken_by(address).await;
    child.kill().await.unwrap();
}

#[tokio::test]
async fn the_receiver_in_python_agrees_with_the_vectors() {
    let tests = python().args(["-m", "unittest", "test_receiver"]).output();
    let output = timeout(Duration::from_secs(60), tests).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("Ran 3 tests"), "{said}");
}
