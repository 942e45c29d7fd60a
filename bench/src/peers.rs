//! Targets: one thread that listens on one port of all addresses, so that every address of 127.0.0.0/8 is a pod, and
//! acknowledges each push with the version and digest that it carries.
//! Must not verify anything; it costs as little as a target can, so that what is measured is who pushes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A push that was received whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The address that it was sent to.
    pub target: SocketAddr,
    /// The text of the digest that it carried; empty when it carried none.
    pub digest: String,
    /// The number of the version that it carried; zero when it carried none.
    pub version: u64,
    /// How long the body was, in bytes.
    pub length: usize,
    /// When its last byte had been read.
    pub at: Instant,
}

/// The listening thread; ends with the process.
#[derive(Debug)]
pub struct Peers {
    port: u16,
    arrivals: mpsc::Receiver<Arrival>,
}

impl Peers {
    /// Begins to listen on a free port.
    ///
    /// # Errors
    /// When no socket can be had.
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = {
            let _entered = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::UNSPECIFIED, 0).into())?;
            socket.listen(4096).context("listening for the targets")?
        };
        let port = listener.local_addr()?.port();
        let (sender, arrivals) = mpsc::channel();
        std::thread::Builder::new()
            .name("peers".to_owned())
            .spawn(move || runtime.block_on(accept(listener, sender)))?;
        Ok(Self { port, arrivals })
    }

    /// The port on which all targets listen.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the target with this number; numbers below 65,000 have one.
    #[must_use]
    pub fn address(number: usize) -> Ipv4Addr {
        let [.., high, low] = number.to_be_bytes();
        Ipv4Addr::new(127, 77, high, low)
    }

    /// Forgets what has arrived so far, and says how much it was.
    pub fn forget(&self) -> usize {
        self.arrivals.try_iter().count()
    }

    /// Waits until this many pushes that satisfy the condition have arrived; the last one comes last.
    ///
    /// # Errors
    /// When that takes longer than `within`.
    pub fn wait_for(
        &self,
        count: usize,
        within: Duration,
        mut such: impl FnMut(&Arrival) -> bool,
    ) -> Result<Vec<Arrival>> {
        let deadline = Instant::now() + within;
        let mut found = Vec::with_capacity(count);
        while found.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            let arrival = self.arrivals.recv_timeout(left);
            let arrival = arrival.with_context(|| format!("{} of {count} pushes came in {within:?}", found.len()))?;
            if such(&arrival) {
                found.push(arrival);
            }
        }
        Ok(found)
    }
}

async fn accept(listener: TcpListener, arrivals: mpsc::Sender<Arrival>) {
    let local = tokio::task::LocalSet::new();
    let accepting = async {
        // An error here means that no more files can be opened: whoever waits for the arrivals will say so.
        while let Ok((stream, _)) = listener.accept().await {
            let arrivals = arrivals.clone();
            // A connection ends when its client goes; nothing is to be learned from how.
            tokio::task::spawn_local(async move { serve(stream, &arrivals).await.ok() });
        }
    };
    local.run_until(accepting).await;
}

async fn serve(mut stream: TcpStream, arrivals: &mpsc::Sender<Arrival>) -> Result<()> {
    stream.set_nodelay(true)?;
    let target = stream.local_addr()?;
    let mut buffer = Vec::with_capacity(8 << 10);
    loop {
        let Some(Received { head, length }) = receive(&mut stream, &mut buffer).await? else { return Ok(()) };
        let at = Instant::now();
        let body = buffer.get(head..head + length).unwrap_or_default();
        // The contract puts both before the documents.
        let front = body.get(..body.len().min(512)).unwrap_or_default();
        let digest = String::from_utf8_lossy(field(front, b"\"digest\":\"", b'"')).into_owned();
        let version = String::from_utf8_lossy(field(front, b"\"version\":", b',')).parse().unwrap_or_default();
        let answer = format!("{{\"running\":{{\"version\":{version},\"digest\":\"{digest}\"}}}}");
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(answer.as_bytes()).await?;
        buffer.drain(..head + length);
        let gone = arrivals.send(Arrival { target, digest, version, length, at }).is_err();
        if gone {
            return Ok(());
        }
    }
}

struct Received {
    /// The length of the head.
    head: usize,
    /// The length of the body.
    length: usize,
}

/// Reads until the buffer begins with a whole request; none when the client has gone.
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<Option<Received>> {
    let mut searched = 0;
    let head = loop {
        if let Some(end) = find(buffer.get(searched..).unwrap_or_default(), b"\r\n\r\n") {
            break searched + end + 4;
        }
        searched = buffer.len().saturating_sub(3);
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let length = content_length(buffer.get(..head).unwrap_or_default());
    while buffer.len() < head + length {
        buffer.reserve(head + length - buffer.len());
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Received { head, length }))
}

fn content_length(head: &[u8]) -> usize {
    let lines = head.split(|byte| *byte == b'\n');
    let mut values = lines.filter_map(|line| {
        let (name, value) = line.split_at_checked(b"content-length:".len())?;
        name.eq_ignore_ascii_case(b"content-length:").then_some(value)
    });
    values.next().and_then(|value| std::str::from_utf8(value).ok()?.trim().parse().ok()).unwrap_or_default()
}

/// What stands between the first occurrence of `begin` and the next `end`.
fn field<'text>(text: &'text [u8], begin: &[u8], end: u8) -> &'text [u8] {
    let rest = find(text, begin).and_then(|at| text.get(at + begin.len()..)).unwrap_or_default();
    rest.split(|byte| *byte == end).next().unwrap_or_default()
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_lengths_are_found() {
        assert_eq!(content_length(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n"), 12);
        assert_eq!(content_length(b"POST / HTTP/1.1\r\n\r\n"), 0);
        let body = br#"{"policy":"a/b","version":8,"digest":"sha256:ab","epoch":3}"#;
        assert_eq!(field(body, b"\"version\":", b','), b"8");
        assert_eq!(field(body, b"\"digest\":\"", b'"'), b"sha256:ab");
        assert_eq!(field(b"{}", b"\"digest\":\"", b'"'), b"");
    }
}
