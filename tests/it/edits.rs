//! The main job: an edit is validated, recorded, pushed and proven; a bad one comes back; a rollback is carried out.

use anyhow::Result;
use rekindle_client::Reason;
use serde_json::json;

use crate::support::scene::{Scene, condition_of, policy};
use crate::support::target::{refuses, takes_all};

const GOOD: &str = "pool: 10\n";
const BETTER: &str = "pool: 20\n";
const BAD: &str = "pool: 99\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_reaches_every_target_and_each_proves_it() -> Result<()> {
    let scene = Scene::usual("edit", 3, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.all_run(GOOD).await?;
    scene.edit(BETTER).await?;
    scene.all_run(BETTER).await?;
    scene.condition("Ready", "True", "Settled").await?;

    let versions = scene.versions().await?;
    assert_eq!(versions.keys().copied().collect::<Vec<_>>(), [1, 2]);
    let policy = scene.policy().await?;
    assert_eq!(policy["status"]["active"]["version"], 2);
    assert_eq!(policy["status"]["lastGood"]["version"], 2);
    assert_eq!(policy["status"]["targets"]["confirmed"], 3);
    for target in &scene.targets {
        let reasons: Vec<_> = target.pushes().iter().map(|push| push.reason).collect();
        assert_eq!(reasons, [Reason::Edit, Reason::Edit], "one push for each edit");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_violates_the_schema_is_refused_and_nothing_is_pushed() -> Result<()> {
    let mut scene = Scene::empty("invalid").await?;
    let schema = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": "checkout"},
        "spec": {"documents": [{"match": "app.yaml", "required": true, "schema": {
            "type": "object", "required": ["pool"],
            "properties": {"pool": {"type": "integer", "minimum": 1, "maximum": 50}},
        }}]},
    });
    scene.apply(&schema).await?;
    let mut policy = policy();
    policy["spec"]["schemaRef"] = json!({"name": "checkout"});
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator().await?;
    scene.edit(GOOD).await?;
    scene.all_run(GOOD).await?;
    scene.edit(BAD).await?;
    scene.condition("Valid", "False", "Invalid").await?;
    let finding = &scene.policy().await?["status"]["findings"][0];
    assert_eq!(
        (&finding["document"], &finding["path"], &finding["rule"]),
        (&json!("app.yaml"), &json!("pool"), &json!("Maximum"))
    );
    assert_eq!((&finding["line"], &finding["column"]), (&json!(1), &json!(7)));
    assert!(!finding.to_string().contains("99"), "no value: {finding}");
    assert_eq!(scene.versions().await?.len(), 1);
    assert_eq!(scene.targets[0].requests(), 1);
    scene.edit(BETTER).await?;
    scene.all_run(BETTER).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_the_application_refuses_is_reverted_and_quarantined() -> Result<()> {
    let scene = Scene::usual("revert", 3, refuses("99")).await?;
    scene.edit(GOOD).await?;
    scene.all_run(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene.edit(BAD).await?;
    scene.condition("Ready", "False", "Quarantined").await?;
    scene.all_run(GOOD).await?;
    let versions = scene.versions().await?;
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[&1].spec.digest, versions[&3].spec.digest);
    let policy = scene.policy().await?;
    assert_eq!(policy["status"]["quarantined"][0]["version"], 2);
    assert_eq!(policy["status"]["active"]["version"], 3);
    assert_eq!(condition_of(&policy, "BreakerClosed")["reason"], "BreakerOpen");
    for target in &scene.targets {
        let last = target.pushes().pop().map(|push| (push.reason, push.taken));
        assert_eq!(last, Some((Reason::Revert, true)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_carried_out_once_and_its_status_is_the_record() -> Result<()> {
    let scene = Scene::usual("rollback", 2, takes_all()).await?;
    for app in [GOOD, BETTER] {
        scene.edit(app).await?;
        scene.all_run(app).await?;
    }
    scene.condition("Ready", "True", "Settled").await?;
    scene.roll_back("back", json!({"version": 1})).await?;
    scene.all_run(GOOD).await?;
    scene
        .until("the rollback is complete", async || {
            Ok(condition_of(&scene.rollback("back").await?, "Complete")["status"] == "True")
        })
        .await?;
    let rollback = scene.rollback("back").await?;
    assert_eq!((&rollback["status"]["from"], &rollback["status"]["to"]), (&json!(2), &json!(1)));
    assert_eq!((&rollback["status"]["version"], &rollback["status"]["pods"]["acked"]), (&json!(3), &json!(2)));
    scene.condition("Ready", "False", "SetAside").await?;
    scene.roll_back("back", json!({"version": 1})).await?;
    scene.edit("pool: 30\n").await?;
    scene.all_run("pool: 30\n").await?;
    assert_eq!(scene.versions().await?.len(), 4);
    Ok(())
}
