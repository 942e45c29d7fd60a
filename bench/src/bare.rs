//! The bare fan-out: blocking sockets, all requests written before the first answer is read, in one thread.
//! Must not check, retry or time anything: it is the least that a program can do.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Warm connections to targets.
#[derive(Debug)]
pub struct BareFanout {
    streams: Vec<TcpStream>,
    request: Vec<u8>,
}

impl BareFanout {
    /// Connects to all targets.
    ///
    /// # Errors
    /// When one cannot be connected to.
    pub fn connect(targets: impl IntoIterator<Item = SocketAddr>) -> Result<Self> {
        let streams = targets.into_iter().map(|target| {
            let stream = TcpStream::connect(target).with_context(|| format!("connecting to {target}"))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(10)))?;
            Ok(stream)
        });
        Ok(Self { streams: streams.collect::<Result<_>>()?, request: Vec::new() })
    }

    /// Posts the body to every target and reads every answer.
    ///
    /// # Errors
    /// When a target is gone or answers anything but 200.
    pub fn post(&mut self, path: &str, body: &[u8]) -> Result<()> {
        self.request.clear();
        write!(self.request, "POST {path} HTTP/1.1\r\nhost: target\r\ncontent-length: {}\r\n\r\n", body.len())?;
        self.request.extend_from_slice(body);
        for stream in &mut self.streams {
            stream.write_all(&self.request)?;
        }
        let mut answer = [0; 1024];
        for stream in &mut self.streams {
            read_answer(stream, &mut answer)?;
        }
        Ok(())
    }
}

fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let count = stream.read(buffer.get_mut(filled..).unwrap_or_default())?;
        if count == 0 {
            bail!("a target closed its connection, or its answer is too long");
        }
        filled += count;
        // An answer ends with its JSON's last brace: three of them only at the very end.
        let text = buffer.get(..filled).unwrap_or_default();
        if text.ends_with(b"}}") {
            return if text.starts_with(b"HTTP/1.1 200") { Ok(()) } else { bail!("a target did not answer 200") };
        }
    }
}
