//! What the operator writes to the API server: each thing once, with no right but those that are shipped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result};
use bytes::Bytes;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::api::events::v1::Event;
use kube::api::{Api, Patch, PatchParams};
use rekindle::cluster::{KubeCluster, client_of};
use rekindle::convert::policy::policy;
use rekindle::ports::{Announcement, Clock, Cluster, ClusterError};
use rekindle_api as api;
use rekindle_core::breaker::Breaker;
use rekindle_core::contract::signature::{sign, verify};
use rekindle_core::diff::Summary;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::ids::{self, ObjectName, Uid, VersionNumber};
use rekindle_core::policy::Policy;
use rekindle_core::reason::Reason;
use rekindle_core::record::{NewVersion, Origin, SeenSource};
use rekindle_core::status::{
    Acknowledged, Condition, ConditionKind, LastEdit, PolicyStatus, Quarantined, TargetCounts, Truth, VersionStatus,
};
use rekindle_core::target::Running;
use rekindle_core::time::Timestamp;
use rekindle_core::version::content::pack;
use rekindle_testplane::Namespace;

use crate::support::{namespace, plane};

/// Exactly what is shipped.
pub const ROLE: &str = include_str!("../../deploy/clusterrole.yaml");

/// A clock that is never twice at the same time, so that a time alone never looks like nothing new.
#[derive(Clone)]
pub struct Ticking(Arc<AtomicI64>);

impl Default for Ticking {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(1_767_323_045_000)))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(10_000, Ordering::Relaxed))
    }
}

/// The cluster as a ServiceAccount of this namespace with these roles sees it.
pub async fn cluster(namespace: &Namespace, roles: &str) -> Result<KubeCluster> {
    let access = plane().await?.service_account(namespace.name(), "operator", roles).await?;
    Ok(KubeCluster::new(client_of(access.config)?, Ticking::default()))
}

/// A policy as it was created in this namespace.
pub async fn make_policy(namespace: &Namespace, name: &str) -> Result<Policy> {
    let manifest = format!(
        "{{apiVersion: rekindle.dev/v1alpha1, kind: ReloadPolicy, metadata: {{name: {name}}}, \
         spec: {{sources: [{{configMap: {{name: {name}-config}}}}]}}}}"
    );
    let object: api::ReloadPolicy = namespace.apply_one(&manifest).await?;
    Ok(policy(&object)?)
}

pub fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

pub fn id(namespace: &Namespace) -> ids::Namespace {
    ids::Namespace::parse(namespace.name()).unwrap()
}

fn documents(entries: &[(&str, &[u8])]) -> Documents {
    let entries = entries.iter().map(|(key, content)| (document(key), Bytes::copy_from_slice(content)));
    Documents::from_ordered(entries.collect()).unwrap()
}

fn document(text: &str) -> DocumentName {
    DocumentName::parse(text).unwrap()
}

pub fn version(number: u64, text: &'static str) -> NewVersion {
    let documents = documents(&[("app.yaml", text.as_bytes())]);
    let source = SeenSource {
        config_map: true,
        name: "checkout-config".to_owned(),
        resource_version: Some("812".to_owned()),
        field_manager: Some("kubectl-edit".to_owned()),
    };
    NewVersion {
        number: VersionNumber(number),
        digest: Digest::of(&documents),
        parent: number.checked_sub(1).filter(|parent| *parent > 0).map(VersionNumber),
        last_good: None,
        origin: Origin::Edit(vec![source]),
        content: pack(&documents).unwrap(),
        documents,
        diff: Summary { added: 1, ..Default::default() },
        warnings: Vec::new(),
    }
}

