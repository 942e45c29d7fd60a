//! Kills the operator at a chosen moment of a rollout, as the targets see it.
//! Must not look into what is pushed beyond its version.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::super::victim::Victim;

/// When to kill the operator; all targets of a scene share one.
#[derive(Debug)]
pub struct Trap {
    victim: Victim,
    /// Pushes of this version count.
    version: u64,
    /// So many targets get to take it, the others keep the push waiting.
    take: usize,
    /// Whether those that took it answer.
    answer: bool,
    arrived: AtomicUsize,
    taken: AtomicUsize,
    told: AtomicUsize,
}

impl Trap {
    /// Kills when this version arrives at the first target, before its application sees it.
    pub fn before_any_takes(victim: Victim, version: u64) -> Arc<Self> {
        Self::new(victim, version, 0, false)
    }

    /// Kills when so many targets took this version, before any of them answers.
    pub fn before_answers(victim: Victim, version: u64, targets: usize) -> Arc<Self> {
        Self::new(victim, version, targets, false)
    }

    /// Kills right after so many targets took this version and answered.
    pub fn after_answers(victim: Victim, version: u64, targets: usize) -> Arc<Self> {
        Self::new(victim, version, targets, true)
    }

    fn new(victim: Victim, version: u64, take: usize, answer: bool) -> Arc<Self> {
        let (arrived, taken, told) = Default::default();
        Arc::new(Self { victim, version, take, answer, arrived, taken, told })
    }

    /// Whether it waits for this push.
    pub fn concerns(&self, version: u64) -> bool {
        self.version == version
    }

    /// A push arrived; does not return for one that is not to be taken.
    pub async fn arrived(&self) {
        if self.take == 0 {
            self.victim.kill();
        }
        if self.arrived.fetch_add(1, Ordering::SeqCst) >= self.take {
            std::future::pending().await
        }
    }

    /// A target took it; returns when it is to answer.
    pub async fn taken(&self) {
        let taken = self.taken.fetch_add(1, Ordering::SeqCst) + 1;
        if self.answer {
            return;
        }
        if taken == self.take {
            self.victim.kill();
        }
        std::future::pending().await
    }

    /// An answer is in the kernel's hands.
    fn told(&self) {
        if self.told.fetch_add(1, Ordering::SeqCst) + 1 == self.take {
            self.victim.kill();
        }
    }
}

/// The answer to a push that a trap waits for, between the application and the wire.
#[derive(Debug, Clone, Default)]
pub struct Fuse(Arc<Mutex<Option<Arc<Trap>>>>);

impl Fuse {
    /// The next bytes on this connection are the answer.
    pub fn light(&self, trap: Arc<Trap>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trap);
    }

    fn burn(&self) {
        if let Some(trap) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            trap.told();
        }
    }
}

/// A connection that tells its fuse when bytes were written.
pub struct Fused {
    pub stream: TcpStream,
    pub fuse: Fuse,
}

impl AsyncRead for Fused {
    fn poll_read(mut self: Pin<&mut Self>, ctx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(ctx, buffer)
    }
}

impl AsyncWrite for Fused {
    fn poll_write(mut self: Pin<&mut Self>, ctx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(ctx, bytes);
        if matches!(written, Poll::Ready(Ok(_))) {
            self.fuse.burn();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }
}
