//! ConfigMaps: sources are read and, when asked for, written back; the active copy is kept.
//! Must not look inside a document.

use std::collections::BTreeMap;

use bytes::Bytes;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use rekindle_api as api;
use rekindle_api::names;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{Namespace, ObjectName};
use rekindle_core::policy::Policy;
use serde_json::{Map, Value};

use super::errors::Asked;
use super::requests::{Requests, of_kind};
use crate::convert::config_map::{config_map_facts, entries};
use crate::convert::policy::{default_policy, owned_by};
use crate::ports::{ClusterError, ConfigMapFacts};

pub(super) const RESOURCE: &str = "configmaps";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

fn asked(verb: &'static str, namespace: &Namespace, name: &ObjectName) -> Asked {
    Asked { verb, resource: RESOURCE, what: format!("the ConfigMap {namespace}/{name}") }
}

fn facts(asked: &Asked, config_map: ConfigMap) -> Result<ConfigMapFacts, ClusterError> {
    config_map_facts(config_map).map_err(|error| asked.unavailable(format!("its answer is no ConfigMap: {error}")))
}

async fn get(requests: &Requests, namespace: &Namespace, name: &ObjectName) -> Result<Option<ConfigMap>, ClusterError> {
    let kind = of_kind::<ConfigMap>(namespace);
    match requests.get(&asked("get", namespace, name), &kind, name.as_str()).await {
        Ok(config_map) => Ok(Some(config_map)),
        Err(ClusterError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// One ConfigMap; none when it does not exist.
pub(super) async fn read(
    requests: &Requests,
    namespace: &Namespace,
    name: &ObjectName,
) -> Result<Option<ConfigMapFacts>, ClusterError> {
    let found = get(requests, namespace, name).await?;
    found.map(|config_map| facts(&asked("get", namespace, name), config_map)).transpose()
}

/// Makes a ConfigMap hold exactly these documents; writes nothing when it does.
pub(super) async fn write_active_copy(
    requests: &Requests,
    policy: &Policy,
    name: &ObjectName,
    documents: &Documents,
) -> Result<ConfigMapFacts, ClusterError> {
    let namespace = &policy.id.namespace;
    let Some(before) = get(requests, namespace, name).await? else {
        return create_active_copy(requests, policy, name, documents).await;
    };
    if !is_copy_of(&before, policy) {
        let detail = format!(
            "it exists and was not made by Rekindle for the policy {}; delete it, or give spec.activeCopy another name",
            policy.id.name
        );
        return Err(ClusterError::Refused { what: format!("the active copy {namespace}/{name}"), detail });
    }
    let after = copied(before.clone(), policy, documents);
    if after == before {
        return facts(&asked("get", namespace, name), before);
    }
    let asked = asked("patch", namespace, name);
    let patch = copying(&before, &after);
    let written = requests.merge(&asked, &of_kind::<ConfigMap>(namespace), (name.as_str(), &patch)).await?;
    facts(&asked, written)
}

/// What makes `before` hold what `after` does, unless somebody else wrote meanwhile.
fn copying(before: &ConfigMap, after: &ConfigMap) -> Value {
    // A merge leaves what it does not name, so what is no longer there has to be named.
    let removed = |keys: Vec<&String>| keys.into_iter().map(|key| (key.clone(), Value::Null)).collect::<Map<_, _>>();
    let mut data = removed(before.data.iter().flat_map(BTreeMap::keys).collect());
    let mut binary = removed(before.binary_data.iter().flat_map(BTreeMap::keys).collect());
    data.extend(after.data.iter().flatten().map(|(key, text)| (key.clone(), Value::from(text.as_str()))));
    binary.extend(after.binary_data.iter().flatten().map(|(key, blob)| (key.clone(), base64(blob))));
    serde_json::json!({
        "metadata": {
            "resourceVersion": before.metadata.resource_version,
            "labels": after.metadata.labels,
            "ownerReferences": after.metadata.owner_references,
        },
        "data": data,
        "binaryData": binary,
    })
}

fn base64(blob: &ByteString) -> Value {
    serde_json::to_value(blob).unwrap_or_default()
}

async fn create_active_copy(
    requests: &Requests,
    policy: &Policy,
    name: &ObjectName,
    documents: &Documents,
) -> Result<ConfigMapFacts, ClusterError> {
    let namespace = &policy.id.namespace;
    let mut object = copied(ConfigMap::default(), policy, documents);
    object.metadata.name = Some(name.to_string());
    object.metadata.namespace = Some(namespace.to_string());
    let asked = asked("create", namespace, name);
    let written = match requests.create(&asked, &of_kind::<ConfigMap>(namespace), &object).await {
        Ok(written) => written,
        // Somebody was faster; the next try looks at what they made.
        Err(ClusterError::Exists { .. }) => return Err(asked.unavailable("another was created meanwhile".to_owned())),
        Err(error) => return Err(error),
    };
    facts(&asked, ConfigMap { metadata: written.metadata, ..object })
}

/// Whether it was made for this policy, or for an earlier one of the same name.
fn is_copy_of(config_map: &ConfigMap, policy: &Policy) -> bool {
    let labels = config_map.metadata.labels.as_ref();
    let managed = labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == names::FIELD_MANAGER);
    let mut owners = config_map.metadata.owner_references.iter().flatten();
    managed && owners.any(|owner| owner.kind == "ReloadPolicy" && owner.name == policy.id.name.as_str())
}

fn copied(mut config_map: ConfigMap, policy: &Policy, documents: &Documents) -> ConfigMap {
    let (texts, blobs) = entries(documents);
    config_map.data = Some(texts).filter(|texts| !texts.is_empty());
    config_map.binary_data = Some(blobs).filter(|blobs| !blobs.is_empty());
    let labels = config_map.metadata.labels.get_or_insert_default();
    labels.insert(MANAGED_BY.to_owned(), names::FIELD_MANAGER.to_owned());
    config_map.metadata.owner_references = Some(vec![owned_by(policy)]);
    config_map
}

/// Writes these entries and nothing else: those without content are removed. An author who was faster wins.
pub(super) async fn restore(
    requests: &Requests,
    namespace: &Namespace,
    (name, seen): (&ObjectName, &str),
    entries: &BTreeMap<DocumentName, Option<Bytes>>,
) -> Result<ConfigMapFacts, ClusterError> {
    let asked = asked("patch", namespace, name);
    let patch = restoring(entries, seen);
    let written = requests.merge(&asked, &of_kind::<ConfigMap>(namespace), (name.as_str(), &patch)).await?;
    facts(&asked, written)
}

/// A key may be in one of the two maps only, so each entry is removed from the other.
fn restoring(entries: &BTreeMap<DocumentName, Option<Bytes>>, seen: &str) -> Value {
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (name, content) in entries {
        let (text, blob) = match content.as_ref().map(|content| (std::str::from_utf8(content), content)) {
            Some((Ok(text), _)) => (Value::from(text), Value::Null),
            Some((Err(_), content)) => (Value::Null, base64(&ByteString(content.to_vec()))),
            None => (Value::Null, Value::Null),
        };
        data.insert(name.to_string(), text);
        binary.insert(name.to_string(), blob);
    }
    serde_json::json!({"metadata": {"resourceVersion": seen}, "data": data, "binaryData": binary})
}

/// Creates the policy of a labeled ConfigMap that no policy names.
pub(super) async fn create_default_policy(
    requests: &Requests,
    config_map: &ConfigMapFacts,
) -> Result<(), ClusterError> {
    let (namespace, name) = (&config_map.namespace, &config_map.name);
    let what = format!("the ReloadPolicy {namespace}/{name}");
    let policy = default_policy(name, &config_map.uid, namespace)
        .map_err(|error| ClusterError::Refused { what: what.clone(), detail: error.to_string() })?;
    let asked = Asked { verb: "create", resource: "reloadpolicies.rekindle.dev", what };
    requests.create(&asked, &of_kind::<api::ReloadPolicy>(namespace), &policy).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_is_restored_is_in_one_map_only() {
        let name = |text: &str| DocumentName::parse(text).unwrap();
        let entries = BTreeMap::from([
            (name("app.yaml"), Some(Bytes::from_static(b"a: 1"))),
            (name("logo"), Some(Bytes::from_static(&[0xff, 0]))),
            (name("new"), None),
        ]);
        let patch = restoring(&entries, "7");
        let expected = serde_json::json!({
            "metadata": {"resourceVersion": "7"},
            "data": {"app.yaml": "a: 1", "logo": null, "new": null},
            "binaryData": {"app.yaml": null, "logo": "/wA=", "new": null},
        });
        assert_eq!(patch, expected);
    }
}
