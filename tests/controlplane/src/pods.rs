//! Pods without a node: created like any other, with the status that a kubelet would report written by us.
//!
//! A pod's address is in 127.0.0.0/8, and no two pods of a machine have the same one, whichever process made them:
//! whoever listens on it, or on 0.0.0.0, answers for the pod. The operator refuses such addresses unless it is told
//! otherwise.

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::namespace::named;

const CONTAINER: &str = "app";
const IMAGE: &str = "example.invalid/app:1";

/// A loopback address that no other pod has, in this process or another.
///
/// Caveat: beyond 89 processes at the same time, and 64,000 addresses of one, addresses are given again.
pub fn next_loopback() -> Ipv4Addr {
    static RANGE: LazyLock<Range> = LazyLock::new(Range::claim);
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Last byte 1 to 250.
    let (rest, host) = (number / 250 % 256, number % 250 + 1);
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, RANGE.second, 0, 0)) + (rest << 8) + host)
}

/// The addresses that begin with 127 and this byte: they are this process's as long as it lives.
struct Range {
    second: u8,
    /// Bound to an address that no pod gets: nobody else can bind it, and it is free again however the process ends.
    _claim: Option<UdpSocket>,
}

impl Range {
    /// From 127.1.0.0 on, so that 127.0.0.1 and its neighbors stay what they are.
    fn claim() -> Self {
        const PORT: u16 = 6443;
        let free = (1..90).find_map(|second| {
            let claim = UdpSocket::bind((Ipv4Addr::new(127, second, 255, 254), PORT)).ok()?;
            Some(Self { second, _claim: Some(claim) })
        });
        free.unwrap_or(Self { second: 90, _claim: None })
    }
}

/// A pod to be created.
#[derive(Debug, Clone)]
pub struct FakePod {
    /// What is created; for anything that has no method here.
    pub manifest: Pod,
    ready: bool,
    address: Option<Ipv4Addr>,
}

impl FakePod {
    /// A pod with one container and no ports, Ready, on a node of the name `node`.
    pub fn named(name: &str) -> Self {
        let spec = PodSpec {
            containers: vec![container()],
            node_name: Some("node".to_owned()),
            automount_service_account_token: Some(false),
            ..Default::default()
        };
        let manifest = Pod { metadata: named(name), spec: Some(spec), status: None };
        Self { manifest, ready: true, address: None }
    }

    /// Sets a label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.manifest.metadata.labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }

    /// Sets an annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.manifest.metadata.annotations.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        self
    }

    /// Declares a TCP port of the container.
    #[must_use]
    pub fn port(mut self, name: &str, number: u16) -> Self {
        let port =
            ContainerPort { name: Some(name.to_owned()), container_port: i32::from(number), ..Default::default() };
        let containers = &mut self.spec().containers;
        match containers.first_mut() {
            Some(first) => first.ports.get_or_insert_default().push(port),
            None => containers.push(Container { ports: Some(vec![port]), ..container() }),
        }
        self
    }

    /// On a node of another name.
    #[must_use]
    pub fn node(mut self, name: &str) -> Self {
        self.spec().node_name = Some(name.to_owned());
        self
    }

    /// In its node's network namespace.
    #[must_use]
    pub fn host_network(mut self) -> Self {
        self.spec().host_network = Some(true);
        self
    }

    /// Adds an owner, such as a ReplicaSet.
    #[must_use]
    pub fn owned_by(mut self, owner: OwnerReference) -> Self {
        self.manifest.metadata.owner_references.get_or_insert_default().push(owner);
        self
    }

    /// An address other than the next free one.
    #[must_use]
    pub fn address(mut self, address: Ipv4Addr) -> Self {
        self.address = Some(address);
        self
    }

    /// Running, but not Ready.
    #[must_use]
    pub fn not_ready(mut self) -> Self {
        self.ready = false;
        self
    }

    fn spec(&mut self) -> &mut PodSpec {
        self.manifest.spec.get_or_insert_default()
    }

    pub(crate) async fn start(self, api: Api<Pod>) -> Result<RunningPod> {
        let name = self.manifest.metadata.name.clone().context("create a pod without a name")?;
        let created =
            api.create(&PostParams::default(), &self.manifest).await.with_context(|| format!("create pod {name}"))?;
        let uid = created.metadata.uid.context("create a pod without a UID")?;
        let address = self.address.unwrap_or_else(next_loopback);
        let now = Timestamp::now();
        let mut pod =
            RunningPod { api, name, uid, address, ready: self.ready, restarts: 0, created: now, started: now };
        pod.report().await?;
        Ok(pod)
    }
}

