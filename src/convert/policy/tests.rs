//! What reaches the core, and what an object is told that cannot be used.
//! Objects are written as JSON, as the API server sends them.

use serde_json::{Value, json};

use super::*;

fn object(spec: Value) -> api::ReloadPolicy {
    let object = json!({
        "apiVersion": "rekindle.dev/v1alpha1",
        "kind": "ReloadPolicy",
        "metadata": {
            "namespace": "shop", "name": "checkout", "uid": "u-1", "generation": 4,
            "creationTimestamp": "2026-01-02T03:04:05Z",
        },
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

fn with_targets(targets: Value) -> Value {
    json!({"sources": [{"configMap": {"name": "a"}}], "targets": targets})
}

#[track_caller]
fn refused(spec: Value, says: &str) {
    let error = policy(&object(spec.clone())).map(drop).map_err(|error| error.to_string()).unwrap_err();
    assert!(error.contains(says), "{spec}: `{error}` does not say `{says}`");
}

#[test]
fn a_small_policy_gets_the_defaults() {
    let policy = policy(&object(with_targets(json!({"selector": {}})))).unwrap();

    assert_eq!(policy.id.to_string(), "shop/checkout");
    assert_eq!((policy.uid.as_str(), policy.created, policy.generation), ("u-1", Timestamp(1_767_323_045_000), 4));
    let expected = TargetRules {
        selector: LabelSelector::default(),
        port: PortRef::Number(8080),
        path: PushPath::parse("/rekindle/v1/config").unwrap(),
        payload: Payload::Content,
        timeout: Duration::from_secs(2),
        host_network: false,
    };
    assert_eq!(policy.targets, Some(expected));
    let rules = BreakerRules {
        consecutive_failures: 3,
        failure_percent: 50,
        minimum_pods: 3,
        open_for: Duration::from_secs(60),
    };
    assert_eq!(policy.breaker, rules);
    assert_eq!(policy.revert, RevertRules { automatic: true, restore_source: false });
    assert_eq!((policy.schema, policy.active_copy), (None, None));
    assert_eq!((policy.history_limit, policy.mode), (10, Mode::Enforce));
}

#[test]
fn everything_that_is_written_reaches_the_core() {
    let policy = policy(&object(json!({
        "sources": [{"files": {"path": "base/checkout"}}, {"configMap": {"name": "a", "include": ["*.yaml"]}}],
        "schemaRef": {"name": "schema"},
        "targets": {
            "selector": {
                "matchLabels": {"app": "checkout"},
                "matchExpressions": [{"key": "track", "operator": "NotIn", "values": ["canary"]}],
            },
            "port": "http", "path": "/-/reload", "payload": "Notice", "timeout": "1m", "hostNetwork": true,
        },
        "breaker": {"consecutiveFailures": 1, "failurePercent": 100, "minimumPods": 7, "openFor": "1h30m"},
        "revert": {"automatic": false, "source": "Restore"},
        "activeCopy": {"name": "copy"},
        "history": {"limit": 2},
        "mode": "Paused",
    })))
    .unwrap();

    let [Source::Files { path }, Source::ConfigMap { name, include }] = policy.sources.as_slice() else {
        panic!("{:?}", policy.sources)
    };
    assert_eq!((path.as_str(), name.as_str()), ("base/checkout", "a"));
    let document = |text: &str| rekindle_core::document::DocumentName::parse(text).unwrap();
    assert!(include.takes(&document("app.yaml")) && !include.takes(&document("app.json")));
    let targets = policy.targets.unwrap();
    assert_eq!(targets.selector.match_labels["app"], "checkout");
    let requirement = Requirement::parse("track", "NotIn", ["canary".to_owned()]).unwrap();
    assert_eq!(targets.selector.match_expressions, [requirement]);
    assert_eq!((targets.port, targets.path.as_str()), (PortRef::Name("http".to_owned()), "/-/reload"));
    assert_eq!((targets.payload, targets.host_network), (Payload::Notice, true));
    assert_eq!(targets.timeout, Duration::from_secs(60));
    assert_eq!((policy.breaker.consecutive_failures, policy.breaker.failure_percent), (1, 100));
    assert_eq!((policy.breaker.minimum_pods, policy.breaker.open_for), (7, Duration::from_secs(5400)));
    assert_eq!(policy.revert, RevertRules { automatic: false, restore_source: true });
    assert_eq!(policy.schema.map(|name| name.to_string()), Some("schema".to_owned()));
    assert_eq!(policy.active_copy.map(|name| name.to_string()), Some("copy".to_owned()));
    assert_eq!((policy.history_limit, policy.mode), (2, Mode::Paused));
}

#[test]
fn an_object_that_slipped_past_the_rules_is_told_which_field_is_wrong() {
    let a = json!({"configMap": {"name": "a"}});
    refused(json!({"sources": []}), "spec.sources: there must be 1 to 8 sources");
    refused(json!({"sources": [{}]}), "spec.sources[0]: give exactly one of configMap and files");
    refused(json!({"sources": [a, a]}), "spec.sources[1]: it is named twice");
    refused(json!({"sources": [{"configMap": {"name": "A"}}]}), "spec.sources[0].configMap.name: `A` is not a valid");
    refused(
        json!({"sources": [{"configMap": {"name": "a", "include": ["["]}}]}),
        "configMap.include: `[` is not a glob",
    );
    for path in ["/etc", "..", "a/../b", "a//b", "a/", "", "a b"] {
        refused(
            json!({"sources": [{"files": {"path": path}}]}),
            "spec.sources[0].files.path: it must be a relative path",
        );
    }
    refused(json!({"sources": [a], "schemaRef": {"name": ""}}), "spec.schemaRef.name");
    refused(json!({"sources": [a], "activeCopy": {"name": "a"}}), "spec.activeCopy.name: it is one of the sources");
    refused(json!({"sources": [a], "history": {"limit": 1}}), "spec.history.limit: it must be a number from 2 to 100");
    refused(json!({"sources": [a], "breaker": {"openFor": "0s"}}), "spec.breaker.openFor: it is outside its bounds");
    refused(json!({"sources": [a], "breaker": {"failurePercent": 0}}), "spec.breaker.failurePercent: it must be");
    refused(with_targets(json!({"selector": {}, "port": 0})), "spec.targets.port");
    refused(with_targets(json!({"selector": {}, "path": "x"})), "spec.targets.path");
    refused(with_targets(json!({"selector": {}, "timeout": "2"})), "spec.targets.timeout: it is not a duration");
    let without_values = json!({"matchExpressions": [{"key": "a", "operator": "In"}]});
    refused(with_targets(json!({"selector": without_values})), "spec.targets.selector.matchExpressions[0]");
}

#[test]
fn the_default_policy_of_a_config_map_is_owned_by_it_and_usable() {
    let (namespace, name) = (Namespace::parse("shop").unwrap(), ObjectName::parse("greeter").unwrap());
    let uid = Uid::parse("c-1").unwrap();

    let mut object = default_policy(&name, &uid, &namespace).unwrap();

    let owner = &object.metadata.owner_references.as_ref().unwrap()[0];
    assert_eq!((owner.kind.as_str(), owner.name.as_str(), owner.uid.as_str()), ("ConfigMap", "greeter", "c-1"));
    object.metadata.uid = Some("p-1".to_owned());
    let policy = policy(&object).unwrap();
    assert_eq!(policy.id.to_string(), "shop/greeter");
    assert!(matches!(&policy.sources[..], [Source::ConfigMap { name, .. }] if name.as_str() == "greeter"));
    assert_eq!(policy.targets.unwrap().selector, LabelSelector::default());

    let long = ObjectName::parse("a".repeat(241)).unwrap();
    assert!(default_policy(&long, &uid, &namespace).is_err());
}
