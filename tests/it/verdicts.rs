//! One verdict with two faces: `rekindle check` and the operator say the same of the same case, down to the column.
//! The cases are those of `tests/cases/validation`; all are judged at the same time, each under a policy of its own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use rekindle_api::{ConfigSchema, ReloadPolicy};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::files;
use crate::support::scene::Scene;

/// What either of the two says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Valid(Vec<Found>),
    Invalid(Vec<Found>),
    /// The schema itself is broken.
    Broken(Vec<String>),
}

/// One finding, in all that both tell of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Found {
    document: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    path: Option<String>,
    severity: String,
    rule: String,
    message: String,
    hint: Option<String>,
}

/// A case, and the manifests that both are given.
struct Case {
    name: String,
    schema: Value,
    config_map: Value,
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for path in files("tests/cases/validation")? {
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let case: Value = serde_saphyr::from_str(&std::fs::read_to_string(&path)?)?;
            let name = path.file_stem().context("a case without a name")?.to_string_lossy().into_owned();
            let schema = json!({
                "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": name},
                "spec": case["schema"],
            });
            let config_map = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": case["documents"],
            });
            cases.push(Case { name, schema, config_map });
        }
    }
    ensure!(cases.len() >= 10, "only {} cases were found", cases.len());
    Ok(cases)
}

fn found(findings: &Value) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = Option::deserialize(findings)?.unwrap_or_default();
    for finding in &mut found {
        finding.path.take_if(|path| path.is_empty());
    }
    found.sort();
    Ok(found)
}

/// What `rekindle check` says.
async fn checked(case: &Case) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let schema = folder.path().join("schema.json");
    let config_map = folder.path().join("config-map.json");
    std::fs::write(&schema, case.schema.to_string())?;
    std::fs::write(&config_map, case.config_map.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("check").arg("--schema").arg(&schema).args(["-o", "json"]).arg(&config_map).kill_on_drop(true);
    let output = command.output().await.context("run rekindle check")?;
    if output.status.code() == Some(2) {
        return Ok(Verdict::Broken(faults_of(&schema, &String::from_utf8(output.stderr)?)));
    }
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let found = found(&report["findings"])?;
    match (output.status.code(), report["valid"].as_bool()) {
        (Some(0), Some(true)) => Ok(Verdict::Valid(found)),
        (Some(1), Some(false)) => Ok(Verdict::Invalid(found)),
        other => anyhow::bail!("{}: exit status and report differ: {other:?}", case.name),
    }
}

/// The lines of standard error that tell of a fault.
fn faults_of(schema: &Path, told: &str) -> Vec<String> {
    let start = format!("{}: ", schema.display());
    told.lines().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

/// What the operator says by now; nothing while it has not judged.
async fn shown(scene: &Scene, name: &str) -> Result<Option<Verdict>> {
    let policy = serde_json::to_value(scene.api::<ReloadPolicy>().get(name).await?)?;
    let findings = || found(&policy["status"]["findings"]);
    Ok(match policy["status"]["lastEdit"]["outcome"].as_str() {
        Some("Active") => Some(Verdict::Valid(findings()?)),
        Some("Invalid" | "SourceUnreadable") => Some(Verdict::Invalid(findings()?)),
        Some("SchemaBroken") => {
            let schema = serde_json::to_value(scene.api::<ConfigSchema>().get(name).await?)?;
            let faults = schema["status"]["faults"].as_array().cloned().unwrap_or_default();
            (!faults.is_empty()).then(|| Verdict::Broken(faults.iter().map(fault).collect()))
        }
        _ => None,
    })
}

/// A fault of a schema's status in one line, as `rekindle check` prints it.
fn fault(fault: &Value) -> String {
    let text = |key: &str| fault[key].as_str().unwrap_or_default();
    let place = match (&fault["line"], &fault["column"]) {
        (Value::Null, _) => text("place").to_owned(),
        (line, column) => format!("{}:{line}:{column}", text("place")),
    };
    let hint = if text("hint").is_empty() { String::new() } else { format!("; {}", text("hint")) };
    format!("{place}: {}{hint}", text("message"))
}

async fn apply(scene: &Scene, case: &Case) -> Result<()> {
    let policy = json!({
        "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": case.name},
        "spec": {"sources": [{"configMap": {"name": case.name}}], "schemaRef": {"name": case.name}},
    });
    let parameters = PatchParams::apply("author").force();
    scene.api::<ConfigMap>().patch(&case.name, &parameters, &Patch::Apply(&case.config_map)).await?;
    scene.apply(&case.schema).await?;
    scene.apply(&policy).await
}

#[tokio::test(flavor = "multi_thread")]
async fn check_and_the_operator_say_the_same_of_every_case() -> Result<()> {
    let cases = cases()?;
    let mut scene = Scene::empty("verdicts").await?;
    futures::future::try_join_all(cases.iter().map(|case| apply(&scene, case))).await?;
    scene.start_operator().await?;

    let names = cases.iter().map(|case| case.name.clone());
    let checked = futures::future::try_join_all(cases.iter().map(checked)).await?;
    let checked: BTreeMap<_, _> = names.clone().zip(checked).collect();
    let judged = futures::future::try_join_all(cases.iter().map(|case| judged(&scene, &case.name))).await?;
    let judged: BTreeMap<_, _> = names.zip(judged).collect();

    for (name, verdict) in &checked {
        assert_eq!(Some(verdict), judged.get(name), "{name}: left is what `rekindle check` says");
    }
    let kinds = |such: fn(&Verdict) -> bool| checked.values().filter(|verdict| such(verdict)).count();
    assert!(kinds(|verdict| matches!(verdict, Verdict::Valid(_))) > 1, "some are valid");
    assert!(kinds(|verdict| matches!(verdict, Verdict::Invalid(found) if !found.is_empty())) > 5, "most are not");
    assert_eq!(kinds(|verdict| matches!(verdict, Verdict::Broken(faults) if !faults.is_empty())), 1);
    Ok(())
}

/// Waits for the operator's verdict.
async fn judged(scene: &Scene, name: &str) -> Result<Verdict> {
    let mut verdict = None;
    let told = async || {
        verdict = shown(scene, name).await?;
        Ok(verdict.is_some())
    };
    scene.until(&format!("the operator judges {name}"), told).await?;
    verdict.with_context(|| format!("{name} was not judged"))
}
