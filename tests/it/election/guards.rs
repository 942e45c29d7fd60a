//! What the API server itself refuses when two act on what they saw: the Lease, and the statuses of a leader that was
//! deposed. Must not start an operator.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::DeleteParams;
use rekindle::cluster::KubeLease;
use rekindle::ports::{Cluster as _, ClusterError};
use rekindle_core::election::{Claim, Purpose, Sighting};
use rekindle_core::ids::{Namespace, ObjectName, PolicyId};
use rekindle_core::time::Timestamp;
use serde_json::json;

use crate::cluster::{ROLE, cluster};
use crate::support::{namespace, plane};

const SOON: Duration = Duration::from_secs(30);
const NAME: &str = "rekindle-operator";

fn claim(holder: &str, transitions: u32, replaces: Option<u64>) -> Claim {
    let duration = Duration::from_secs(15);
    Claim { purpose: Purpose::Acquire, holder: Some(holder.to_owned()), duration, transitions, replaces }
}

fn is_conflict<T>(result: &Result<T, ClusterError>) -> bool {
    matches!(result, Err(ClusterError::Conflict { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_write_the_lease_on_the_same_state_one_is_refused() -> Result<()> {
    let place = namespace("lease").await?;
    let role = include_str!("../../../deploy/role.yaml");
    let access = plane().await?.service_account(place.name(), "operator", role).await?;
    let watch =
        || anyhow::Ok(KubeLease::watch(access.client()?, Namespace::parse(place.name())?, ObjectName::parse(NAME)?));
    let (mut first, mut second) = (watch()?, watch()?);
    let now = Timestamp(1_764_140_000_000);
    ensure!(first.read(SOON).await? == Sighting::Absent(None), "there is none");
    let created = first.write(&claim("first", 4, None), now, SOON).await?;
    ensure!((created.holder.as_deref(), created.transitions) == (Some("first"), 4), "{created:?}");
    ensure!(is_conflict(&second.write(&claim("second", 4, None), now, SOON).await), "it was created twice");

    // Both see it; only the faster one gets it.
    ensure!(second.read(SOON).await? == Sighting::There(created.clone()), "both see the same");
    let taken = second.write(&claim("second", 5, Some(created.revision)), now, SOON).await?;
    let late = first.write(&claim("first", 5, Some(created.revision)), now, SOON).await;
    ensure!(is_conflict(&late), "a write on an older state was carried out: {late:?}");
    let told = async {
        loop {
            if first.changed().await == Sighting::There(taken.clone()) {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, told).await.context("the watch tells the loser")?;

    // What was deleted is not created by a renewal: its holder has to learn that it is gone.
    place.api::<Lease>().delete(NAME, &DeleteParams::default()).await?;
    ensure!(is_conflict(&second.write(&claim("second", 5, Some(taken.revision)), now, SOON).await), "it came back");
    ensure!(second.read(SOON).await? == Sighting::Absent(None), "it is gone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_of_a_deposed_leader_is_not_written_over_that_of_the_next() -> Result<()> {
    let place = namespace("deposed").await?;
    let policy = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": "checkout"},
        "spec": {"sources": [{"configMap": {"name": "checkout-config"}}]},
    });
    place.apply(&policy.to_string()).await?;
    let (deposed, next) = (cluster(&place, ROLE).await?, cluster(&place, ROLE).await?);
    let id = PolicyId { namespace: Namespace::parse(place.name())?, name: ObjectName::parse("checkout")? };
    deposed.show_unusable(&id, 1, "what the first one said").await?;
    next.show_unusable(&id, 1, "what the next one said").await?;
    let late = deposed.show_unusable(&id, 1, "what the first one says late").await;
    ensure!(is_conflict(&late), "it was written: {late:?}");
    let shown = serde_json::to_string(&place.api::<rekindle_api::ReloadPolicy>().get("checkout").await?)?;
    ensure!(shown.contains("what the next one said"), "{shown}");
    Ok(())
}
