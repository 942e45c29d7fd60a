//! Asking a program for a page: each time on a connection of its own, so that nothing that fails is tried again unseen.
//! Must not know what the answers mean.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take, from the connection to the last byte.
const LIMIT: Duration = Duration::from_secs(5);

/// The status and the text of a page.
///
/// # Errors
/// If no whole answer has come within five seconds.
pub async fn get(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let answer = timeout(LIMIT, exchange(address, path)).await.context("no answer in time").flatten();
    answer.with_context(|| format!("ask {address}{path}"))
}

/// The text of a page.
///
/// # Errors
/// As [`get`], and if the status is not 200.
pub async fn get_ok(address: SocketAddr, path: &str) -> Result<String> {
    let (status, text) = get(address, path).await?;
    ensure!(status == 200, "{address}{path} answers {status}");
    Ok(text)
}

async fn exchange(address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let request = Request::get(path)
        .header("host", address.to_string())
        .header("connection", "close")
        .body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    Ok((status, String::from_utf8(answer.into_body().collect().await?.to_bytes().to_vec())?))
}
