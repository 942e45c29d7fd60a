//! Pods that take every push and never answer, so that whoever leads tries on and on. Must not know who pushes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use rekindle_testplane::{Namespace, next_loopback};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::target::{PORT, Target};

/// So many pods.
pub struct Silent {
    arrivals: Arc<Mutex<Vec<(u64, Instant)>>>,
    _servers: JoinSet<()>,
}

impl Silent {
    /// Starts them; a push that gets no answer is given up after 300 ms.
    pub async fn start(namespace: &Namespace, pods: usize) -> Result<Self> {
        let (arrivals, mut servers) = (Arc::<Mutex<Vec<_>>>::default(), JoinSet::new());
        for number in 0..pods {
            let address = next_loopback();
            let listener = TcpListener::bind((address, PORT)).await.context("listening as a silent pod")?;
            let noted = arrivals.clone();
            servers.spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    let noted = noted.clone();
                    connections.spawn(async move {
                        // Whoever pushes hangs up in the end.
                        let _ = listen(stream, &noted).await;
                    });
                }
            });
            let pod = Target::manifest(&format!("silent-{number}")).annotation("rekindle.dev/timeout", "300ms");
            namespace.fake_pod(pod.address(address)).await?;
        }
        Ok(Self { arrivals, _servers: servers })
    }

    /// The epochs of the pushes that came, and when.
    pub fn arrivals(&self) -> Vec<(u64, Instant)> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads pushes and says nothing.
async fn listen(stream: TcpStream, noted: &Mutex<Vec<(u64, Instant)>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).await?;
        let at = Instant::now();
        let body: serde_json::Value = serde_json::from_slice(&body)?;
        let epoch = body["epoch"].as_u64().context("a push without an epoch")?;
        noted.lock().unwrap_or_else(PoisonError::into_inner).push((epoch, at));
    }
}
