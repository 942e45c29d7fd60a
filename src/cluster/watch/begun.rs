//! Notices that a watch has begun: the watcher itself says nothing before the first event, which may be hours away.
//! Must not look at what comes.

use std::sync::Arc;

use http::{Request, Uri};
use kube::Client;
use kube::client::Body;
use tokio::sync::Notify;

/// A client that rings when the API server has agreed to a watch.
pub(super) fn noticing(client: Client, begun: Arc<Notify>) -> Client {
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, begun) = (client.clone(), begun.clone());
        async move {
            let watches = is_watch(request.uri());
            let answer = client.send(request).await;
            if watches && answer.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                begun.notify_one();
            }
            answer
        }
    });
    // Requests name their namespaces themselves.
    Client::new(service, "default")
}

fn is_watch(uri: &Uri) -> bool {
    uri.query().unwrap_or_default().split('&').any(|pair| pair == "watch=true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_told_from_a_list() {
        assert!(is_watch(&Uri::from_static("/api/v1/pods?&watch=true&resourceVersion=1")));
        assert!(!is_watch(&Uri::from_static("/api/v1/pods?&limit=100&labelSelector=watch%3Dtrue")));
        assert!(!is_watch(&Uri::from_static("/api/v1/pods")));
    }
}
