//! Pushes as the operator makes them, over real HTTP.
//! Must not know which receiver it talks to.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rekindle_client::{
    DEFAULT_PATH, Digest, DocumentName, Documents, Namespace, ObjectName, PolicyId, PushKey, Reason,
};
use rekindle_client::{SIGNATURE_HEADER, VersionNumber};
use rekindle_core::contract::body::Body;
use rekindle_core::contract::signature::sign;
use rekindle_core::ids::Epoch;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The key that the receivers under test are given.
pub const KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

/// The version that a policy `shop/checkout` would push.
pub fn body(epoch: u64, version: u64, documents: &[(&str, &[u8])]) -> Body {
    let entries =
        documents.iter().map(|(name, content)| (DocumentName::parse(*name).unwrap(), content.to_vec().into()));
    let documents = Documents::from_ordered(entries.collect()).unwrap();
    Body {
        policy: PolicyId { namespace: Namespace::parse("shop").unwrap(), name: ObjectName::parse("checkout").unwrap() },
        version: VersionNumber(version),
        digest: Digest::of(&documents),
        epoch: Epoch(epoch),
        reason: Reason::Edit,
        changed: Vec::new(),
        documents,
    }
}

/// Signs with this key and sends.
pub async fn push_with(key: [u8; 32], to: SocketAddr, body: &Body) -> (u16, Value) {
    let bytes = body.encode().unwrap();
    let signature = sign(&PushKey::new(&key).unwrap(), now(), &bytes);
    post(to, &signature, bytes).await
}

/// Signs as the operator would and sends.
pub async fn push(to: SocketAddr, body: &Body) -> (u16, Value) {
    push_with(KEY, to, body).await
}

/// Sends these bytes under this signature.
pub async fn post(to: SocketAddr, signature: &str, body: Bytes) -> (u16, Value) {
    let request = Request::post(DEFAULT_PATH).header(SIGNATURE_HEADER, signature);
    answer(to, request.body(Full::new(body)).unwrap()).await
}

/// Announces a body of this many bytes without sending one, and gives the status line of the answer.
pub async fn announce(to: SocketAddr, bytes: usize) -> String {
    let head = format!(
        "POST {DEFAULT_PATH} HTTP/1.1\r\nHost: {to}\r\n{SIGNATURE_HEADER}: t=1,v1=00\r\nContent-Length: {bytes}\r\n\r\n"
    );
    let exchange = async {
        let mut stream = BufReader::new(TcpStream::connect(to).await.unwrap());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        line
    };
    timeout(Duration::from_secs(30), exchange).await.unwrap_or_else(|_| panic!("{to} did not answer"))
}

/// Asks for a path.
pub async fn get(from: SocketAddr, path: &str) -> (u16, Value) {
    answer(from, Request::get(path).body(Full::default()).unwrap()).await
}

/// Seconds since 1970.
pub fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

async fn answer(to: SocketAddr, mut request: Request<Full<Bytes>>) -> (u16, Value) {
    request.headers_mut().insert("host", to.to_string().parse().unwrap());
    let exchange = async {
        let stream = TokioIo::new(TcpStream::connect(to).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        connection.abort();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into())),
        )
    };
    timeout(Duration::from_secs(30), exchange).await.unwrap_or_else(|_| panic!("{to} did not answer"))
}