pub fn shown(generation: i64, message: &str) -> PolicyStatus {
    let digest = Digest::of(&documents(&[("app.yaml", b"a: 1")]));
    PolicyStatus {
        generation,
        conditions: vec![Condition {
            kind: ConditionKind::Ready,
            truth: Truth::False,
            reason: Reason::RollingOut,
            message: message.to_owned(),
        }],
        active: Some(Running { version: VersionNumber(2), digest }),
        last_good: Some(Running { version: VersionNumber(1), digest }),
        last_number: Some(VersionNumber(2)),
        targets: TargetCounts { total: 3, confirmed: 1, pending: 2, ..Default::default() },
        failures: Vec::new(),
        breaker: Breaker::Open { until: Timestamp(1_767_323_105_250), reason: "3 pods in a row".to_owned() },
        quarantined: vec![Quarantined {
            digest,
            version: VersionNumber(1),
            reason: "3 pods in a row".to_owned(),
            at: Timestamp(1_767_323_045_250),
            restored: true,
        }],
        set_aside: Vec::new(),
        findings: Vec::new(),
        last_edit: LastEdit { digest: Some(digest), outcome: Reason::Active, message: message.to_owned() },
    }
}

/// How many requests of the operator in this namespace are such as described, since the test began.
async fn count(namespace: &Namespace, verb: &str, resource: &str) -> Result<usize> {
    let plane = plane().await?;
    plane.settle_audit().await?;
    let entries = plane.audit().entries()?;
    let such = |entry: &&rekindle_testplane::audit::Entry| {
        entry.is_by(namespace.name(), "operator") && entry.verb == verb && entry.resource == resource
    };
    Ok(entries.iter().filter(such).count())
}

#[tokio::test]
async fn a_version_is_recorded_by_one_request_and_read_back_as_it_was() -> Result<()> {
    let namespace = namespace("record").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    let new = version(1, "a: 1");

    let recorded = cluster.record(&policy, &new).await?;

    assert_eq!(recorded.open(), Ok(new.documents.clone()));
    assert!(recorded.created.0 > 0, "the server's time is taken over");
    assert_eq!(cluster.versions(&policy.id).await?, [recorded]);
    assert_eq!(count(&namespace, "create", "configversions").await?, 1);
    assert_eq!(count(&namespace, "get", "configversions").await?, 0);
    let object = namespace.api::<api::ConfigVersion>().get("checkout-v1").await?;
    let owner = object.metadata.owner_references.context("it has no owner")?.remove(0);
    assert_eq!((owner.uid.as_str(), owner.controller), (policy.uid.as_str(), Some(true)));
    assert_eq!(object.metadata.labels.context("it has no labels")?["rekindle.dev/policy"], "checkout");
    Ok(())
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_recognized_and_another_is_not_overwritten() -> Result<()> {
    let namespace = namespace("again").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;

    let first = cluster.record(&policy, &version(1, "a: 1")).await?;
    assert_eq!(cluster.record(&policy, &version(1, "a: 1")).await?, first);
    let other = cluster.record(&policy, &version(1, "a: 2")).await;
    assert!(matches!(other, Err(ClusterError::Exists { .. })), "{other:?}");
    assert_eq!(cluster.versions(&policy.id).await?, [first]);
    Ok(())
}

#[tokio::test]
async fn a_long_history_is_listed_by_policy_and_pruning_twice_is_fine() -> Result<()> {
    let namespace = namespace("history").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    let other = make_policy(&namespace, "other").await?;
    for number in 1..=25 {
        cluster.record(&policy, &version(number, "a: 1")).await?;
    }
    cluster.record(&other, &version(1, "a: 1")).await?;

    cluster.prune(&policy.id, VersionNumber(3)).await?;
    cluster.prune(&policy.id, VersionNumber(3)).await?;

    let mut numbers: Vec<_> = cluster.versions(&policy.id).await?.iter().map(|version| version.number.0).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=25).filter(|number| *number != 3).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test]
