//! The custom resources as the real API server sees them: what it takes, what it fills in, what it refuses and how it
//! says so.

use std::fs;

use anyhow::{Context, Result, bail};
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use rekindle_testplane::Namespace;
use serde_json::{Value, json};

use crate::support::{files, namespace, plane};

fn api(namespace: &Namespace, kind: &str) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("rekindle.dev", "v1alpha1", kind));
    Api::namespaced_with(namespace.client(), namespace.name(), &resource)
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "rekindle.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

async fn create(namespace: &Namespace, kind: &str, name: &str, spec: Value) -> Result<DynamicObject, kube::Error> {
    let object = serde_json::from_value(object(kind, name, spec)).map_err(kube::Error::SerdeError)?;
    api(namespace, kind).create(&PostParams::default(), &object).await
}

/// What the server says to an object that it must refuse.
fn refusal<T>(result: Result<T, kube::Error>) -> Result<String> {
    match result {
        Err(kube::Error::Api(status)) if status.code == 422 => Ok(status.message.clone()),
        Err(error) => Err(error).context("it was not refused as invalid"),
        Ok(_) => bail!("it was accepted"),
    }
}

/// The value with another one in a place; a null takes the place away.
fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    match value.pointer_mut(parent) {
        Some(Value::Object(entries)) if new.is_null() => drop(entries.remove(key)),
        Some(Value::Object(entries)) => drop(entries.insert(key.to_owned(), new)),
        Some(Value::Array(items)) => items.push(new),
        _ => panic!("{pointer} leads nowhere"),
    }
    value
}

/// Every bad object is refused with a message that says this.
async fn check_refusals(kind: &str, good: Value, bad: &[(&str, Value, &str)]) -> Result<()> {
    let namespace = namespace("refused").await?;
    for (number, (pointer, new, says)) in bad.iter().enumerate() {
        let spec = with(good.clone(), pointer, new.clone());
        let shown: String = format!("{pointer} = {new}").chars().take(100).collect();
        let name = if kind == "ConfigVersion" { "checkout-v7".to_owned() } else { format!("bad-{number}") };
        let message = refusal(create(&namespace, kind, &name, spec).await).with_context(|| shown.clone())?;
        assert!(message.contains(says), "{shown}: `{message}` does not say `{says}`");
    }
    Ok(())
}

fn policy() -> Value {
    json!({
        "sources": [{"configMap": {"name": "checkout-config"}}, {"files": {"path": "checkout"}}],
        "targets": {"selector": {"matchLabels": {"app": "checkout"}}},
    })
}

fn version() -> Value {
    json!({
        "policy": "checkout",
        "number": 7,
        "digest": format!("sha256:{}", "0a".repeat(32)),
        "parent": 6,
        "origin": {"type": "Edit", "sources": [
            {"kind": "ConfigMap", "name": "checkout-config", "resourceVersion": "812", "fieldManager": "kubectl-edit"},
        ]},
        "verdict": "Valid",
        "diff": {"added": 1, "removed": 0, "changed": 2, "summary": "+1 -0 ~2", "paths": ["app.yaml: pool"]},
        "content": {"encoding": "zstd", "data": "KLUv/QBYAQAA", "size": 0},
    })
}

fn rollback() -> Value {
    json!({"policyRef": {"name": "checkout"}, "to": {"version": 5}, "reason": "latency doubled"})
}

#[test]
fn the_committed_definitions_are_those_of_the_code() -> Result<()> {
    let fresh = tempfile::tempdir()?;
    rekindle::cli::crds::write_files(fresh.path())?;
    let mut printed = Vec::new();
    rekindle::cli::crds::print(&mut printed)?;
    let printed = String::from_utf8(printed)?;
    let committed = files("crds")?;
    assert_eq!(committed.len(), 4);
    for path in committed {
        let text = fs::read_to_string(&path)?;
        let name = path.file_name().context("a name")?;
        assert_eq!(text, fs::read_to_string(fresh.path().join(name))?, "run `make generate` and commit the result");
        assert!(printed.contains(&format!("---\n{text}")), "{name:?} is not printed");
    }
    Ok(())
}

