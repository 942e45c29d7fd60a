//! A constant load of requests: each on a connection of its own, as a client without any patience would, so that
//! nothing that fails is tried again unseen.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use rekindle_testplane::http::get_ok;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Between two requests to one address.
const PACE: Duration = Duration::from_millis(10);

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
        for address in addresses.iter().map(|address| SocketAddr::from((*address, port))) {
            let (stop, sent) = (Arc::clone(&stop), Arc::clone(&sent));
            tasks.spawn(async move {
                let mut failures = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    if let Err(error) = get_ok(address, "/").await {
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
