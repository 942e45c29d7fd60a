//! Peers for tests: a listener whose connections are each handled by a function on a thread of its own.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::digest;

/// A peer and what happened to it.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    accepted: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Peer {
    /// Hands each connection, with its number beginning with 0, to the function, and closes it when that is done.
    pub(super) fn listening(address: &str, handle: impl Fn(&mut Wire, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let (shared, handle) = (Arc::clone(&seen), Arc::new(handle));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (seen, handle) = (Arc::clone(&shared), Arc::clone(&handle));
                let number = seen.accepted.fetch_add(1, Ordering::SeqCst);
                seen.open.fetch_add(1, Ordering::SeqCst);
                let mut wire = Wire { stream: stream.unwrap(), seen };
                std::thread::spawn(move || {
                    handle(&mut wire, number);
                    // Before the close, so that whoever learns of that finds it counted.
                    wire.seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen }
    }

    /// Acknowledges every request.
    pub(super) fn acknowledging() -> Self {
        Self::listening("127.0.0.1:0", |wire, _| wire.acknowledge_all())
    }

    /// Answers every request with this.
    pub(super) fn answering(status: &'static str, body: &'static str) -> Self {
        Self::listening("127.0.0.1:0", move |wire, _| {
            while wire.request() {
                wire.answer(status, body);
            }
        })
    }

    /// How many connections were accepted so far.
    pub(super) fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }

    /// The requests so far, as text.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

/// The peer's end of a connection.
pub(super) struct Wire {
    stream: TcpStream,
    seen: Arc<Seen>,
}

impl Wire {
    /// Reads one request and keeps it; false when the other side has closed.
    pub(super) fn request(&mut self) -> bool {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(1) => request.push(byte[0]),
                _ => return false,
            }
        }
        let head = String::from_utf8(request.clone()).unwrap();
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        if self.stream.read_exact(&mut body).is_err() {
            return false;
        }
        request.extend(body);
        self.seen.requests.lock().unwrap().push(String::from_utf8(request).unwrap());
        true
    }

    /// Reads up to the end of a request's head. What follows it stays unread, so closing then resets the connection.
    pub(super) fn head(&mut self) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
    }

    /// Writes; that the other side has gone is no matter.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(super) fn answer(&mut self, status: &str, body: &str) {
        self.write(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(super) fn acknowledge(&mut self) {
        self.answer("200 OK", &acknowledgment());
    }

    pub(super) fn acknowledge_all(&mut self) {
        while self.request() {
            self.acknowledge();
        }
    }

    /// Reads until the other side closes.
    pub(super) fn until_closed(&mut self) {
        let mut space = [0; 65536];
        while self.stream.read(&mut space).is_ok_and(|count| count > 0) {}
    }

    /// Reads so many bytes after each pause.
    pub(super) fn read_slowly(&mut self, count: usize, pause: Duration) -> bool {
        std::thread::sleep(pause);
        self.stream.read_exact(&mut vec![0; count]).is_ok()
    }

    pub(super) fn close_writing(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

/// The body of an ack of the digest that tests push.
pub(super) fn acknowledgment() -> String {
    format!("{{\"running\":{{\"version\":1,\"digest\":\"{}\"}}}}", digest())
}
