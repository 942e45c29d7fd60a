//! Pods and ConfigMaps as the sink sees them: only those that carry a mark of ours or that somebody wants.
//! Must not keep anything of the others: a cluster can have tens of thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rekindle_api::names;
use rekindle_core::ids::{Namespace, Uid};

use super::super::loose::place;
use super::super::{KubeCluster, config_maps, locked};
use super::kinds::{Complaints, Place, Seen, Watched};
use crate::convert::config_map::{config_map_facts, is_labeled};
use crate::convert::pod::pod_facts;
use crate::ports::{Sighting, Sink};

/// Pods that carry an annotation of ours.
#[derive(Default)]
pub(super) struct Pods(Complaints);

fn pod_key(metadata: &ObjectMeta) -> Option<(Namespace, Uid)> {
    let namespace = Namespace::parse(metadata.namespace.as_deref()?).ok()?;
    Some((namespace, Uid::parse(metadata.uid.as_deref()?).ok()?))
}

impl Watched for Pods {
    type Object = Pod;
    type Key = (Namespace, Uid);
    const RESOURCE: &'static str = "pods";
    const PAGE: u32 = 100;

    fn key(&self, pod: &Pod) -> Option<Self::Key> {
        pod_key(&pod.metadata)
    }

    fn see(&mut self, _: &impl Sink, known: &BTreeSet<Self::Key>, pod: Pod) -> Seen<Self::Key> {
        let Some(key) = pod_key(&pod.metadata) else { return Seen::Nothing };
        let ours = |annotation: &String| annotation.starts_with(names::PREFIX);
        if !pod.metadata.annotations.iter().flat_map(BTreeMap::keys).any(ours) {
            // Its annotations are gone, and to the sink so is the pod.
            return if known.contains(&key) { Seen::Last(key.clone(), self.gone(key)) } else { Seen::Nothing };
        }
        match pod_facts(&pod) {
            Ok(facts) => {
                let sighting = Sighting::Pod(key.0.clone(), key.1.clone(), Some(Box::new(facts)));
                Seen::Keep(key, sighting)
            }
            Err(error) => {
                self.0.about(Self::RESOURCE, &pod.metadata, &error.to_string());
                Seen::Nothing
            }
        }
    }

    fn gone(&self, (namespace, uid): Self::Key) -> Sighting {
        Sighting::Pod(namespace, uid, None)
    }
}

/// ConfigMaps that somebody wants or that ask for a policy.
pub(super) struct ConfigMaps {
    /// Those that were read one by one.
    read: Arc<Mutex<BTreeSet<Place>>>,
    /// The only namespace that is watched; none for all.
    namespace: Option<Namespace>,
    complaints: Complaints,
}

impl ConfigMaps {
    pub(super) fn new(cluster: &KubeCluster, namespace: Option<&Namespace>) -> Self {
        Self { read: cluster.read.clone(), namespace: namespace.cloned(), complaints: Complaints::default() }
    }
}

impl Watched for ConfigMaps {
    type Object = ConfigMap;
    type Key = Place;
    const RESOURCE: &'static str = config_maps::RESOURCE;
    const PAGE: u32 = 100;

    fn key(&self, config_map: &ConfigMap) -> Option<Place> {
        place(&config_map.metadata)
    }

    fn see(&mut self, sink: &impl Sink, known: &BTreeSet<Place>, config_map: ConfigMap) -> Seen<Place> {
        let Some(place) = place(&config_map.metadata) else { return Seen::Nothing };
        let wanted = is_labeled(&config_map.metadata) || sink.wants_config_map(&place.0, &place.1);
        if !wanted && !known.contains(&place) {
            return Seen::Nothing;
        }
        let metadata = config_map.metadata.clone();
        match config_map_facts(config_map) {
            Ok(facts) => {
                let sighting = Sighting::ConfigMap(place.0.clone(), place.1.clone(), Some(Box::new(facts)));
                // One that lost its label is told of once more, without it.
                if wanted { Seen::Keep(place, sighting) } else { Seen::Last(place, sighting) }
            }
            Err(error) => {
                self.complaints.about(Self::RESOURCE, &metadata, &error.to_string());
                Seen::Nothing
            }
        }
    }

    fn gone(&self, place: Place) -> Sighting {
        Sighting::ConfigMap(place.0, place.1, None)
    }

    fn wants(&self, sink: &impl Sink, place: &Place) -> bool {
        sink.wants_config_map(&place.0, &place.1)
    }

    fn join_read(&self, known: &mut BTreeSet<Place>) {
        let here = |place: &Place| self.namespace.as_ref().is_none_or(|namespace| *namespace == place.0);
        let mut read = locked(&self.read);
        known.extend(read.iter().filter(|place| here(place)).cloned());
        read.retain(|place| !here(place));
    }
}
