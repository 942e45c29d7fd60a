//! What the core needs to know of a ConfigMap: its documents and who wrote them last.
//! Must not look inside a document.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp as Instant;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use rekindle_api::names;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::ids::Uid;

use super::policy::policy_id;
use super::{InField, Unusable};
use crate::ports::ConfigMapFacts;

/// The facts of a ConfigMap. Takes it whole, so that contents are moved and not copied.
///
/// # Errors
/// It has no usable name or unique id, which the API server would not have stored.
pub fn config_map_facts(config_map: ConfigMap) -> Result<ConfigMapFacts, Unusable> {
    let metadata = &config_map.metadata;
    let id = policy_id(metadata)?;
    Ok(ConfigMapFacts {
        namespace: id.namespace,
        name: id.name,
        uid: Uid::parse(metadata.uid.clone().unwrap_or_default()).in_field("metadata.uid")?,
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        labeled: is_labeled(metadata),
        field_manager: last_writer(metadata.managed_fields.as_deref().unwrap_or_default()),
        documents: documents(config_map.data, config_map.binary_data),
    })
}

/// Whether it asks for a default policy.
#[must_use]
pub fn is_labeled(metadata: &ObjectMeta) -> bool {
    metadata.labels.as_ref().and_then(|labels| labels.get(names::RELOAD)).is_some_and(|value| value == "true")
}

/// The documents of its two maps.
///
/// # Errors
/// A finding for each key that is no document name.
pub fn documents(
    data: Option<BTreeMap<String, String>>,
    binary: Option<BTreeMap<String, k8s_openapi::ByteString>>,
) -> Result<BTreeMap<DocumentName, Bytes>, Vec<Finding>> {
    let texts = data.into_iter().flatten().map(|(key, text)| (key, Bytes::from(text)));
    let blobs = binary.into_iter().flatten().map(|(key, blob)| (key, Bytes::from(blob.0)));
    let mut documents = BTreeMap::new();
    let mut findings = Vec::new();
    for (key, content) in texts.chain(blobs) {
        match DocumentName::parse(key) {
            Ok(name) => drop(documents.insert(name, content)),
            Err(error) => findings.push(Finding::error(Rule::DocumentName, error.to_string())),
        }
    }
    if findings.is_empty() { Ok(documents) } else { Err(findings) }
}

/// The manager that wrote any of the content last; of equal times the one that is listed last.
fn last_writer(entries: &[ManagedFieldsEntry]) -> Option<String> {
    let writes_content = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref().and_then(|fields| fields.0.as_object());
        fields.is_some_and(|fields| fields.contains_key("f:data") || fields.contains_key("f:binaryData"))
    };
    let time = |entry: &&ManagedFieldsEntry| entry.time.as_ref().map_or(Instant::MIN, |time| time.0);
    entries.iter().filter(writes_content).max_by_key(time)?.manager.clone()
}

/// A ConfigMap's entries that hold these documents: text where the bytes are text.
#[must_use]
pub fn entries(documents: &Documents) -> (BTreeMap<String, String>, BTreeMap<String, k8s_openapi::ByteString>) {
    let mut texts = BTreeMap::new();
    let mut blobs = BTreeMap::new();
    for (name, content) in documents.iter() {
        match std::str::from_utf8(content) {
            Ok(text) => drop(texts.insert(name.to_string(), text.to_owned())),
            Err(_) => drop(blobs.insert(name.to_string(), k8s_openapi::ByteString(content.to_vec()))),
        }
    }
    (texts, blobs)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn facts(manifest: Value) -> ConfigMapFacts {
        config_map_facts(serde_json::from_value(manifest).unwrap()).unwrap()
    }

    #[test]
    fn text_and_binary_entries_are_documents() {
        let facts = facts(json!({
            "metadata": {
                "namespace": "shop", "name": "checkout-config", "uid": "c-1", "resourceVersion": "812",
                "labels": {"rekindle.dev/reload": "true"},
            },
            "data": {"app.yaml": "a: 1\n"},
            "binaryData": {"logo": "/wA="},
        }));

        let documents = facts.documents.unwrap();
        let held: Vec<_> = documents.iter().map(|(name, content)| (name.as_str(), content.as_ref())).collect();
        assert_eq!(held, [("app.yaml", b"a: 1\n".as_ref()), ("logo", b"\xff\0")]);
        assert_eq!((facts.resource_version.as_str(), facts.labeled, facts.field_manager), ("812", true, None));
        let (texts, blobs) = entries(&Documents::join([documents]));
        assert_eq!(texts, BTreeMap::from([("app.yaml".to_owned(), "a: 1\n".to_owned())]));
        assert_eq!(blobs["logo"].0, b"\xff\0");
    }

    #[test]
    fn the_last_writer_is_who_touched_the_content_last() {
        let entry = |manager: &str, second: u8, fields: Value| {
            json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                   "time": format!("2026-01-02T03:04:0{second}Z"), "fieldsV1": fields})
        };
        let facts = facts(json!({"metadata": {"namespace": "a", "name": "a", "uid": "c", "managedFields": [
            entry("helm", 1, json!({"f:data": {"f:app.yaml": {}}})),
            entry("kubectl-edit", 5, json!({"f:data": {".": {}}})),
            entry("argocd", 3, json!({"f:binaryData": {}})),
            entry("labeler", 9, json!({"f:metadata": {"f:labels": {}}})),
        ]}}));
        assert_eq!(facts.field_manager.as_deref(), Some("kubectl-edit"));
        assert_eq!(facts.documents, Ok(BTreeMap::new()));
    }

    #[test]
    fn an_impossible_key_is_a_finding() {
        let facts = facts(json!({"metadata": {"namespace": "a", "name": "a", "uid": "c"}, "data": {"a/b": ""}}));
        let findings = facts.documents.unwrap_err();
        assert_eq!(findings[0].rule, Rule::DocumentName);
    }
}