#[tokio::test]
async fn every_example_is_accepted_and_leaves_nothing_out() -> Result<()> {
    let namespace = namespace("examples").await?;
    for path in files("docs/examples")? {
        let text = fs::read_to_string(&path)?;
        for wanted in rekindle_testplane::parse_documents(&text)? {
            let shown = format!("{}: {:?}", path.display(), wanted.metadata.name);
            let applied = namespace.apply(&serde_json::to_string(&wanted)?).await.with_context(|| shown.clone())?;
            let applied = applied.first().with_context(|| shown.clone())?;
            assert!(holds(&applied.data, &wanted.data), "{shown}: a field was dropped: {:#}", applied.data);
        }
    }
    Ok(())
}

/// Whether everything that is wanted is there.
fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| there.get(key).is_some_and(|there| holds(there, wanted)))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len() && there.iter().zip(wanted).all(|(there, wanted)| holds(there, wanted))
        }
        _ => there == wanted,
    }
}

#[tokio::test]
async fn a_small_policy_is_filled_up_with_the_defaults() -> Result<()> {
    let namespace = namespace("defaults").await?;

    let created = create(&namespace, "ReloadPolicy", "checkout", policy()).await?;

    let spec = created.data.get("spec").context("a spec")?;
    let expected = json!({
        "sources": [{"configMap": {"name": "checkout-config"}}, {"files": {"path": "checkout"}}],
        "targets": {
            "selector": {"matchLabels": {"app": "checkout"}},
            "port": 8080,
            "path": "/rekindle/v1/config",
            "payload": "Content",
            "timeout": "2s",
            "hostNetwork": false,
        },
        "breaker": {"consecutiveFailures": 3, "failurePercent": 50, "minimumPods": 3, "openFor": "60s"},
        "revert": {"automatic": true, "source": "Keep"},
        "history": {"limit": 10},
        "mode": "Enforce",
    });
    assert_eq!(spec, &expected);
    let typed: rekindle_api::ReloadPolicySpec = serde_json::from_value(spec.clone())?;
    assert_eq!(typed, serde_json::from_value(policy())?, "the server and the types fill in the same");
    Ok(())
}

#[tokio::test]
async fn null_is_the_same_as_absent() -> Result<()> {
    let namespace = namespace("nulls").await?;
    let spec = json!({"sources": [{"configMap": {"name": "a", "include": null}, "files": null}], "mode": null});

    let created = create(&namespace, "ReloadPolicy", "checkout", spec).await?;

    assert_eq!(created.data.pointer("/spec/sources"), Some(&json!([{"configMap": {"name": "a"}}])));
    assert_eq!(created.data.pointer("/spec/mode"), Some(&json!("Enforce")));
    Ok(())
}