async fn a_version_in_a_namespace_that_is_not_there_is_missing() -> Result<()> {
    let namespace = namespace("nowhere").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let mut policy = make_policy(&namespace, "checkout").await?;
    policy.id.namespace = ids::Namespace::parse("there-is-none").unwrap();

    let error = cluster.record(&policy, &version(1, "a: 1")).await;
    assert!(matches!(error, Err(ClusterError::Missing { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_status_is_written_when_it_says_something_new_and_then_whole() -> Result<()> {
    let namespace = namespace("status").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    let policies = namespace.api::<api::ReloadPolicy>();
    let read = async || anyhow::Ok(policies.get("checkout").await?.status.context("it has no status")?);

    cluster.show_policy(&policy.id, &shown(1, "first")).await?;
    let first = read().await?;
    cluster.show_policy(&policy.id, &shown(1, "first")).await?;
    assert_eq!(count(&namespace, "patch", "reloadpolicies").await?, 1);

    let mut closed = shown(1, "second");
    closed.breaker = Breaker::Closed;
    closed.quarantined.clear();
    closed.active = None;
    cluster.show_policy(&policy.id, &closed).await?;
    let second = read().await?;

    assert_eq!(count(&namespace, "patch", "reloadpolicies").await?, 2);
    assert_eq!(second.conditions[0].message, "second");
    assert_eq!(second.conditions[0].last_transition_time, first.conditions[0].last_transition_time);
    assert_eq!((second.active, second.quarantined.len()), (None, 0));
    assert_eq!(second.breaker.context("it has no breaker")?.open_until, None);
    Ok(())
}

#[tokio::test]
async fn acks_are_one_value_to_the_server() -> Result<()> {
    let namespace = namespace("acks").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    cluster.record(&policy, &version(1, "a: 1")).await?;
    let ack = |number: i64| Acknowledged {
        pod: name(&format!("web-{number}")),
        uid: Uid::parse(format!("uid-{number}")).unwrap(),
        started: Timestamp(1_767_323_045_000 + number),
    };
    let status = VersionStatus { active: true, proven: true, tripped: None, acks: (0..1000).map(ack).collect() };

    cluster.show_version(&policy.id, VersionNumber(1), &status).await?;
    cluster.show_version(&policy.id, VersionNumber(1), &status).await?;

    assert_eq!(count(&namespace, "patch", "configversions").await?, 1);
    let object = namespace.api::<api::ConfigVersion>().get("checkout-v1").await?;
    let managed = serde_json::to_string(&object.metadata.managed_fields)?;
    assert!(managed.len() < 4000, "{} bytes of managed fields", managed.len());
    let recorded = cluster.versions(&policy.id).await?.remove(0);
    assert_eq!((recorded.proven, recorded.acks.len()), (true, 1000));
    Ok(())
}

#[tokio::test]
async fn a_status_of_what_is_gone_is_missing() -> Result<()> {
    let namespace = namespace("gone").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    namespace.api::<api::ReloadPolicy>().delete("checkout", &Default::default()).await?;

    let error = cluster.show_policy(&policy.id, &shown(1, "late")).await;
    assert!(matches!(error, Err(ClusterError::Missing { .. })), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_missing_right_is_named_by_verb_and_resource() -> Result<()> {
    let namespace = namespace("forbidden").await?;
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: nothing}, rules: []}";
    let cluster = cluster(&namespace, role).await?;
    let policy = make_policy(&namespace, "checkout").await?;

    let said = |error: ClusterError| {
        assert!(matches!(error, ClusterError::Forbidden { .. }), "{error:?}");
        error.to_string().split(':').next().unwrap_or_default().to_owned()
    };
    let record = cluster.record(&policy, &version(1, "a: 1")).await.unwrap_err();
    assert_eq!(said(record), "the operator may not create configversions.rekindle.dev");
    let show = cluster.show_policy(&policy.id, &shown(1, "x")).await.unwrap_err();
    assert_eq!(said(show), "the operator may not patch reloadpolicies.rekindle.dev/status");
    let keys = cluster.push_keys(&policy.id.namespace).await.unwrap_err();
    assert_eq!(said(keys), "the operator may not get secrets");
    let read = cluster.config_map(&policy.id.namespace, &name("checkout-config")).await.unwrap_err();
    assert_eq!(said(read), "the operator may not get configmaps");
    Ok(())
}

#[tokio::test]
async fn a_push_key_is_made_once_however_many_ask() -> Result<()> {
    let namespace = namespace("keys").await?;
    let one = cluster(&namespace, ROLE).await?;
    let two = cluster(&namespace, ROLE).await?;
    let place = id(&namespace);

    let asked =
        futures::future::try_join_all((0..8).map(|turn| if turn % 2 == 0 { &one } else { &two }.push_keys(&place)));
    let keys = asked.await?;

    let header = sign(&keys[0].current, 1_767_323_045, b"body");
    for other in &keys {
        assert!(verify(other, &header, b"body", 1_767_323_045).is_ok(), "all have the key that is in the Secret");
    }
    let secret: Secret = namespace.api().get("rekindle-push-key").await?;
    assert_eq!(secret.data.context("it has no data")?["current"].0.len(), 32);
    assert!(count(&namespace, "get", "secrets").await? <= 4, "of those that ask at once, one asks the server");
    Ok(())
}

#[tokio::test]
async fn an_unusable_push_key_says_what_to_do() -> Result<()> {
    let namespace = namespace("bad-key").await?;
    namespace
        .apply("{apiVersion: v1, kind: Secret, metadata: {name: rekindle-push-key}, stringData: {current: hunter2}}")
        .await?;
    let error = cluster(&namespace, ROLE).await?.push_keys(&id(&namespace)).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClusterError::Refused { .. }), "{text}");
    assert!(text.contains("`current` is no key") && text.contains("put 32 random bytes there"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    Ok(())
}

#[tokio::test]
async fn the_active_copy_holds_exactly_the_documents_and_is_written_only_when_it_differs() -> Result<()> {
    let namespace = namespace("copy").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    let copy = name("checkout-active");
    let first = documents(&[("app.yaml", b"a: 1"), ("logo", &[0xff, 0]), ("old", b"x")]);
    let second = documents(&[("app.yaml", b"a: 2"), ("logo", b"text now")]);

    for documents in [&first, &first, &second, &second] {
        let facts = cluster.write_active_copy(&policy, &copy, documents).await?;
        let held = facts.documents.map_err(|findings| anyhow::anyhow!("{findings:?}"))?;
        let expected: BTreeMap<_, _> =
            documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        assert_eq!(held, expected);
    }

    assert_eq!(count(&namespace, "create", "configmaps").await?, 1);
    assert_eq!(count(&namespace, "patch", "configmaps").await?, 1);
    let object: ConfigMap = namespace.api().get("checkout-active").await?;
    assert_eq!(object.data.context("it has no data")?["logo"], "text now");
    assert_eq!(object.metadata.labels.context("it has no labels")?["app.kubernetes.io/managed-by"], "rekindle");
    assert_eq!(object.metadata.owner_references.context("it has no owner")?[0].uid, policy.uid.as_str());
    Ok(())
}

#[tokio::test]
async fn a_config_map_of_somebody_else_is_never_overwritten_by_the_active_copy() -> Result<()> {
    let namespace = namespace("foreign").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    namespace.config_map("precious", &[("app.yaml", "mine")]).await?;

    let error = cluster.write_active_copy(&policy, &name("precious"), &documents(&[])).await.unwrap_err();

    assert!(error.to_string().contains("was not made by Rekindle for the policy checkout; delete it"), "{error}");
    let object: ConfigMap = namespace.api().get("precious").await?;
    assert_eq!(object.data.context("it has no data")?["app.yaml"], "mine");
    Ok(())
}

#[tokio::test]
async fn restoring_changes_the_named_entries_and_nothing_else() -> Result<()> {
    let namespace = namespace("restore").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    namespace.config_map("config", &[("app.yaml", "bad"), ("new", "x"), ("mine", "stays"), ("logo", "text")]).await?;
    let entries = BTreeMap::from([
        (document("app.yaml"), Some(Bytes::from_static(b"good"))),
        (document("logo"), Some(Bytes::from_static(&[0xff, 0]))),
        (document("new"), None),
    ]);

    let seen = namespace.api::<ConfigMap>().get("config").await?.metadata.resource_version.context("a version")?;
    let early = cluster.restore_source(&id(&namespace), (&name("config"), "1"), &entries).await;
    assert!(matches!(early, Err(ClusterError::Conflict { .. })), "an author who was faster wins: {early:?}");
    let facts = cluster.restore_source(&id(&namespace), (&name("config"), &seen), &entries).await?;

    assert_eq!(facts.field_manager.as_deref(), Some("rekindle"));
    let object: ConfigMap = namespace.api().get("config").await?;
    let data = object.data.context("it has no data")?;
    assert_eq!(serde_json::to_value(data)?, serde_json::json!({"app.yaml": "good", "mine": "stays"}));
    assert_eq!(object.binary_data.context("it has no binary data")?["logo"].0, [0xff, 0]);
    let missing = cluster.restore_source(&id(&namespace), (&name("none"), "1"), &entries).await;
    assert!(matches!(missing, Err(ClusterError::Missing { .. })), "{missing:?}");
    Ok(())
}

#[tokio::test]
async fn a_labeled_config_map_gets_a_policy_that_goes_with_it() -> Result<()> {
    let namespace = namespace("default").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    namespace.config_map("app", &[("app.yaml", "a: 1")]).await?;
    let facts = cluster.config_map(&id(&namespace), &name("app")).await?.context("it is not there")?;

    cluster.create_default_policy(&facts).await?;
    let again = cluster.create_default_policy(&facts).await;

    assert!(matches!(again, Err(ClusterError::Exists { .. })), "{again:?}");
    let object = namespace.api::<api::ReloadPolicy>().get("app").await?;
    assert_eq!(object.metadata.owner_references.as_ref().context("it has no owner")?[0].uid, facts.uid.as_str());
    assert_eq!(policy(&object)?.sources.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_long_event_is_taken() -> Result<()> {
    let namespace = namespace("event").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    let announcement = Announcement { warning: true, reason: Reason::Tripped, message: "ä".repeat(2000) };

    cluster.announce(&policy, &announcement).await?;

    let event = namespace.api::<Event>().list(&Default::default()).await?.items.remove(0);
    assert_eq!((event.type_.as_deref(), event.reason.as_deref()), (Some("Warning"), Some("Tripped")));
    assert_eq!(event.regarding.and_then(|about| about.uid).as_deref(), Some(policy.uid.as_str()));
    assert!(event.note.unwrap_or_default().len() <= 1024);
    Ok(())
}

#[tokio::test]
async fn a_specification_that_cannot_be_used_is_said_once() -> Result<()> {
    let namespace = namespace("unusable").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;

    cluster.show_unusable(&policy.id, 1, "spec.sources: there must be 1 to 8 sources").await?;
    cluster.show_unusable(&policy.id, 1, "spec.sources: there must be 1 to 8 sources").await?;

    assert_eq!(count(&namespace, "patch", "reloadpolicies").await?, 1);
    let policies: Api<api::ReloadPolicy> = namespace.api();
    let status = policies.get("checkout").await?.status.context("it has no status")?;
    assert_eq!((status.conditions[0].reason.as_str(), status.conditions[0].status.as_str()), ("SpecInvalid", "False"));
    // Another hand's status is not written over unseen; whoever has seen it says it anew.
    let patch = serde_json::json!({"status": {"observedGeneration": 7}});
    policies.patch_status("checkout", &PatchParams::default(), &Patch::Merge(patch)).await?;
    let blind = cluster.show_unusable(&policy.id, 2, "spec.sources: there must be 1 to 8 sources").await;
    assert!(matches!(blind, Err(ClusterError::Conflict { .. })), "{blind:?}");
    let next = self::cluster(&namespace, ROLE).await?;
    next.show_unusable(&policy.id, 2, "spec.sources: there must be 1 to 8 sources").await?;
    let status = policies.get("checkout").await?.status.context("it has no status")?;
    assert_eq!(status.observed_generation, Some(2));
    Ok(())
}
