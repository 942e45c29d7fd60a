//! The Lease by which a leader is found: read, watched, and written only on the state that was seen.
//! Must not decide who leads, and must not repeat a write.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::runtime::watcher::{self, Event, watcher};
use rekindle_api::names;
use rekindle_core::election::{Claim, LONGEST_LEASE, Lease, Purpose, SHORTEST_LEASE, Sighting};
use rekindle_core::ids::{Namespace, ObjectName};
use rekindle_core::time::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::errors::Asked;
use super::requests::{Requests, of_kind};
use crate::convert::micro_time_of;
use crate::ports::ClusterError;

const RESOURCE: &str = "leases.coordination.k8s.io";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The server ends a watch after so many seconds; a watch that is deaf is noticed by then at the latest.
const WATCH_SECONDS: u32 = 60;
/// The pause after a watch failed: whoever waits for the Lease reads it now and then as well.
const WATCH_AGAIN: Duration = Duration::from_secs(1);

/// The Lease of one name.
pub struct KubeLease {
    requests: Requests,
    namespace: Namespace,
    name: ObjectName,
    /// The newest state that is known, to be written back with what is changed in it.
    newest: Option<Object>,
    changes: mpsc::Receiver<Change>,
    _watching: JoinSet<()>,
}

enum Change {
    There(Object),
    Gone(Object),
}

impl KubeLease {
    /// Begins to watch it. Whoever holds it is still to be read.
    #[must_use]
    pub fn watch(client: kube::Client, namespace: Namespace, name: ObjectName) -> Self {
        let api = Api::namespaced(client.clone(), namespace.as_str());
        let (sender, changes) = mpsc::channel(16);
        let mut watching = JoinSet::new();
        watching.spawn(follow(api, name.clone(), sender));
        Self { requests: Requests::new(client), namespace, name, newest: None, changes, _watching: watching }
    }

