//! One open connection to one target, on which one request at a time is made.
//! Must not know the pool or what is sent.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::answer::{BadAnswer, Reading, Reply};

/// How much is read at once: more than a usual answer has.
const READ_AT_ONCE: usize = 2048;

/// A connection to a target.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// Counts this connection among the open ones until it is dropped.
    _permit: OwnedSemaphorePermit,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    /// Not one byte of an answer came: on a connection that has been idle, the other side may have closed it before.
    #[error("it closed the connection without an answer")]
    Unheard,
    #[error("its answer broke off")]
    BrokeOff(#[source] io::Error),
    #[error(transparent)]
    Bad(#[from] BadAnswer),
}

impl Connection {
    /// Connects to an address; the permit is given back when the connection is dropped, or at once when this fails.
    pub(super) async fn open(address: SocketAddr, permit: OwnedSemaphorePermit, deadline: Instant) -> io::Result<Self> {
        let connecting = timeout_at(deadline, TcpStream::connect(address));
        let stream = connecting.await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, _permit: permit })
    }

    /// Sends as much of a request as the system takes without waiting; says how much that is.
    pub(super) fn write_now(&self, parts: [&[u8]; 3]) -> usize {
        let mut request = Request { parts, sent: 0 };
        while request.sent < request.length() {
            match self.stream.try_write_vectored(&request.left()) {
                Ok(written) if written > 0 => request.sent += written,
                // Whether it is full or broken is found out by `exchange`.
                _ => break,
            }
        }
        request.sent
    }

    /// Sends what is left of a request, given in three parts, and reads the answer.
    ///
    /// An answer that comes before the request is sent whole is the answer.
    pub(super) async fn exchange(&mut self, parts: [&[u8]; 3], sent: usize) -> Result<Reply, ExchangeError> {
        let mut request = Request { parts, sent };
        let mut reading = Reading::default();
        let mut writable = true;
        poll_fn(|cx| {
            // A failed write is not reported: what the other side said before it closed is worth more, and if it said
            // nothing, reading fails too.
            if writable && let Poll::Ready(written) = request.poll_write(&mut self.stream, cx) {
                writable = false;
                request.sent = if written.is_ok() { request.length() } else { request.sent };
            }
            let mut reply = ready!(poll_read(&mut self.stream, &mut reading, cx))?;
            reply.reusable &= request.sent == request.length();
            Poll::Ready(Ok(reply))
        })
        .await
    }

    /// Whether another request can be made: the other side has neither closed nor spoken unasked.
    pub(super) fn is_usable(&self) -> bool {
        let unasked = self.stream.try_read(&mut [0; 1]);
        unasked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn poll_read(
    stream: &mut TcpStream,
    reading: &mut Reading,
    cx: &mut Context<'_>,
) -> Poll<Result<Reply, ExchangeError>> {
    loop {
        let mut space = [0; READ_AT_ONCE];
        let mut buffer = ReadBuf::new(&mut space);
        let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer));
        let closed = read.is_err() || buffer.filled().is_empty();
        if closed && reading.is_empty() {
            return Poll::Ready(Err(ExchangeError::Unheard));
        }
        if let Err(error) = read {
            return Poll::Ready(Err(ExchangeError::BrokeOff(error)));
        }
        if closed {
            return Poll::Ready(reading.close().map_err(Into::into));
        }
        if let Some(reply) = reading.feed(buffer.filled())? {
            return Poll::Ready(Ok(reply));
        }
    }
}

/// A request of which a part may have been sent.
struct Request<'bytes> {
    parts: [&'bytes [u8]; 3],
    sent: usize,
}

impl Request<'_> {
    fn length(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    fn left(&self) -> [IoSlice<'_>; 3] {
        let mut skip = self.sent;
        self.parts.map(|part| {
            let (_, left) = part.split_at(skip.min(part.len()));
            skip = skip.saturating_sub(part.len());
            IoSlice::new(left)
        })
    }

    fn poll_write(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.length() {
            match ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &self.left()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.sent += written,
            }
        }
        Poll::Ready(Ok(()))
    }
}
