//! What the conversion makes of the core's values is what the API server takes, also at the largest.
//! Must not test what the values mean.

use anyhow::Result;
use bytes::Bytes;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, ValidationDirective};
use rekindle::convert::policy::{default_policy, policy};
use rekindle::convert::rollback::{rollback_request, rollback_status};
use rekindle::convert::schema::schema_status;
use rekindle::convert::version::{recorded, version_object, version_status};
use rekindle::convert::{policy_status, read_policy_status, unusable_policy_status};
use rekindle_api::{ConfigRollback, ConfigSchema, ConfigVersion, ReloadPolicy};
use rekindle_core::breaker::Breaker;
use rekindle_core::diff::{MAX_PATH_LENGTH, MAX_PATHS, Summary};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::ids::{Namespace as NamespaceName, ObjectName, Uid, VersionNumber};
use rekindle_core::reason::Reason;
use rekindle_core::record::{NewVersion, Origin, Recorded, SeenSource};
use rekindle_core::status::{
    Acknowledged, Condition, ConditionKind, LastEdit, PolicyStatus, Quarantined, RollbackStatus, SetAside,
    TargetCounts, TargetFailure, Truth, VersionStatus,
};
use rekindle_core::target::Running;
use rekindle_core::time::Timestamp;
use rekindle_core::validate::SchemaFault;
use rekindle_core::value::Path;
use rekindle_core::version::content::{MAX_PACKED, pack};
use rekindle_testplane::Namespace;
use serde::Serialize;
use serde_json::{Value, json};

use crate::support::namespace;

const NOW: Timestamp = Timestamp(1_767_323_045_250);

/// Far longer than any field.
fn long() -> String {
    "ö".repeat(9_000)
}

fn digest() -> Digest {
    Digest::parse(&format!("sha256:{}", "0a".repeat(32))).unwrap()
}

fn longest_name() -> ObjectName {
    ObjectName::parse(format!("{}.a", "a".repeat(251))).unwrap()
}

fn long_finding() -> Finding {
    let name = DocumentName::parse("a".repeat(253)).unwrap();
    let path = Path::root().key(long());
    Finding::error(Rule::Maximum, long()).in_document(&name).at(path).at_position(0, u32::MAX).hint(long())
}

async fn create<K>(namespace: &Namespace, object: Value) -> Result<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    K: Clone + std::fmt::Debug + Serialize + serde::de::DeserializeOwned,
{
    let api: Api<K> = namespace.api();
    Ok(api.create(&PostParams::default(), &serde_json::from_value(object)?).await?)
}

/// Writes a status; the server drops nothing of it.
async fn show<K>(namespace: &Namespace, name: &str, status: &impl Serialize) -> Result<K>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let params = PatchParams { field_validation: Some(ValidationDirective::Strict), ..Default::default() };
    let api: Api<K> = namespace.api();
    Ok(api.patch_status(name, &params, &Patch::Merge(json!({ "status": status }))).await?)
}

fn policy_json(name: &str) -> Value {
    json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": name},
        "spec": {"sources": [{"configMap": {"name": "checkout-config"}}]},
    })
}

fn version(documents: Documents, number: u64, origin: Origin) -> NewVersion {
    NewVersion {
        number: VersionNumber(number),
        digest: Digest::of(&documents),
        parent: (number > 1).then(|| VersionNumber(number - 1)),
        last_good: (number > 1).then(|| VersionNumber(number - 1)),
        origin,
        content: pack(&documents).unwrap(),
        documents,
        diff: Summary {
            added: usize::MAX,
            removed: 0,
            changed: 0,
            paths: vec!["ö".repeat(MAX_PATH_LENGTH); MAX_PATHS],
            truncated: true,
        },
        warnings: vec![long_finding(); 500],
    }
}

fn documents(name: &str, content: Vec<u8>) -> Documents {
    Documents::from_ordered(vec![(DocumentName::parse(name).unwrap(), Bytes::from(content))]).unwrap()
}

