//! Waits until an object is as expected, and says when that was seen: by a bare watch, as any program would see it.
//! Must not know what the objects mean.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use kube::api::{Api, DynamicObject, WatchEvent, WatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use tokio::time::timeout;

use crate::cluster::NAMESPACE;

/// An object and the moment at which the API server announced it.
pub struct Seen {
    /// When.
    pub at: Instant,
    /// What.
    pub object: DynamicObject,
}

/// The objects of a kind in the demo's namespace; the group is empty for those of Kubernetes itself.
pub fn objects(client: &Client, group: &str, kind: &str) -> Api<DynamicObject> {
    let version = if group.is_empty() { "v1" } else { "v1alpha1" };
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::namespaced_with(client.clone(), NAMESPACE, &resource)
}

/// Waits until the object exists and the test holds.
pub async fn until(
    api: &Api<DynamicObject>,
    name: &str,
    limit: Duration,
    mut holds: impl FnMut(&DynamicObject) -> bool,
) -> Result<Seen> {
    let mut last = None;
    let waited = timeout(
        limit,
        follow(api, name, |object| {
            last = Some(object.data.clone());
            holds(object)
        }),
    )
    .await;
    match waited {
        Ok(seen) => seen,
        Err(_) => {
            let shown = last.as_ref().and_then(|data| data.get("status")).map(|status| format!("{status:#}"));
            bail!(
                "{name} is not as expected after {} s: {}",
                limit.as_secs(),
                shown.unwrap_or_else(|| "it does not exist".to_owned())
            )
        }
    }
}

async fn follow(api: &Api<DynamicObject>, name: &str, mut holds: impl FnMut(&DynamicObject) -> bool) -> Result<Seen> {
    let params = WatchParams::default().fields(&format!("metadata.name={name}"));
    let mut version = "0".to_owned();
    loop {
        // A version of 0 begins with what there is.
        let events = api.watch(&params, &version).await.with_context(|| format!("watch {name}"))?;
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.try_next().await.with_context(|| format!("watch {name}"))? {
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.resource_version().unwrap_or_default();
                    if holds(&object) {
                        return Ok(Seen { at: Instant::now(), object });
                    }
                }
                WatchEvent::Error(status) => bail!("watch {name}: {}", status.message),
                WatchEvent::Deleted(_) | WatchEvent::Bookmark(_) => {}
            }
        }
    }
}
