//! One push to one target: over the warm connection if there is one, else over a fresh one, within the deadline.
//! Must not decide whether to try again later; it reports what happened.

use std::io;
use std::time::Duration;

use rekindle_core::target::Endpoint;
use tokio::time::{Instant, timeout_at};

use super::answer::Reply;
use super::connection::{Connection, ExchangeError};
use super::pool::Pool;
use super::request::{Letter, Unwritable, address};

/// Why a push came to no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PushError {
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error("it could not be connected to")]
    Connect(#[source] io::Error),
    #[error("no connection came about within {0:?}")]
    ConnectTimeout(Duration),
    #[error("no answer came within {0:?}")]
    AnswerTimeout(Duration),
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

/// One push: what it sends where.
pub(super) struct Delivery<'a> {
    pub(super) pool: &'a Pool,
    pub(super) letter: &'a Letter,
    pub(super) endpoint: Endpoint,
}

/// A push of which as much is done as could be without waiting.
pub(super) struct Begun {
    started: Instant,
    head: Result<String, Unwritable>,
    /// The warm connection, and how much of the request went out.
    warm: Option<(Connection, usize)>,
}

impl Begun {
    /// How many bytes went out.
    pub(super) fn written(&self) -> usize {
        self.warm.as_ref().map_or(0, |(_, written)| *written)
    }
}

impl Delivery<'_> {
    /// Writes the request to the warm connection, if there is one. Never waits.
    pub(super) fn begin(&self) -> Begun {
        let started = Instant::now();
        let head = Letter::head(&self.endpoint);
        let warm = head.as_ref().ok().and_then(|head| {
            let connection = self.pool.take_idle(address(&self.endpoint))?;
            let written = connection.write_now(self.parts(head));
            Some((connection, written))
        });
        Begun { started, head, warm }
    }

    /// Does the rest; the time that it took does not count what it waited for leave to open a connection.
    pub(super) async fn finish(&self, begun: Begun) -> (Result<Reply, PushError>, Duration) {
        let Begun { started, head, warm } = begun;
        let mut deadline = started + self.endpoint.timeout;
        let head = match head {
            Ok(head) => head,
            Err(error) => return (Err(error.into()), Duration::ZERO),
        };
        let warm = match warm {
            Some(warm) => Some(warm),
            None => self.pool.take(address(&self.endpoint), deadline).await.map(|connection| (connection, 0)),
        };
        if let Some((connection, written)) = warm {
            match self.attempt(connection, &head, written, deadline).await {
                // It was closed while it was idle, and that was seen only now.
                Err(PushError::Exchange(ExchangeError::Unheard)) => {}
                done => return (done, started.elapsed()),
            }
        }
        let asked = Instant::now();
        let permit = self.pool.permit().await;
        let waited = asked.elapsed();
        deadline += waited;
        let done = match Connection::open(address(&self.endpoint), permit, deadline).await {
            Ok(connection) => self.attempt(connection, &head, 0, deadline).await,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                Err(PushError::ConnectTimeout(self.endpoint.timeout))
            }
            Err(error) => Err(PushError::Connect(error)),
        };
        (done, started.elapsed().saturating_sub(waited))
    }

    /// One request on this connection, which goes to the pool if all went well and is closed otherwise.
    async fn attempt(
        &self,
        mut connection: Connection,
        head: &str,
        written: usize,
        deadline: Instant,
    ) -> Result<Reply, PushError> {
        let reply = timeout_at(deadline, connection.exchange(self.parts(head), written)).await;
        let reply = reply.map_err(|_| PushError::AnswerTimeout(self.endpoint.timeout))??;
        if reply.reusable {
            self.pool.put(address(&self.endpoint), connection);
        }
        Ok(reply)
    }

    fn parts<'parts>(&'parts self, head: &'parts str) -> [&'parts [u8]; 3] {
        let [headers, body] = self.letter.rest(self.endpoint.payload);
        [head.as_bytes(), headers, body]
    }
}