#[tokio::test]
async fn the_largest_status_of_a_policy_is_taken_and_read_back() -> Result<()> {
    let namespace = namespace("largest").await?;
    create::<ReloadPolicy>(&namespace, policy_json("checkout")).await?;
    let (version, running) = (VersionNumber(7), Running { version: VersionNumber(7), digest: digest() });
    let kinds = [
        ConditionKind::Ready,
        ConditionKind::SourceReady,
        ConditionKind::SchemaReady,
        ConditionKind::Valid,
        ConditionKind::TargetsReady,
        ConditionKind::BreakerClosed,
    ];
    let said = kinds.map(|kind| Condition { kind, truth: Truth::Unknown, reason: Reason::Settled, message: long() });
    let quarantined = Quarantined { digest: digest(), version, reason: long(), at: NOW, restored: true };
    let status = PolicyStatus {
        generation: 1,
        conditions: said.into(),
        active: Some(running),
        last_good: Some(running),
        last_number: Some(version),
        targets: TargetCounts { total: u32::MAX, confirmed: u32::MAX, ..Default::default() },
        failures: vec![TargetFailure { pod: longest_name(), version, reason: long() }; 30],
        breaker: Breaker::Open { until: NOW, reason: long() },
        quarantined: vec![quarantined; 60],
        set_aside: vec![SetAside { digest: digest(), version, rollback: longest_name(), at: NOW }; 60],
        findings: vec![long_finding(); 60],
        last_edit: LastEdit { digest: Some(digest()), outcome: Reason::Quarantined, message: long() },
    };
    let shown = policy_status(&status, None, NOW);

    let stored: ReloadPolicy = show(&namespace, "checkout", &shown).await?;

    let stored = stored.status.unwrap();
    assert_eq!(stored, shown);
    assert_eq!(policy_status(&status, Some(&stored), Timestamp(NOW.0 + 99_000)), stored, "nothing to write");
    let read = read_policy_status(&stored);
    assert_eq!((read.quarantined.len(), read.set_aside.len(), read.active), (50, 50, Some(running)));
    let unusable = unusable_policy_status(1, &long(), Some(&stored), NOW);
    assert_eq!(show::<ReloadPolicy>(&namespace, "checkout", &unusable).await?.status, Some(unusable));
    Ok(())
}

#[tokio::test]
async fn each_origin_is_recorded_and_read_back() -> Result<()> {
    let namespace = namespace("origins").await?;
    let owner: ReloadPolicy = create(&namespace, policy_json("checkout")).await?;
    let owner = policy(&owner)?;
    let (from, of, reason) = (VersionNumber(2), VersionNumber(1), "latency doubled".to_owned());
    let seen = |config_map| SeenSource {
        config_map,
        name: "checkout".to_owned(),
        resource_version: config_map.then(|| "812".to_owned()),
        field_manager: config_map.then(|| "kubectl-edit".to_owned()),
    };
    let undo = |forced| Origin::Rollback {
        name: ObjectName::parse("undo").unwrap(),
        uid: Uid::parse("1d0f").unwrap(),
        from,
        of,
        forced,
        reason: Some(reason.clone()),
    };
    let origins = [
        Origin::Edit(vec![seen(true); 8]),
        Origin::File(vec![seen(false)]),
        undo(true),
        undo(false),
        Origin::Revert { from, of, reason: reason.clone() },
    ];
    let api: Api<ConfigVersion> = namespace.api();
    for (origin, number) in origins.into_iter().zip(1..) {
        let version = version(documents("app.yaml", b"a: 1\n".to_vec()), number, origin);

        let stored = api.create(&PostParams::default(), &version_object(&owner, &version)).await?;

        let (id, read) = recorded(&stored)?;
        let expected = Recorded { created: read.created, ..Recorded::from(&version) };
        assert_eq!((id, &read), (owner.id.clone(), &expected));
        assert_eq!(read.open()?, version.documents);
    }
    let mine = api.list(&ListParams::default().fields("spec.policy=checkout")).await?;
    let others = api.list(&ListParams::default().fields("spec.policy=billing")).await?;
    assert_eq!((mine.items.len(), others.items.len()), (5, 0));
    Ok(())
}