#[tokio::test]
async fn a_bad_policy_is_refused_and_told_why() -> Result<()> {
    let config_map = |name: &str| json!({"configMap": {"name": name}});
    let path = |path: &str| json!([{"files": {"path": path}}]);
    let nine: Vec<_> = (0..9).map(|number| config_map(&format!("config-{number}"))).collect();
    let relative = "must be a relative path";
    let absolute = "must be a path that begins with `/`";
    let port = "must be a number from 1 to 65535 or the name of a container's port";
    let time = "must be a duration from 100ms to 60s, such as `500ms`, `2s` or `1m30s`";
    let name = "must be an object name: lower case letters";
    let one = "give exactly one of configMap and files";
    let bad = [
        ("/sources", json!(null), "spec.sources: Required value"),
        ("/sources", json!([]), "should have at least 1 items"),
        ("/sources", json!(nine), "must have at most 8 items"),
        ("/sources", json!([{}]), one),
        ("/sources", json!([{"configMap": {"name": "a"}, "files": {"path": "a"}}]), one),
        ("/sources", json!([config_map("a"), config_map("a")]), "two sources name the same ConfigMap"),
        ("/sources", json!([{"files": {"path": "a"}}, {"files": {"path": "a"}}]), "two sources name the same path"),
        ("/sources", json!([config_map("Checkout_Config")]), name),
        ("/sources", json!([{"configMap": {"name": "a", "include": ["etc/*.yaml"]}}]), "a glob over document names"),
        ("/sources", path("/etc"), relative),
        ("/sources", path("../etc"), relative),
        ("/sources", path("a/../../etc"), relative),
        ("/sources", path("a/./b"), relative),
        ("/sources", path("a//b"), relative),
        ("/sources", path("a/"), relative),
        ("/schemaRef", json!({"name": ""}), "spec.schemaRef.name"),
        ("/targets/selector", json!(null), "spec.targets.selector: Required value"),
        ("/targets/selector", json!({"matchExpressions": [{"key": "a", "operator": "Near"}]}), "supported values"),
        (
            "/targets/selector",
            json!({"matchExpressions": [{"key": "a", "operator": "In"}]}),
            "In and NotIn need values",
        ),
        ("/targets/port", json!(0), port),
        ("/targets/port", json!(65536), port),
        ("/targets/port", json!("8080"), port),
        ("/targets/port", json!("Http"), port),
        ("/targets/port", json!("a-port-of-a-long-name"), "15"),
        ("/targets/path", json!("reload"), absolute),
        ("/targets/path", json!("http://other/reload"), absolute),
        ("/targets/path", json!("//other/reload"), absolute),
        ("/targets/path", json!("/a/../reload"), absolute),
        ("/targets/path", json!("/a/.."), absolute),
        ("/targets/path", json!("/%2e%2e/reload"), absolute),
        ("/targets/path", json!("/reload?now=1"), absolute),
        ("/targets/path", json!("/re load"), absolute),
        ("/targets/payload", json!("Everything"), "supported values: \"Content\", \"Notice\""),
        ("/targets/timeout", json!("99ms"), time),
        ("/targets/timeout", json!("61s"), time),
        ("/targets/timeout", json!("2"), time),
        ("/targets/timeout", json!("-2s"), time),
        ("/breaker", json!({"consecutiveFailures": 0}), "should be greater than or equal to 1"),
        ("/breaker", json!({"failurePercent": 101}), "should be less than or equal to 100"),
        ("/breaker", json!({"minimumPods": 1001}), "should be less than or equal to 1000"),
        ("/breaker", json!({"openFor": "25h"}), "must be a duration from 1s to 24h"),
        ("/revert", json!({"source": "Delete"}), "supported values: \"Keep\", \"Restore\""),
        ("/activeCopy", json!({"name": "checkout-config"}), "activeCopy must not be one of the sources"),
        ("/history", json!({"limit": 1}), "should be greater than or equal to 2"),
        ("/history", json!({"limit": 101}), "should be less than or equal to 100"),
        ("/mode", json!("Off"), "supported values: \"Enforce\", \"Observe\", \"Paused\""),
    ];
    check_refusals("ReloadPolicy", policy(), &bad).await?;

    let namespace = namespace("long-name").await?;
    let message = refusal(create(&namespace, "ReloadPolicy", &"a".repeat(241), policy()).await)?;
    assert!(message.contains("metadata.name must have at most 240 characters"), "{message}");
    create(&namespace, "ReloadPolicy", &"a".repeat(240), policy()).await?;
    Ok(())
}

#[tokio::test]
async fn a_field_that_nobody_knows_is_refused_under_strict_validation() -> Result<()> {
    let namespace = namespace("unknown").await?;
    let spec = with(policy(), "/rollout", json!({"stages": [{"pods": 1}]}));
    let wanted = object("ReloadPolicy", "checkout", spec);
    let params =
        PatchParams { field_validation: Some(kube::api::ValidationDirective::Strict), ..PatchParams::apply("test") };

    let result = api(&namespace, "ReloadPolicy").patch("checkout", &params, &Patch::Apply(&wanted)).await;

    let Err(kube::Error::Api(status)) = result else { bail!("it was accepted") };
    assert!(status.message.contains("rollout"), "{}", status.message);
    Ok(())
}

#[tokio::test]
async fn a_bad_schema_is_refused_and_told_why() -> Result<()> {
    let good = json!({
        "documents": [{"match": "app.yaml", "schema": {"type": "object"}, "rules": [{"rule": "true"}]}],
        "merged": {"dependencies": [{"when": "tls.enabled", "requires": ["tls.cert"]}]},
    });
    let bad = [
        ("/documents/0/match", json!(null), "spec.documents[0].match: Required value"),
        ("/documents/0/match", json!("etc/app.yaml"), "a glob over document names"),
        ("/documents/0/schema", json!("object"), "must be of type object"),
        ("/documents/0/rules", json!([{"message": "no"}]), "rules[0].rule: Required value"),
        ("/documents/0/rules", json!([{"rule": "a".repeat(4097)}]), "may not be more than 4096 bytes"),
        (
            "/documents/0/rules",
            json!([{"rule": "true", "severity": "Fatal"}]),
            "supported values: \"Error\", \"Warning\"",
        ),
        ("/merged/dependencies", json!([{"when": "a", "requires": []}]), "should have at least 1 items"),
        ("/unknownFields", json!("Drop"), "supported values: \"Deny\", \"Allow\", \"Warn\""),
        ("/yaml", json!("1.3"), "supported values: \"1.1\", \"1.2\""),
    ];
    check_refusals("ConfigSchema", good, &bad).await
}

