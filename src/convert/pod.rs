//! What the core needs to know of a pod.
//! Must not judge whether it is a target.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod, PodSpec, PodStatus};
use rekindle_api::names;
use rekindle_core::ids::{ObjectName, Uid};
use rekindle_core::target::PodFacts;
use rekindle_core::time::Timestamp;

use super::time::timestamp_of;
use super::{InField, Unusable};

/// The facts of a pod. An address that cannot be read counts as none yet.
///
/// # Errors
/// The pod has no usable name or unique id, which the API server would not have stored.
pub fn pod_facts(pod: &Pod) -> Result<PodFacts, Unusable> {
    let metadata = &pod.metadata;
    let status = pod.status.as_ref();
    let started = status.and_then(youngest_start);
    let alive = metadata.deletion_timestamp.is_none();
    let phase = status.and_then(|status| status.phase.as_deref());
    Ok(PodFacts {
        name: ObjectName::parse(metadata.name.clone().unwrap_or_default()).in_field("metadata.name")?,
        uid: Uid::parse(metadata.uid.clone().unwrap_or_default()).in_field("metadata.uid")?,
        labels: metadata.labels.clone().unwrap_or_default(),
        annotations: own_annotations(metadata.annotations.as_ref()),
        address: status.and_then(|status| status.pod_ip.as_deref()).and_then(|address| address.parse().ok()),
        host_network: pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or(false),
        named_ports: pod.spec.as_ref().map(named_ports).unwrap_or_default(),
        running: alive && phase == Some("Running") && started.is_some(),
        ready: status.is_some_and(is_ready),
        started: started.unwrap_or(Timestamp(0)),
    })
}

fn own_annotations(annotations: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let all = annotations.into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.strip_prefix(names::PREFIX)?.to_owned(), value.clone()))).collect()
}

/// Containers that run as long as the pod does: the ordinary ones and those init containers that are sidecars.
fn lasting(spec: &PodSpec) -> impl Iterator<Item = &Container> {
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    spec.containers.iter().chain(sidecars)
}

/// The first container that names a port has it, as with Services.
fn named_ports(spec: &PodSpec) -> BTreeMap<String, u16> {
    let mut named = BTreeMap::new();
    for port in lasting(spec).flat_map(|container| container.ports.iter().flatten()) {
        let tcp = port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
        if let (Some(name), Ok(number), true) = (&port.name, u16::try_from(port.container_port), tcp) {
            named.entry(name.clone()).or_insert(number);
        }
    }
    named
}

fn youngest_start(status: &PodStatus) -> Option<Timestamp> {
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses).flatten();
    let start = |status: &ContainerStatus| {
        status.state.as_ref()?.running.as_ref()?.started_at.as_ref().map(|at| timestamp_of(&at.0))
    };
    statuses.filter_map(start).max()
}

fn is_ready(status: &PodStatus) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn facts(manifest: Value) -> PodFacts {
        pod_facts(&serde_json::from_value(manifest).unwrap()).unwrap()
    }

    fn pod() -> Value {
        json!({
            "metadata": {
                "name": "checkout-0", "uid": "u-1", "labels": {"app": "checkout"},
                "annotations": {"rekindle.dev/reload": "true", "rekindle.dev/port": "http", "other.dev/port": "1"},
            },
            "spec": {
                "initContainers": [
                    {"name": "agent", "restartPolicy": "Always", "ports": [{"name": "agent", "containerPort": 9000}]},
                    {"name": "setup", "ports": [{"name": "setup", "containerPort": 9001}]},
                ],
                "containers": [
                    {"name": "a", "ports": [
                        {"name": "http", "containerPort": 8080},
                        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                        {"containerPort": 81},
                    ]},
                    {"name": "b", "ports": [{"name": "http", "containerPort": 8081}]},
                ],
            },
            "status": {
                "phase": "Running",
                "podIP": "10.0.0.7",
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [
                    {"name": "a", "image": "", "imageID": "", "ready": true, "restartCount": 0,
                     "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}}},
                    {"name": "b", "image": "", "imageID": "", "ready": true, "restartCount": 1,
                     "state": {"running": {"startedAt": "2026-01-02T03:04:09Z"}}},
                ],
            },
        })
    }

    #[test]
    fn the_facts_of_a_running_pod() {
        let pod = facts(pod());

        assert_eq!((pod.name.as_str(), pod.uid.as_str()), ("checkout-0", "u-1"));
        assert_eq!(pod.labels["app"], "checkout");
        let annotations: Vec<_> = pod.annotations.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(annotations, [("port", "http"), ("reload", "true")]);
        assert_eq!(pod.address, "10.0.0.7".parse().ok());
        let ports: Vec<_> = pod.named_ports.iter().map(|(name, port)| (name.as_str(), *port)).collect();
        assert_eq!(ports, [("agent", 9000), ("http", 8080)]);
        assert_eq!((pod.running, pod.ready, pod.host_network), (true, true, false));
        assert_eq!(pod.started, Timestamp(1_767_323_049_000), "the youngest container counts");
    }

    #[test]
    fn a_pod_that_ends_or_has_not_begun_does_not_run() {
        let mut ending = pod();
        ending["metadata"]["deletionTimestamp"] = json!("2026-01-02T04:00:00Z");
        let mut waiting = pod();
        waiting["status"] = json!({"phase": "Pending"});
        let mut crashing = pod();
        crashing["status"]["containerStatuses"] = json!([]);
        let bare = json!({"metadata": {"name": "a", "uid": "u"}});

        for manifest in [ending, waiting, crashing, bare] {
            assert!(!facts(manifest.clone()).running, "{manifest}");
        }
    }

    #[test]
    fn an_unreadable_address_is_none_and_a_pod_without_a_name_is_refused() {
        let mut odd = pod();
        odd["status"]["podIP"] = json!("10.0.0");
        odd["spec"]["hostNetwork"] = json!(true);
        let odd = facts(odd);
        assert_eq!((odd.address, odd.host_network), (None, true));
        assert!(pod_facts(&Pod::default()).is_err());
    }
}
