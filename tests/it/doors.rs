//! Bad input at every door: each gives an error or condition that says what, where and what to do; nothing is lost.

use anyhow::Result;
use rekindle_testplane::{ControlPlane, FakePod, Options};
use serde_json::{Value, json};

use crate::support::operator::Operator;
use crate::support::scene::{Scene, policy};
use crate::support::target::{Target, takes_all};

const GOOD: &str = "pool: 10\n";

fn text(condition: &Value) -> String {
    condition["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_missing_or_broken_holds_what_runs() -> Result<()> {
    let mut scene = Scene::empty("noschema").await?;
    let mut policy = policy();
    policy["spec"]["schemaRef"] = json!({"name": "chekout"});
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator().await?;
    scene.edit(GOOD).await?;
    let condition = scene.condition("SchemaReady", "False", "SchemaMissing").await?;
    assert!(text(&condition).contains("schema"), "{condition}");
    assert!(text(&scene.condition("Ready", "False", "SchemaMissing").await?).len() > 10);
    let mut schema = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": "chekout"},
        "spec": {"merged": {"rules": [{"rule": "self.pool <="}]}},
    });
    scene.apply(&schema).await?;
    scene.condition("SchemaReady", "False", "SchemaBroken").await?;
    scene
        .until("the schema says what is wrong with it", async || {
            let found = scene.api::<rekindle_api::ConfigSchema>().get("chekout").await?;
            let fault = &serde_json::to_value(found)?["status"]["faults"][0];
            Ok(fault["place"].as_str().is_some_and(|place| place.contains("merged.rules[0]")))
        })
        .await?;
    assert_eq!(scene.targets[0].requests(), 0);
    schema["spec"] = json!({"unknownFields": "Allow", "merged": {"rules": [{"rule": "self.pool <= 50"}],
        "schema": {"type": "object", "properties": {"pool": {"type": "integer"}}}}});
    scene.apply(&schema).await?;
    scene.all_run(GOOD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selector_that_matches_nothing_says_so() -> Result<()> {
    let scene = Scene::usual("nopods", 0, takes_all()).await?;
    scene.namespace.fake_pod(FakePod::named("silent").label("app", "checkout")).await?;
    scene.edit(GOOD).await?;
    let condition = scene.condition("TargetsReady", "True", "NoTargets").await?;
    assert!(text(&condition).contains("rekindle.dev/reload"), "it says what is missing: {condition}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn annotations_that_cannot_be_used_are_named() -> Result<()> {
    let scene = Scene::usual("odd", 0, takes_all()).await?;
    let cases = [
        ("path", "/a/../b"),
        ("path", "http://elsewhere/"),
        ("path", "//elsewhere/x"),
        ("port", "0"),
        ("port", "70000"),
        ("timeout", "1h"),
    ];
    scene.edit(GOOD).await?;
    for (annotation, value) in cases {
        let manifest = Target::manifest("checkout-odd").annotation(&format!("rekindle.dev/{annotation}"), value);
        let target = Target::start_as(&scene.namespace, manifest, takes_all()).await?;
        let condition = scene.condition("TargetsReady", "False", "Unusable").await?;
        assert!(text(&condition).contains(annotation), "{annotation}={value}: {condition}");
        assert_eq!(target.requests(), 0);
        let pods = scene.api::<k8s_openapi::api::core::v1::Pod>();
        pods.delete("checkout-odd", &kube::api::DeleteParams::default().grace_period(0)).await?;
        scene.condition("TargetsReady", "True", "NoTargets").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_do_not_parse_are_refused_with_their_place() -> Result<()> {
    let scene = Scene::usual("broken", 1, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    let cases = [
        ("app.yaml", "a: 1\na: 2\n", "DuplicateKey", 2),
        ("app.yaml", "a: [1, 2\n", "Syntax", 2),
        ("app.json", "{\"a\": }", "Syntax", 1),
        ("app.toml", "a = \n", "Syntax", 1),
        (".env", "A=1\nA=2\n", "DuplicateKey", 2),
    ];
    for (name, content, rule, line) in cases {
        scene.edit_keys(&[(name, content)]).await?;
        scene
            .until(&format!("{name} {content:?} is refused"), async || {
                let finding = scene.policy().await?["status"]["findings"][0].clone();
                Ok(finding["document"] == name && finding["rule"] == rule && finding["line"] == line)
            })
            .await?;
    }
    assert_eq!(scene.targets[0].requests(), 1);
    scene.edit("pool: 11\n").await?;
    scene.all_run("pool: 11\n").await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_keys_are_pushed_like_one() -> Result<()> {
    let scene = Scene::usual("keys", 1, takes_all()).await?;
    let names: Vec<String> = (0..200).map(|number| format!("part-{number:03}.yaml")).collect();
    let contents: Vec<String> = (0..200).map(|number| format!("key{number}: {number}\n")).collect();
    let entries: Vec<(&str, &str)> = names.iter().zip(&contents).map(|(name, text)| (&**name, &**text)).collect();
    scene.edit_keys(&entries).await?;
    scene.condition("Ready", "True", "Settled").await?;
    assert_eq!(scene.targets[0].pushes().len(), 1);
    assert_eq!(scene.versions().await?[&1].spec.diff.added, 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_with_verb_and_resource() -> Result<()> {
    let mut scene = Scene::empty("rights").await?;
    scene.apply(&policy()).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    let role = include_str!("../../deploy/clusterrole.yaml");
    let weaker = role.replace("verbs: [get, list, watch, create, delete]", "verbs: [get, list, watch, delete]");
    assert_ne!(role, weaker);
    scene.access = crate::support::plane().await?.service_account(scene.namespace.name(), "weaker", &weaker).await?;
    scene.start_operator().await?;
    scene.edit(GOOD).await?;
    scene
        .until("the status names the right", async || {
            let message = scene.policy().await?["status"]["conditions"][0]["message"].to_string();
            Ok(message.contains("create") && message.contains("configversions"))
        })
        .await?;
    assert_eq!(scene.targets[0].requests(), 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_without_its_custom_resources_says_so_and_goes_on_when_they_come() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let namespace = plane.namespace("bare").await?;
    let access =
        plane.service_account(namespace.name(), "operator", include_str!("../../deploy/clusterrole.yaml")).await?;
    let mut operator = Operator::spawn(&namespace, &access, &[])?;
    wait_for_log(&operator, "reloadpolicies").await?;
    let client = plane.client()?;
    for path in crate::support::files("crds")? {
        rekindle_testplane::apply(&client, "default", &std::fs::read_to_string(path)?).await?;
    }
    operator.wait_until_ready().await?;
    assert!(operator.terminate().await?.success());
    plane.stop()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_away_is_waited_for_and_a_stop_is_still_heard() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let namespace = plane.namespace("away").await?;
    let access =
        plane.service_account(namespace.name(), "operator", include_str!("../../deploy/clusterrole.yaml")).await?;
    plane.stop_api_server()?;
    let operator = Operator::spawn(&namespace, &access, &[])?;
    wait_for_log(&operator, "the API server cannot be reached").await?;
    assert!(operator.terminate().await?.success());
    plane.stop()
}

async fn wait_for_log(operator: &Operator, part: &str) -> Result<()> {
    let waiting = async {
        while !operator.log().contains(part) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let patience = crate::support::scene::PATIENCE;
    tokio::time::timeout(patience, waiting).await.map_err(|_| anyhow::anyhow!("no {part:?} in:\n{}", operator.log()))
}