    /// Waits until the watch tells of something.
    pub async fn changed(&mut self) -> Sighting {
        match self.changes.recv().await {
            Some(Change::There(object)) => Sighting::There(self.keep(object)),
            Some(Change::Gone(object)) => Sighting::Absent(Some(revision(&object))),
            // The watch ends with this.
            None => std::future::pending().await,
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// The API server did not answer within this time, or refuses.
    pub async fn read(&mut self, within: Duration) -> Result<Sighting, ClusterError> {
        let asked = self.asked("get");
        let kind = of_kind::<Object>(&self.namespace);
        let reading = self.requests.get(&asked, &kind, self.name.as_str());
        match in_time(&asked, within, reading).await {
            Ok(object) => Ok(Sighting::There(self.keep(object))),
            Err(ClusterError::Missing { .. }) => Ok(Sighting::Absent(None)),
            Err(error) => Err(error),
        }
    }

    /// Carries out a claim; the clock's time is for people to read.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] when it is at another revision by now, and as for [`Self::read`].
    pub async fn write(&mut self, claim: &Claim, clock: Timestamp, within: Duration) -> Result<Lease, ClusterError> {
        let kind = of_kind::<Object>(&self.namespace);
        let object = match (claim.replaces, &self.newest) {
            (None, _) => {
                let asked = self.asked("create");
                let object = claimed(self.new_object(), claim, clock);
                let creating = self.requests.create_whole(&asked, &kind, &object);
                match in_time(&asked, within, creating).await {
                    Err(ClusterError::Exists { what }) => return Err(ClusterError::Conflict { what }),
                    result => result?,
                }
            }
            (Some(seen), Some(newest)) if revision(newest) == seen => {
                let asked = self.asked("update");
                let object = claimed(newest.clone(), claim, clock);
                let replacing = self.requests.replace(&asked, &kind, (self.name.as_str(), &object));
                match in_time(&asked, within, replacing).await {
                    // It was deleted: that too is another state than the one that was seen.
                    Err(ClusterError::Missing { what }) => return Err(ClusterError::Conflict { what }),
                    result => result?,
                }
            }
            (Some(_), _) => return Err(ClusterError::Conflict { what: self.asked("update").what }),
        };
        Ok(self.keep(object))
    }

    /// Remembers the object, unless a newer state is known, and says what it means.
    fn keep(&mut self, object: Object) -> Lease {
        let lease = lease(&object);
        if self.newest.as_ref().is_none_or(|newest| revision(newest) <= lease.revision) {
            self.newest = Some(object);
        }
        lease
    }

    fn new_object(&self) -> Object {
        let metadata = ObjectMeta {
            name: Some(self.name.to_string()),
            namespace: Some(self.namespace.to_string()),
            labels: Some([(MANAGED_BY.to_owned(), names::FIELD_MANAGER.to_owned())].into()),
            ..Default::default()
        };
        Object { metadata, spec: None }
    }

    fn asked(&self, verb: &'static str) -> Asked {
        Asked { verb, resource: RESOURCE, what: format!("the Lease {}/{}", self.namespace, self.name) }
    }
}

async fn in_time<T>(
    asked: &Asked,
    within: Duration,
    request: impl Future<Output = Result<T, ClusterError>>,
) -> Result<T, ClusterError> {
    match tokio::time::timeout(within, request).await {
        Ok(result) => result,
        Err(_) => Err(asked.unavailable(format!("it gave no answer within {within:?}"))),
    }
}

/// The object as the claim wants it. It keeps its uid, so that a write never creates what was deleted meanwhile.
fn claimed(object: Object, claim: &Claim, clock: Timestamp) -> Object {
    let now = Some(micro_time_of(clock));
    let before = object.spec.unwrap_or_default();
    let seconds = i32::try_from(claim.duration.as_secs()).unwrap_or(i32::MAX);
    let spec = LeaseSpec {
        acquire_time: if claim.purpose == Purpose::Acquire { now.clone() } else { before.acquire_time.or(now.clone()) },
        holder_identity: claim.holder.clone(),
        lease_duration_seconds: Some(seconds),
        lease_transitions: Some(i32::try_from(claim.transitions).unwrap_or(i32::MAX)),
        renew_time: now,
        ..before
    };
    Object { spec: Some(spec), ..object }
}

fn revision(object: &Object) -> u64 {
    object.metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// What the object says; numbers that make no sense count as the nearest that do.
fn lease(object: &Object) -> Lease {
    let spec = object.spec.clone().unwrap_or_default();
    let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or(0)).unwrap_or(0);
    Lease {
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        renewed: spec.renew_time.map(|time| time.0.to_string()).unwrap_or_default(),
        duration: Duration::from_secs(seconds).clamp(SHORTEST_LEASE, LONGEST_LEASE),
        transitions: u32::try_from(spec.lease_transitions.unwrap_or(0)).unwrap_or(0),
        revision: revision(object),
    }
}

/// Watches until nobody listens any more.
async fn follow(api: Api<Object>, name: ObjectName, changes: mpsc::Sender<Change>) {
    let config = watcher::Config::default().fields(&format!("metadata.name={name}")).timeout(WATCH_SECONDS);
    let mut events = std::pin::pin!(watcher(api, config));
    while let Some(event) = events.next().await {
        let change = match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => Change::There(object),
            Ok(Event::Delete(object)) => Change::Gone(object),
            Ok(Event::Init | Event::InitDone) => continue,
            // What is wrong with the API server is told by whoever reads the Lease.
            Err(_) => {
                tokio::time::sleep(WATCH_AGAIN).await;
                continue;
            }
        };
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_changes_what_it_names_and_keeps_the_rest() {
        let mut object = Object::default();
        object.metadata.uid = Some("u".to_owned());
        object.spec = Some(LeaseSpec { strategy: Some("kept".to_owned()), ..Default::default() });
        let claim = Claim {
            purpose: Purpose::Acquire,
            holder: Some("me".to_owned()),
            duration: Duration::from_secs(15),
            transitions: 4,
            replaces: Some(1),
        };
        let acquired = claimed(object, &claim, Timestamp(1_000));
        let release = Claim { purpose: Purpose::Release, holder: None, ..claim };
        let released = claimed(acquired.clone(), &release, Timestamp(2_000));
        let (before, after) = (acquired.spec.clone().unwrap(), released.spec.clone().unwrap());
        assert_eq!(before.strategy.as_deref(), Some("kept"));
        assert_eq!((after.acquire_time, after.lease_transitions), (before.acquire_time, Some(4)));
        assert_eq!((lease(&released).holder, released.metadata.uid.as_deref()), (None, Some("u")));
        assert_ne!(lease(&released).renewed, lease(&acquired).renewed);
    }

    #[test]
    fn numbers_that_make_no_sense_count_as_the_nearest_that_do() {
        let spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(-3),
            lease_transitions: Some(-1),
            ..Default::default()
        };
        let read = lease(&Object { spec: Some(spec), ..Default::default() });
        assert_eq!((read.holder, read.duration, read.transitions), (None, SHORTEST_LEASE, 0));
    }
}