#[tokio::test]
async fn the_largest_content_is_recorded_with_all_that_is_said_of_it() -> Result<()> {
    let namespace = namespace("record").await?;
    let owner: ReloadPolicy = create(&namespace, policy_json(&"a".repeat(240))).await?;
    let owner = policy(&owner)?;
    let seen = SeenSource {
        config_map: true,
        name: longest_name().to_string(),
        resource_version: Some("9".repeat(20)),
        field_manager: Some(long()),
    };
    // More than a ConfigMap holds, of bytes that cannot be compressed.
    let content = documents("logo", crate::crds::incompressible(MAX_PACKED - 100));
    let version = version(content, 999_999_999, Origin::Edit(vec![seen; 8]));
    let api: Api<ConfigVersion> = namespace.api();

    let stored = api.create(&PostParams::default(), &version_object(&owner, &version)).await?;
    assert_eq!(recorded(&stored)?.1.open()?, version.documents);

    let acks = (0..50).map(|number| Acknowledged {
        pod: ObjectName::parse(format!("checkout-7d9f8b6c5d-{number:05}")).unwrap(),
        uid: Uid::parse(format!("1d0f7a52-3c5e-4d0b-9a3e-{number:012}")).unwrap(),
        started: NOW,
    });
    let status = VersionStatus { active: true, proven: true, tripped: Some(long()), acks: acks.collect() };
    let shown = version_status(&status, None, NOW);
    let name = stored.metadata.name.unwrap();
    let stored: ConfigVersion = show(&namespace, &name, &shown).await?;
    assert_eq!(stored.status.as_ref(), Some(&shown));
    assert_eq!(recorded(&stored)?.1.acks.len(), 50);
    Ok(())
}

#[tokio::test]
async fn rollbacks_and_schemas_show_what_became_of_them() -> Result<()> {
    let namespace = namespace("shown").await?;
    let undo = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigRollback", "metadata": {"name": "undo"},
        "spec": {"policyRef": {"name": "checkout"}, "to": {"steps": 1}},
    });
    let undo: ConfigRollback = create(&namespace, undo).await?;
    assert!(!rollback_request(&undo)?.1.finished);
    let status = RollbackStatus {
        complete: Truth::True,
        reason: Reason::RolledBack,
        message: long(),
        from: Some(VersionNumber(7)),
        to: Some(VersionNumber(5)),
        version: Some(VersionNumber(8)),
        pods: Some((u32::MAX, u32::MAX)),
    };
    let shown = rollback_status(&status, None, NOW);
    let undo: ConfigRollback = show(&namespace, "undo", &shown).await?;
    assert_eq!(undo.status.as_ref(), Some(&shown));
    assert!(rollback_request(&undo)?.1.finished);

    let schema = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": "checkout"}, "spec": {},
    });
    create::<ConfigSchema>(&namespace, schema).await?;
    let fault = SchemaFault::new(long(), long()).at(0, u32::MAX).hint(long());
    let shown = schema_status(1, &vec![fault; 60], None, NOW);
    assert_eq!(show::<ConfigSchema>(&namespace, "checkout", &shown).await?.status, Some(shown));
    Ok(())
}

#[tokio::test]
async fn the_default_policy_of_a_config_map_is_taken() -> Result<()> {
    let namespace = namespace("default-policy").await?;
    let config_map = namespace.config_map("greeter", &[("a", "1")]).await?;
    let name = ObjectName::parse("greeter")?;
    let uid = Uid::parse(config_map.metadata.uid.unwrap())?;
    let object = default_policy(&name, &uid, &NamespaceName::parse(namespace.name())?)?;

    let stored: ReloadPolicy = namespace.api().create(&PostParams::default(), &object).await?;

    assert_eq!(stored.spec, object.spec);
    assert_eq!(policy(&stored)?.id.to_string(), format!("{}/greeter", namespace.name()));
    Ok(())
}