fn container() -> Container {
    Container { name: CONTAINER.to_owned(), image: Some(IMAGE.to_owned()), ..Default::default() }
}

/// A pod that was created, with the means to let things happen to it.
#[derive(Clone)]
pub struct RunningPod {
    api: Api<Pod>,
    name: String,
    uid: String,
    address: Ipv4Addr,
    ready: bool,
    restarts: u32,
    created: Timestamp,
    started: Timestamp,
}

impl RunningPod {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The UID that the API server gave it.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Its `podIP`, on which one can really listen.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The pod as the API server has it.
    pub async fn get(&self) -> Result<Pod> {
        self.api.get(&self.name).await.with_context(|| format!("read pod {}", self.name))
    }

    /// The container ended and was started again: one restart more, a new start time, Ready as before.
    pub async fn restart(&mut self) -> Result<()> {
        self.restarts += 1;
        // The API server keeps whole seconds, and a start time must differ from the one before.
        let earliest = self.started.as_second() + 1;
        self.started = Timestamp::from_second(Timestamp::now().as_second().max(earliest)).context("read the clock")?;
        self.report().await
    }

    /// The readiness probe began to pass or to fail.
    pub async fn set_ready(&mut self, ready: bool) -> Result<()> {
        self.ready = ready;
        self.report().await
    }

    /// Adds, changes or (with `None`) removes an annotation.
    pub async fn annotate(&self, key: &str, value: Option<&str>) -> Result<()> {
        self.patch(json!({"metadata": {"annotations": {key: value}}})).await
    }

    /// Adds, changes or (with `None`) removes a label.
    pub async fn label(&self, key: &str, value: Option<&str>) -> Result<()> {
        self.patch(json!({"metadata": {"labels": {key: value}}})).await
    }

    /// Marks the pod as being deleted, as in its grace period; it stays until [`Self::delete`].
    pub async fn terminate(&self) -> Result<()> {
        self.delete_with(&DeleteParams::default().grace_period(300)).await
    }

    /// Deletes the pod at once.
    pub async fn delete(self) -> Result<()> {
        self.delete_with(&DeleteParams::default().grace_period(0)).await
    }

    async fn delete_with(&self, params: &DeleteParams) -> Result<()> {
        self.api.delete(&self.name, params).await.with_context(|| format!("delete pod {}", self.name))?;
        Ok(())
    }

    async fn patch(&self, change: Value) -> Result<()> {
        let params = PatchParams::default();
        self.api
            .patch(&self.name, &params, &Patch::Merge(change))
            .await
            .with_context(|| format!("change pod {}", self.name))?;
        Ok(())
    }

    /// Writes the status that a kubelet would write.
    async fn report(&mut self) -> Result<()> {
        let now = Timestamp::now();
        let condition = |kind: &str, status: bool, since: Timestamp| {
            let status = if status { "True" } else { "False" };
            json!({"type": kind, "status": status, "lastTransitionTime": since})
        };
        let status = json!({"status": {
            "phase": "Running",
            "hostIP": "192.0.2.1",
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self.created,
            "conditions": [
                condition("PodScheduled", true, self.created),
                condition("Initialized", true, self.created),
                condition("ContainersReady", self.ready, now),
                condition("Ready", self.ready, now),
            ],
            "containerStatuses": [{
                "name": CONTAINER,
                "image": IMAGE,
                "imageID": "",
                "containerID": format!("fake://{}/{}", self.uid, self.restarts),
                "ready": self.ready,
                "started": true,
                "restartCount": self.restarts,
                "state": {"running": {"startedAt": self.started}},
            }],
        }});
        self.api
            .patch_status(&self.name, &PatchParams::default(), &Patch::Merge(status))
            .await
            .with_context(|| format!("report the status of pod {}", self.name))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::next_loopback;

    #[test]
    fn loopback_addresses_are_unique_and_no_network_or_broadcast_address() {
        let addresses: BTreeSet<_> = (0..1000).map(|_| next_loopback()).collect();

        assert_eq!(addresses.len(), 1000);
        assert!(addresses.iter().all(|address| address.is_loopback()));
        assert!(addresses.iter().all(|address| !matches!(address.octets()[3], 0 | 255)));
    }
}
