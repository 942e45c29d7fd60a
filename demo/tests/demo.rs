//! How the demo behaves when it cannot go on. How it goes when it can is told and tested by the documentation.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(120);

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle-demo"));
    command.env_remove("KUBECONFIG").env_remove("KEEP").stdin(Stdio::null()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_kubeconfig_that_leads_nowhere_is_told() {
    let missing = std::env::temp_dir().join("rekindle-demo-no-such-kubeconfig");
    let output = demo().env("KUBECONFIG", &missing).output();
    let output = timeout(LIMIT, output).await.unwrap().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("demo: read KUBECONFIG"), "{complaint}");
}

#[tokio::test]
async fn a_demo_that_is_interrupted_fails_and_leaves_nothing_running() {
    let mut demo = demo().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let server = loop {
        let line = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        if let Some((_, place)) = line.split_once("https://") {
            break place.split('/').next().unwrap().to_owned();
        }
    };
    assert!(TcpStream::connect(&server).is_ok(), "the API server listens on {server}");
    let id = demo.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    let output = timeout(LIMIT, demo.wait_with_output()).await.unwrap().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("demo: stopped before its end"), "{complaint}");
    assert!(TcpStream::connect(&server).is_err(), "nothing listens on {server} any more");
}
