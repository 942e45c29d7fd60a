//! The example as a process, pushed to over real HTTP.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

#[path = "../../../src/client/tests/it/push.rs"]
#[allow(dead_code, reason = "shared with the tests of the receiver, which need more of it")]
mod push;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use push::{KEY, body, get, push};

struct Checkout {
    child: Child,
    address: SocketAddr,
    _keys: TempDir,
}

async fn start(arguments: &[&str]) -> Checkout {
    let keys = tempfile::tempdir().unwrap();
    std::fs::write(keys.path().join("current"), KEY).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle-checkout"));
    command.args(["--address", "127.0.0.1", "--port", "0", "--key-directory"]).arg(keys.path()).args(arguments);
    let mut child = command.env_clear().kill_on_drop(true).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap().unwrap();
    Checkout { child, address: line.strip_prefix("listening on ").unwrap().parse().unwrap(), _keys: keys }
}

#[tokio::test]
async fn it_takes_what_it_can_live_with_and_shows_it() {
    let checkout = start(&["--max-pool", "20"]).await;
    let at = checkout.address;
    assert_eq!(get(at, "/healthz").await.0, 503);
    assert_eq!(get(at, "/").await.1["version"], Value::Null);

    let good = body(1, 1, &[("app.yaml", b"pool: 10\ncurrency: EUR\n")]);
    assert_eq!(push(at, &good).await.0, 200);
    let shown = json!({"version": 1, "digest": good.digest.to_string(), "values": {"pool": 10, "currency": "EUR"}});
    assert_eq!(get(at, "/").await, (200, shown.clone()));
    assert_eq!(get(at, "/healthz").await.0, 200);

    let (status, answer) = push(at, &body(1, 2, &[("app.yaml", b"pool: 21\ncurrency: EUR\n")])).await;
    let reason = "pool is above the 20 connections that the license allows";
    assert_eq!((status, &answer["reason"]), (422, &json!(reason)));
    assert_eq!(get(at, "/").await, (200, shown), "the old configuration runs on");
}

#[tokio::test]
async fn it_begins_with_a_mounted_file_and_ends_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app.yaml");
    std::fs::write(&file, "pool: 3\ncurrency: CHF\n").unwrap();
    let mut checkout = start(&["--config", file.to_str().unwrap()]).await;
    let (status, shown) = get(checkout.address, "/").await;
    assert_eq!((status, &shown["version"], &shown["values"]["pool"]), (200, &json!(0), &json!(3)));

    let id = checkout.child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    let ended = timeout(Duration::from_secs(30), checkout.child.wait()).await.unwrap().unwrap();
    assert!(ended.success(), "{ended}");
}
