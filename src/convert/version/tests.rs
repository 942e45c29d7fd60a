//! A version that is recorded comes back as it was, and a record that a hand changed is noticed.
//! Whether the API server takes the object is asked in the integration tests.

use bytes::Bytes;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::finding::{Finding, Rule};
use rekindle_core::version::content::pack;
use serde_json::json;

use super::*;
use crate::convert::policy::policy;

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn owner() -> Policy {
    let object = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy",
        "metadata": {"namespace": "shop", "name": "checkout", "uid": "p-1"},
        "spec": {"sources": [{"configMap": {"name": "checkout-config"}}]},
    });
    policy(&serde_json::from_value(object).unwrap()).unwrap()
}

fn version(origin: Origin) -> NewVersion {
    let document = (DocumentName::parse("app.yaml").unwrap(), Bytes::from_static(b"a: 1\n"));
    let documents = Documents::from_ordered(vec![document]).unwrap();
    NewVersion {
        number: VersionNumber(7),
        digest: Digest::of(&documents),
        parent: Some(VersionNumber(6)),
        last_good: Some(VersionNumber(5)),
        origin,
        content: pack(&documents).unwrap(),
        documents,
        diff: Summary { added: 1, removed: 0, changed: 2, paths: vec!["a".to_owned()], truncated: false },
        warnings: vec![Finding::warning(Rule::UnknownField, "not known")],
    }
}

fn edit() -> Origin {
    Origin::Edit(vec![SeenSource {
        config_map: true,
        name: "checkout-config".to_owned(),
        resource_version: Some("812".to_owned()),
        field_manager: Some("kubectl-edit".to_owned()),
    }])
}

#[test]
fn every_origin_comes_back_with_its_content() {
    let (from, of) = (VersionNumber(6), VersionNumber(5));
    let rollback = |forced| Origin::Rollback {
        name: name("undo"),
        uid: Uid::parse("r-1").unwrap(),
        from,
        of,
        forced,
        reason: Some("slow".to_owned()),
    };
    let files =
        SeenSource { config_map: false, name: "base/checkout".to_owned(), resource_version: None, field_manager: None };
    let revert = Origin::Revert { from, of, reason: "3 pods in a row".to_owned() };
    for origin in [edit(), Origin::File(vec![files]), rollback(false), rollback(true), revert] {
        let version = version(origin);
        let object = version_object(&owner(), &version);

        let (id, recorded) = recorded(&object).unwrap();

        assert_eq!(id, owner().id);
        assert_eq!(recorded, Recorded::from(&version));
        assert_eq!(recorded.open(), Ok(version.documents));
    }
}

#[test]
fn the_object_is_named_after_its_number_and_owned_by_its_policy() {
    let object = version_object(&owner(), &version(edit()));

    assert_eq!(object.metadata.name.as_deref(), Some("checkout-v7"));
    let owners = object.metadata.owner_references.unwrap();
    assert_eq!(
        (owners[0].kind.as_str(), owners[0].uid.as_str(), owners[0].controller),
        ("ReloadPolicy", "p-1", Some(true))
    );
    assert_eq!((object.spec.verdict, object.spec.diff.summary.as_str()), (api::Verdict::Valid, "+1 -0 ~2"));
    assert_eq!((object.spec.findings.len(), object.spec.content.size), (1, 5));
}

#[test]
fn a_record_that_a_hand_changed_is_noticed() {
    let good = version_object(&owner(), &version(edit()));

    let mut content = good.clone();
    content.spec.content.data = "not base64!".to_owned();
    assert!(recorded(&content).unwrap().1.open().is_err());
    let mut digest = good.clone();
    digest.spec.digest = format!("sha256:{}", "0".repeat(64));
    assert!(matches!(recorded(&digest).unwrap().1.open(), Err(UnpackError::Digest { .. })));
    let mut number = good.clone();
    number.spec.number = 8;
    assert!(recorded(&number).unwrap_err().to_string().starts_with("metadata.name"));
    let mut origin = good;
    origin.spec.origin.type_ = api::OriginType::Revert;
    assert_eq!(recorded(&origin).unwrap_err().to_string(), "spec.origin.from: it is missing");
}

#[test]
fn the_status_comes_back_and_nothing_new_changes_nothing() {
    let ack = Acknowledged {
        pod: name("checkout-0"),
        uid: Uid::parse("u-1").unwrap(),
        started: Timestamp(1_767_323_045_000),
    };
    let status = VersionStatus { active: true, proven: true, tripped: None, acks: vec![ack.clone()] };
    let shown = version_status(&status, None, Timestamp(1_000));
    assert_eq!(version_status(&status, Some(&shown), Timestamp(9_000)), shown);
    assert_eq!(shown.summary.as_deref(), Some("active, proven"));

    let mut object = version_object(&owner(), &version(edit()));
    object.status = Some(shown);
    let (_, recorded) = recorded(&object).unwrap();

    assert!(recorded.proven);
    let key = TargetKey { uid: ack.uid, started: ack.started };
    assert_eq!(recorded.acks, [(key, ack.pod)].into());
}

#[test]
fn where_a_version_stands_is_said_in_a_few_words() {
    let say = |active, proven, tripped: bool| {
        let tripped = tripped.then(|| "3 pods in a row".to_owned());
        let shown = version_status(&VersionStatus { active, proven, tripped, acks: Vec::new() }, None, Timestamp(0));
        let true_ones = shown.conditions.iter().filter(|condition| condition.status == "True");
        (shown.summary.unwrap(), true_ones.map(|condition| condition.type_.clone()).collect::<Vec<_>>().join(" "))
    };
    let expect = |summary: &str, holds: &str| (summary.to_owned(), holds.to_owned());
    assert_eq!(say(true, false, false), expect("active, rolling out", "Active"));
    assert_eq!(say(false, true, false), expect("proven", "Proven"));
    assert_eq!(say(false, false, false), expect("superseded", ""));
    assert_eq!(say(true, false, true), expect("active, tripped", "Active Tripped"));
    assert_eq!(say(false, true, true), expect("tripped", "Proven Tripped"));
}

#[test]
fn a_record_is_shown_without_its_content() {
    let object = version_object(&owner(), &version(edit()));

    let shown = format!("{object:?}");

    assert!(shown.contains("Content(Zstd, 5 bytes)") && !shown.contains(&object.spec.content.data), "{shown}");
}
