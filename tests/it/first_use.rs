//! What the first user meets: nothing is there yet, and pods cannot start before what they mount is.

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams};
use rekindle_testplane::FakePod;

use crate::support::scene::{Scene, policy};

#[tokio::test(flavor = "multi_thread")]
async fn the_push_key_is_made_before_there_is_a_pod_to_push_to() -> Result<()> {
    let mut scene = Scene::empty("first-key").await?;
    let secrets = scene.api::<Secret>();
    secrets.delete("rekindle-push-key", &DeleteParams::default()).await?;
    scene.apply(&policy()).await?;
    scene.edit("pool: 10\n").await?;
    scene.start_operator().await?;
    scene
        .until("there is a push key of 32 bytes", async || {
            let data = secrets.get_opt("rekindle-push-key").await?.and_then(|secret| secret.data);
            Ok(data.and_then(|mut data| data.remove("current")).is_some_and(|key| key.0.len() == 32))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_version_is_told_as_an_event_of_the_policy() -> Result<()> {
    let mut scene = Scene::empty("first-event").await?;
    scene.apply(&policy()).await?;
    scene.edit("pool: 10\n").await?;
    // A pod of another application, which is no target.
    scene.namespace.fake_pod(FakePod::named("other-0")).await?;
    scene.start_operator().await?;
    let events = scene.api::<Event>();
    scene
        .until("an event says that version 1 is active", async || {
            let found = events.list(&ListParams::default()).await?.items;
            let tells = |event: &Event| event.note.as_deref().is_some_and(|note| note.contains("version 1"));
            let regards =
                |event: &Event| event.regarding.as_ref().and_then(|it| it.name.as_deref()) == Some("checkout");
            Ok(found.iter().any(|event| tells(event) && regards(event)))
        })
        .await
}