#[tokio::test]
async fn a_schema_keeps_what_the_server_has_no_type_for() -> Result<()> {
    let namespace = namespace("free-form").await?;
    let schema = json!({"type": "object", "properties": {"a": {"nullable": true, "default": null, "enum": [1, null]}}});
    let spec = json!({"documents": [{"match": "*", "schema": schema}]});

    let created = create(&namespace, "ConfigSchema", "checkout", spec).await?;

    assert_eq!(created.data.pointer("/spec/documents/0/schema"), Some(&schema));
    assert_eq!(created.data.pointer("/spec/unknownFields"), Some(&json!("Deny")));
    assert_eq!(created.data.pointer("/spec/yaml"), Some(&json!("1.2")));
    Ok(())
}

#[tokio::test]
async fn a_bad_version_is_refused_and_told_why() -> Result<()> {
    let revert = json!({"type": "Revert", "from": 6, "of": 5, "reason": "3 pods refused it"});
    let bad = [
        ("/number", json!(8), "metadata.name must be `<policy>-v<number>`"),
        ("/policy", json!("billing"), "metadata.name must be `<policy>-v<number>`"),
        ("/number", json!(0), "should be greater than or equal to 1"),
        ("/digest", json!("sha256:00"), "spec.digest"),
        ("/verdict", json!("Invalid"), "supported values: \"Valid\", \"Forced\""),
        ("/origin", with(revert.clone(), "/of", json!(null)), "from and of are given for origins of type Rollback"),
        ("/origin", with(revert, "/type", json!("Rollback")), "rollback is given for an origin of type Rollback"),
        ("/origin", json!({"type": "Magic"}), "supported values: \"Edit\", \"File\", \"Rollback\", \"Revert\""),
        ("/content/encoding", json!("gzip"), "supported values: \"zstd\""),
        ("/content/data", json!("a".repeat(1_500_001)), "spec.content.data"),
    ];
    check_refusals("ConfigVersion", version(), &bad).await
}

#[tokio::test]
async fn a_bad_rollback_is_refused_and_told_why() -> Result<()> {
    let one = "give exactly one of version, steps and lastGood";
    let bad = [
        ("/policyRef", json!(null), "spec.policyRef: Required value"),
        ("/to", json!({}), one),
        ("/to", json!({"version": 5, "steps": 1}), one),
        ("/to", json!({"steps": 1, "lastGood": true}), one),
        ("/to", json!({"lastGood": false}), "must be true; leave it out otherwise"),
        ("/to", json!({"steps": 0}), "should be greater than or equal to 1"),
        ("/to", json!({"steps": 101}), "should be less than or equal to 100"),
        ("/to", json!({"version": -1}), "should be greater than or equal to 1"),
        ("/reason", json!("a".repeat(1025)), "may not be more than 1024 bytes"),
    ];
    check_refusals("ConfigRollback", rollback(), &bad).await
}

