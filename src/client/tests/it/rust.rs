//! The receiver of this crate, behind plain hyper and behind axum.

use std::convert::Infallible;
use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rekindle_client::{Keys, PushKey, PushKeys, Receiver, Refusal, Update};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::contract;
use crate::push::KEY;

async fn apply(update: Update) -> Result<(), Refusal> {
    let settings = update.bytes("app.json").map(serde_json::from_slice::<Value>);
    match settings {
        Some(Ok(settings)) if settings["pool"].as_u64().is_none_or(|pool| pool > 50) => {
            Err(Refusal::new("app.json: pool must be a whole number up to 50"))
        }
        Some(Err(_)) => Err(Refusal::new("app.json is not JSON")),
        _ => Ok(()),
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn keys() -> Keys {
    Keys::fixed(PushKeys { current: PushKey::new(&KEY).unwrap(), previous: None })
}

#[tokio::test]
async fn the_receiver_in_plain_hyper_speaks_the_contract() {
    let receiver = Receiver::builder(keys()).build(apply);
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = receiver.clone();
            let service = service_fn(move |request| {
                let receiver = receiver.clone();
                async move { Ok::<_, Infallible>(receiver.handle(request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    contract::is_spoken_by(address).await;
    server.abort();
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn the_receiver_in_axum_speaks_the_contract_and_leaves_other_paths_to_the_application() {
    use axum::routing::get;
    use rekindle_client::DEFAULT_PATH;

    let receiver = Receiver::builder(keys()).build(apply);
    let (listener, address) = listen().await;
    let router = axum::Router::new().route("/", get(|| async { "\"mine\"" })).merge(receiver.router(DEFAULT_PATH));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    contract::is_spoken_by(address).await;
    assert_eq!(crate::push::get(address, "/").await, (200, Value::from("mine")));
    assert_eq!(crate::push::get(address, "/rekindle").await.0, 404);
    server.abort();
}
