//! The few lines of HTTP that it takes to ask a pod what it runs.
//! Must not be used for anything else: it reads whatever comes.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(5);

/// Gets a page of a pod as JSON.
pub async fn get(address: Ipv4Addr, port: u16, path: &str) -> Result<Value> {
    let answer = timeout(LIMIT, exchange(address, port, path)).await;
    let answer = answer.context("no answer in time").flatten().with_context(|| format!("ask {address}{path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{address}{path} answers {}", head.lines().next().unwrap_or_default());
    serde_json::from_str(body).with_context(|| format!("read the answer of {address}{path}"))
}

async fn exchange(address: Ipv4Addr, port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect((address, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
