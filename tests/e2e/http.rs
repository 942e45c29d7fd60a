//! One HTTP request at a time, and a constant load of them: each on a connection of its own, as a client without any
//! patience would, so that nothing that fails is tried again unseen.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_secs(5);
/// Between two requests to one address.
const PACE: Duration = Duration::from_millis(10);

/// The body of an answer with status 200.
pub async fn get(address: Ipv4Addr, port: u16, path: &str) -> Result<String> {
    let answer = timeout(LIMIT, exchange(address, port, path)).await;
    let answer = answer.context("no answer in time").flatten().with_context(|| format!("ask {address}{path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no body")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{address}{path} answers {}", head.lines().next().unwrap_or_default());
    Ok(body.to_owned())
}

async fn exchange(address: Ipv4Addr, port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect((address, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Requests at a constant pace to each of some addresses, until it is stopped.
pub struct Load {
    tasks: JoinSet<Vec<String>>,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Load {
    /// Begins.
    pub fn on(addresses: &[Ipv4Addr], port: u16) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        for address in addresses.iter().copied() {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            tasks.spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = get(address, port, "/").await {
                        failures.push(format!("{error:#}"));
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    sleep(PACE).await;
                }
                failures
            });
        }
        Self { tasks, stop, sent }
    }

    /// Ends, and returns how many requests there were; an error names the first that failed.
    pub async fn end(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        let failures: Vec<String> = self.tasks.join_all().await.into_iter().flatten().collect();
        let sent = self.sent.load(Ordering::Relaxed);
        if let Some(first) = failures.first() {
            bail!("{} of {sent} requests failed, the first: {first}", failures.len());
        }
        Ok(sent)
    }
}