#[tokio::test]
async fn versions_and_rollbacks_cannot_be_changed() -> Result<()> {
    let namespace = namespace("immutable").await?;
    let cases = [
        ("ConfigVersion", "checkout-v7", version(), json!({"spec": {"diff": {"added": 2}}}), "a version is immutable"),
        ("ConfigRollback", "undo", rollback(), json!({"spec": {"force": true}}), "a rollback is done once"),
        ("ConfigRollback", "again", rollback(), json!({"spec": {"to": {"version": null, "steps": 1}}}), "done once"),
    ];
    for (kind, name, spec, change, says) in cases {
        create(&namespace, kind, name, spec).await?;
        let api = api(&namespace, kind);
        let labelled = json!({"metadata": {"labels": {"seen": "yes"}}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(labelled)).await?;
        let message = refusal(api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await)?;
        assert!(message.contains(says), "{message}");
    }
    Ok(())
}

#[tokio::test]
async fn the_largest_content_is_recorded_and_its_status_can_be_written() -> Result<()> {
    use base64::Engine as _;
    let namespace = namespace("large").await?;
    let content = incompressible(rekindle_core::version::content::MAX_PACKED);
    let data = base64::prelude::BASE64_STANDARD.encode(content);
    let spec = with(version(), "/content/data", json!(data));

    create(&namespace, "ConfigVersion", "checkout-v7", spec).await?;
    let status = json!({"status": {"summary": "active"}});
    let patched = api(&namespace, "ConfigVersion")
        .patch_status("checkout-v7", &PatchParams::default(), &Patch::Merge(status))
        .await?;

    assert_eq!(patched.data.pointer("/spec/content/data"), Some(&json!(data)));
    assert_eq!(patched.data.pointer("/status/summary"), Some(&json!("active")));
    Ok(())
}

/// Bytes in which nothing repeats, always the same.
pub fn incompressible(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

#[tokio::test]
async fn a_full_status_is_accepted_and_reads_back_as_it_was() -> Result<()> {
    let namespace = namespace("status").await?;
    create(&namespace, "ReloadPolicy", "checkout", policy()).await?;
    let digest = format!("sha256:{}", "0a".repeat(32));
    let reference = json!({"version": 7, "digest": digest});
    let status = json!({
        "observedGeneration": 1,
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "Quarantined", "message": "it hurt before",
            "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z",
        }],
        "active": reference,
        "lastGood": reference,
        "lastNumber": 7,
        "targets": {
            "total": 3, "confirmed": 2, "delivered": 0, "refused": 1, "failed": 0, "pending": 0, "unusable": 0,
            "summary": "2/3",
        },
        "failures": [{"pod": "checkout-1", "version": 7, "reason": "pool is too small"}],
        "breaker": {"state": "Open", "openUntil": "2026-01-02T03:05:05.250000Z", "reason": "3 pods in a row"},
        "quarantined": [{
            "digest": digest, "version": 6, "reason": "3 pods in a row", "at": "2026-01-02T03:04:05.250000Z",
            "restored": false,
        }],
        "setAside": [{"digest": digest, "version": 5, "rollback": "undo", "at": "2026-01-02T03:04:05.250000Z"}],
        "findings": [{"severity": "Error", "document": "app.yaml", "line": 3, "column": 7, "path": "pool.size",
            "rule": "Maximum", "message": "must be at most 100", "hint": "lower it"}],
        "lastEdit": {"digest": digest, "outcome": "Quarantined", "message": "it hurt before"},
    });
    let typed: rekindle_api::ReloadPolicyStatus = serde_json::from_value(status.clone())?;

    let patch = json!({"status": typed});
    let params = PatchParams { field_validation: Some(kube::api::ValidationDirective::Strict), ..Default::default() };
    let patched = api(&namespace, "ReloadPolicy").patch_status("checkout", &params, &Patch::Merge(patch)).await?;

    assert_eq!(patched.data.get("status"), Some(&status));
    let table = plane().await?.kubectl(&["-n", namespace.name(), "get", "rp"]).await?;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let [header, row] = rows.as_slice() else { bail!("{table}") };
    assert_eq!(header[..], ["NAME", "READY", "ACTIVE", "LAST-GOOD", "CONFIRMED", "BREAKER", "REASON", "AGE"]);
    assert_eq!(row[..7], ["checkout", "False", "7", "7", "2/3", "Open", "Quarantined"]);
    Ok(())
}

#[tokio::test]
async fn kubectl_knows_the_kinds_by_their_short_names_and_explains_each_field() -> Result<()> {
    let plane = plane().await?;
    for (short, kind) in
        [("rp", "ReloadPolicy"), ("csc", "ConfigSchema"), ("cv", "ConfigVersion"), ("cr", "ConfigRollback")]
    {
        let explained = plane.kubectl(&["explain", short]).await?;
        assert!(explained.contains(&format!("KIND:       {kind}")), "{explained}");
    }
    let listed = plane.kubectl(&["api-resources", "--categories", "rekindle", "--no-headers"]).await?;
    assert_eq!(listed.lines().count(), 4, "{listed}");
    let explained = plane.kubectl(&["explain", "rp.spec.targets.timeout"]).await?;
    assert!(explained.contains("How long one push may take, from 100ms to 60s."), "{explained}");
    Ok(())
}
