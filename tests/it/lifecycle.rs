//! What happens around edits: pods that come late or start again, operators that start again, modes, copies, history.

use anyhow::Result;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, Patch, PatchParams};
use rekindle_api::ReloadPolicy;
use rekindle_client::Reason;
use serde_json::{Value, json};

use crate::support::plane;
use crate::support::scene::{Scene, condition_of, policy};
use crate::support::target::{Target, refuses, takes_all};

const GOOD: &str = "pool: 10\n";
const BETTER: &str = "pool: 20\n";
const BAD: &str = "pool: 99\n";

async fn patch_policy(scene: &Scene, spec: Value) -> Result<()> {
    let patch = Patch::Merge(json!({"spec": spec}));
    scene.api::<ReloadPolicy>().patch("checkout", &PatchParams::default(), &patch).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_come_late_or_start_again_are_brought_to_the_active_version() -> Result<()> {
    let mut scene = Scene::usual("late", 1, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene.add_target("checkout-late", takes_all()).await?;
    scene.all_run(GOOD).await?;
    assert_eq!(scene.targets[1].pushes()[0].reason, Reason::CatchUp);
    scene.targets[0].restart().await?;
    scene.until("the restarted pod got the version again", async || Ok(scene.targets[0].pushes().len() == 2)).await?;
    scene.condition("Ready", "True", "Settled").await?;
    assert_eq!(scene.targets[1].requests(), 1, "nobody else was asked again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_operator_with_nothing_changed_pushes_and_writes_nothing() -> Result<()> {
    let mut scene = Scene::usual("restart", 3, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene
        .until("the version's confirmations are durable", async || {
            let versions = scene.versions().await?;
            Ok(versions[&1].status.as_ref().is_some_and(|status| status.acks.len() == 3))
        })
        .await?;
    let operator = scene.operator.take();
    assert!(operator.unwrap().terminate().await?.success());
    let audit = plane().await?.audit();
    plane().await?.settle_audit().await?;
    let mark = audit.mark()?;
    scene.start_operator().await?;
    // A new pod is answered by the same worker, after whatever it would have done for the others.
    scene.add_target("checkout-new", takes_all()).await?;
    scene.all_run(GOOD).await?;
    for target in scene.targets.iter().take(3) {
        assert_eq!(target.requests(), 1, "no push was repeated");
    }
    plane().await?.settle_audit().await?;
    let name = scene.namespace.name().to_owned();
    let writes: Vec<_> =
        audit.since(mark)?.into_iter().filter(|entry| entry.is_write() && entry.is_by(&name, "operator")).collect();
    let allowed = |entry: &&rekindle_testplane::audit::Entry| format!("{entry:?}").contains("status");
    assert!(writes.iter().all(|entry| allowed(&entry)), "only the new pod's status may be written: {writes:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_and_comments_change_nothing() -> Result<()> {
    let scene = Scene::usual("quiet", 1, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    let label = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    scene.api::<ConfigMap>().patch("checkout-config", &PatchParams::default(), &label).await?;
    scene.edit("pool: 10 # a comment\n").await?;
    scene
        .until("the edit is seen to change nothing", async || {
            Ok(scene.policy().await?["status"]["lastEdit"]["outcome"] == "Unchanged")
        })
        .await?;
    scene.edit(BETTER).await?;
    scene.all_run(BETTER).await?;
    assert_eq!(scene.targets[0].requests(), 2);
    assert_eq!(scene.versions().await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_source_empties_nobody_and_its_return_goes_on() -> Result<()> {
    let mut scene = Scene::usual("gone", 1, takes_all()).await?;
    scene.condition("SourceReady", "False", "SourceMissing").await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene.api::<ConfigMap>().delete("checkout-config", &DeleteParams::default()).await?;
    let condition = scene.condition("Ready", "False", "SourceMissing").await?;
    assert!(condition["message"].as_str().is_some_and(|text| text.contains("checkout-config")), "{condition}");
    scene.add_target("checkout-late", takes_all()).await?;
    scene.all_run(GOOD).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene.edit_keys(&[("application.yaml", GOOD)]).await?;
    scene.until("the renamed key is a version of its own", async || Ok(scene.versions().await?.len() == 2)).await?;
    scene.edit_keys(&[]).await?;
    scene.condition("SourceReady", "False", "SourceUnreadable").await?;
    assert_eq!(scene.versions().await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_touches_nothing_and_paused_holds_until_it_ends() -> Result<()> {
    let scene = Scene::usual("modes", 1, takes_all()).await?;
    patch_policy(&scene, json!({"mode": "Observe"})).await?;
    scene.condition("Ready", "Unknown", "Observing").await?;
    scene.edit(GOOD).await?;
    scene
        .until("it says what it would do", async || {
            Ok(scene.policy().await?["status"]["lastEdit"]["outcome"] == "Valid")
        })
        .await?;
    assert!(scene.versions().await?.is_empty());
    patch_policy(&scene, json!({"mode": "Paused"})).await?;
    scene.condition("Ready", "Unknown", "Paused").await?;
    assert_eq!(scene.targets[0].requests(), 0);
    patch_policy(&scene, json!({"mode": "Enforce"})).await?;
    scene.all_run(GOOD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_active_copy_holds_the_proven_content_only() -> Result<()> {
    let mut scene = Scene::empty("copy").await?;
    let mut policy = policy();
    policy["spec"]["activeCopy"] = json!({"name": "checkout-active"});
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", refuses("99")).await?;
    scene.start_operator().await?;
    scene.edit(GOOD).await?;
    let copy = async || {
        let found = scene.api::<ConfigMap>().get_opt("checkout-active").await?;
        anyhow::Ok(found.and_then(|map| map.data?.get("app.yaml").cloned()))
    };
    scene.until("the copy is written", async || Ok(copy().await?.as_deref() == Some(GOOD))).await?;
    scene.edit(BAD).await?;
    scene.condition("Ready", "False", "Quarantined").await?;
    assert_eq!(copy().await?.as_deref(), Some(GOOD));
    let tampered = Patch::Merge(json!({"data": {"app.yaml": "pool: 1\n"}}));
    scene.api::<ConfigMap>().patch("checkout-active", &PatchParams::default(), &tampered).await?;
    scene.until("the copy is mended", async || Ok(copy().await?.as_deref() == Some(GOOD))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_writes_the_authors_config_map_back_once() -> Result<()> {
    let mut scene = Scene::empty("restore").await?;
    let mut policy = policy();
    policy["spec"]["revert"] = json!({"automatic": true, "source": "Restore"});
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", refuses("99")).await?;
    scene.start_operator().await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    let held = async || {
        let found = scene.api::<ConfigMap>().get("checkout-config").await?;
        anyhow::Ok(found.data.and_then(|data| data.get("app.yaml").cloned()))
    };
    scene.edit(BAD).await?;
    scene.until("the source is restored", async || Ok(held().await?.as_deref() == Some(GOOD))).await?;
    scene
        .until("the restore is remembered", async || {
            Ok(scene.policy().await?["status"]["quarantined"][0]["restored"] == true)
        })
        .await?;
    scene.edit(BAD).await?;
    scene.condition("Ready", "False", "RevertContested").await?;
    assert_eq!(held().await?.as_deref(), Some(BAD), "it is left alone the second time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_labeled_config_map_gets_a_policy_of_its_own_name() -> Result<()> {
    let mut scene = Scene::empty("default").await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator().await?;
    let labeled = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"app.yaml": GOOD},
        "metadata": {"name": "web", "labels": {"rekindle.dev/reload": "true"}},
    });
    scene.apply(&labeled).await?;
    scene.all_run(GOOD).await?;
    let policy = serde_json::to_value(scene.api::<ReloadPolicy>().get("web").await?)?;
    assert_eq!(policy["metadata"]["ownerReferences"][0]["kind"], "ConfigMap");
    assert_eq!(policy["metadata"]["ownerReferences"][0]["name"], "web");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_pruned_to_its_limit() -> Result<()> {
    let mut scene = Scene::empty("history").await?;
    let mut policy = policy();
    policy["spec"]["history"] = json!({"limit": 3});
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator().await?;
    for pool in 1..=6 {
        let app = format!("pool: {pool}\n");
        scene.edit(&app).await?;
        scene.all_run(&app).await?;
    }
    scene
        .until("the oldest are gone", async || {
            Ok(scene.versions().await?.keys().copied().collect::<Vec<_>>() == [4, 5, 6])
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_policies_for_one_pod_conflict_and_the_older_one_wins() -> Result<()> {
    let scene = Scene::usual("conflict", 1, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    let mut second = policy();
    second["metadata"]["name"] = json!("newer");
    second["spec"]["sources"] = json!([{"configMap": {"name": "other"}}]);
    scene.apply(&second).await?;
    let other = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"app.yaml": "pool: 5\n"},
    });
    // Creation times have whole seconds: of one second, the first by name wins, and `checkout` is that.
    scene.apply(&other).await?;
    scene
        .until("the newer policy says so", async || {
            let newer = serde_json::to_value(scene.api::<ReloadPolicy>().get("newer").await?)?;
            let condition = condition_of(&newer, "TargetsReady");
            Ok(condition["reason"] == "Conflict"
                && condition["message"].as_str().is_some_and(|text| text.contains("checkout")))
        })
        .await?;
    assert_eq!(scene.targets[0].requests(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_made_anew_goes_on_above_what_its_targets_remember() -> Result<()> {
    let mut scene = Scene::usual("anew", 1, takes_all()).await?;
    for app in [GOOD, BETTER] {
        scene.edit(app).await?;
        scene.all_run(app).await?;
    }
    scene.condition("Ready", "True", "Settled").await?;
    scene.api::<ReloadPolicy>().delete("checkout", &DeleteParams::default()).await?;
    for number in scene.versions().await?.keys() {
        // As the garbage collector does, which does not run here.
        let versions = scene.api::<rekindle_api::ConfigVersion>();
        versions.delete(&format!("checkout-v{number}"), &DeleteParams::default()).await?;
    }
    scene.edit(GOOD).await?;
    scene.apply(&policy()).await?;
    scene.all_run(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    let active = scene.policy().await?["status"]["active"]["version"].as_u64();
    assert!(active > Some(2), "{active:?}");
    scene.add_target("checkout-1", takes_all()).await?;
    scene.all_run(GOOD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_below_the_root_are_a_source_like_any_other() -> Result<()> {
    let root = tempfile::TempDir::new()?;
    let directory = root.path().join("checkout");
    std::fs::create_dir(&directory)?;
    std::fs::write(directory.join("app.yaml"), GOOD)?;
    let mut scene = Scene::empty("files").await?;
    let mut policy = policy();
    policy["spec"]["sources"] = json!([{"files": {"path": "checkout"}}]);
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator_with(&["--files-root", &root.path().to_string_lossy()]).await?;
    scene.all_run(GOOD).await?;
    assert_eq!(scene.targets[0].pushes()[0].reason, Reason::File);
    std::fs::write(directory.join("app.yaml.tmp"), BETTER)?;
    std::fs::rename(directory.join("app.yaml.tmp"), directory.join("app.yaml"))?;
    scene.all_run(BETTER).await?;
    std::fs::remove_dir_all(&directory)?;
    scene.condition("Ready", "False", "SourceMissing").await?;
    assert_eq!(scene.targets[0].runs_app().as_deref(), Some(BETTER));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_config_map_goes_through_and_more_is_a_finding() -> Result<()> {
    let mut scene = Scene::empty("large").await?;
    let mut policy = policy();
    policy["spec"]["sources"] = json!([{"configMap": {"name": "checkout-config"}}, {"configMap": {"name": "more"}}]);
    scene.apply(&policy).await?;
    scene.add_target("checkout-0", takes_all()).await?;
    scene.start_operator().await?;
    let empty = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": {"note": "x"}});
    scene.apply(&empty).await?;
    let bytes = |seed| k8s_openapi::ByteString(incompressible(seed, (1 << 20) - 16));
    let large = ConfigMap {
        metadata: kube::core::ObjectMeta { name: Some("checkout-config".into()), ..Default::default() },
        binary_data: Some([("noise".to_owned(), bytes(1))].into()),
        ..Default::default()
    };
    scene.api::<ConfigMap>().create(&kube::api::PostParams::default(), &large).await?;
    scene.condition("Ready", "True", "Settled").await?;
    assert_eq!(scene.targets[0].pushes().len(), 1);
    let more = ConfigMap {
        metadata: kube::core::ObjectMeta { name: Some("more".into()), ..Default::default() },
        binary_data: Some([("noise2".to_owned(), bytes(2))].into()),
        ..Default::default()
    };
    scene.api::<ConfigMap>().replace("more", &kube::api::PostParams::default(), &more).await?;
    scene.condition("Valid", "False", "TooLarge").await?;
    assert_eq!(scene.targets[0].pushes().len(), 1);
    Ok(())
}

/// Bytes that no compression makes smaller: the state of a small generator.
fn incompressible(seed: u64, length: usize) -> Vec<u8> {
    let mut state: u64 = 0x2545_f491_4f6c_dd1d ^ (seed << 32);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_pod_delays_nobody_and_is_caught_up_when_it_answers() -> Result<()> {
    let mut scene = Scene::usual("dead", 3, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    scene.targets[0].die().await;
    scene.edit(BETTER).await?;
    scene
        .until("the others run it", async || {
            Ok(scene.targets[1..].iter().all(|target| target.runs_app().as_deref() == Some(BETTER)))
        })
        .await?;
    scene.targets[0].restart().await?;
    scene.all_run(BETTER).await?;
    scene.condition("Ready", "True", "Settled").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_port_has_no_such_name_is_told_and_the_others_are_served() -> Result<()> {
    let mut scene = Scene::usual("port", 1, takes_all()).await?;
    let manifest = Target::manifest("checkout-odd").annotation("rekindle.dev/port", "admin");
    let odd = Target::start_as(&scene.namespace, manifest, takes_all()).await?;
    scene.edit(GOOD).await?;
    scene.all_run(GOOD).await?;
    let condition = scene.condition("TargetsReady", "False", "Unusable").await?;
    let message = condition["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("checkout-odd") && message.contains("admin"), "{message}");
    odd.pod.annotate("rekindle.dev/port", Some("http")).await?;
    scene.targets.push(odd);
    scene.all_run(GOOD).await?;
    scene.condition("Ready", "True", "Settled").await?;
    Ok(())
}
