//! The operator itself, with the arguments of the chart's Deployment and the rights of its roles and nothing else:
//! what is rendered is what the program reads, and its probes and metrics are where the chart says.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::coordination::v1::Lease;
use rekindle_testplane::http::get;
use rekindle_testplane::{Access, next_loopback};
use serde_json::{Value, json};

use super::helm::Helm;
use super::{CHART, Case, RELEASE, objects, the};
use crate::support::operator::Operator;
use crate::support::plane;
use crate::support::scene::{Scene, policy};
use crate::support::target::takes_all;

/// What the chart makes for one namespace with the fewest rights, with the operator's port on an address that nobody
/// else uses.
async fn rendered(namespace: &str, address: &str) -> Result<Vec<Value>> {
    let (namespaces, address) = (format!("watchNamespaces={{{namespace}}}"), format!("metrics.address={address}"));
    let fewest = "crds.install=false,rbac.createPushKeys=false,rbac.writeConfigMaps=false";
    let set = ["--set", &namespaces, "--set", &address, "--set", fewest];
    objects(&Helm::new()?.run(&[&["template", RELEASE, CHART, "--namespace", namespace][..], &set].concat()).await?)
}

/// The arguments after the subcommand.
fn arguments(container: &Value) -> Result<Vec<&str>> {
    let arguments = container["args"].as_array().context("arguments")?;
    let arguments: Vec<_> = arguments.iter().filter_map(Value::as_str).collect();
    let (subcommand, rest) = arguments.split_first().context("a subcommand")?;
    ensure!(*subcommand == "operator", "the chart starts {subcommand}");
    Ok(rest.to_vec())
}

fn path<'a>(container: &'a Value, probe: &str) -> Result<&'a str> {
    container[probe]["httpGet"]["path"].as_str().with_context(|| format!("{probe} has no path"))
}

#[tokio::test]
async fn it_works_with_the_arguments_and_the_rights_of_the_chart_alone() -> Result<()> {
    let mut scene = Scene::empty("charted").await?;
    let ip = next_loopback().to_string();
    let objects = rendered(scene.namespace.name(), &ip).await?;
    let granted = ["ServiceAccount", "Role", "RoleBinding"];
    for object in objects.iter().filter(|object| granted.iter().any(|kind| object["kind"] == *kind)) {
        scene.apply(object).await?;
    }
    scene.access = plane().await?.service_account(scene.namespace.name(), RELEASE, "").await?;
    let container = &the(&objects, "Deployment")?["spec"]["template"]["spec"]["containers"][0];
    let address = format!("{ip}:{}", container["ports"][0]["containerPort"]).parse()?;
    scene.apply(&policy()).await?;
    scene.add_target("checkout-0", takes_all()).await?;

    scene.start_operator_with(&arguments(container)?).await?;
    scene.edit("pool: 20\n").await?;
    scene.all_run("pool: 20\n").await?;

    let lease = scene.api::<Lease>().get(RELEASE).await.context("read the Lease of the release")?;
    assert!(lease.spec.and_then(|spec| spec.holder_identity).is_some(), "somebody holds the Lease");
    for probe in ["livenessProbe", "readinessProbe"] {
        assert_eq!(get(address, path(container, probe)?).await?.0, 200, "{probe}");
    }
    let (_, metrics) = get(address, "/metrics").await?;
    assert!(metrics.contains("rekindle_versions_recorded_total{origin=\"edit\"} 1"), "{metrics}");
    assert!(metrics.contains("rekindle_api_errors_total 0"), "{metrics}");
    Ok(())
}

#[tokio::test]
async fn every_flag_of_the_operator_is_set_by_the_chart() -> Result<()> {
    let help =
        tokio::process::Command::new(env!("CARGO_BIN_EXE_rekindle")).args(["operator", "--help"]).output().await?;
    let name =
        |word: &str| word.strip_prefix("--").map(|rest| rest.split(['=', '[', ' ']).next().unwrap_or(rest).to_owned());
    let help = String::from_utf8(help.stdout)?;
    let known: BTreeSet<_> =
        help.lines().filter_map(|line| name(line.trim_start().trim_start_matches("-h, "))).collect();
    // For runs on somebody's own machine, and for people.
    let others = ["allow-loopback-targets", "help"].map(str::to_owned);
    let mut set = BTreeSet::from(others);
    for case in Case::all()? {
        let container = the(&case.objects()?, "Deployment")?["spec"]["template"]["spec"]["containers"][0].clone();
        set.extend(arguments(&container)?.into_iter().filter_map(name));
    }
    assert_eq!(set, known);
    Ok(())
}

#[tokio::test]
async fn it_is_alive_and_not_ready_without_an_api_server() -> Result<()> {
    let scene = Scene::empty("unready").await?;
    let ip = next_loopback().to_string();
    let objects = rendered(scene.namespace.name(), &ip).await?;
    let container = &the(&objects, "Deployment")?["spec"]["template"]["spec"]["containers"][0];
    let address = format!("{ip}:{}", container["ports"][0]["containerPort"]).parse()?;
    let nowhere = Access { kubeconfig: nowhere(&scene)?, ..scene.access.clone() };

    let operator = Operator::spawn(&scene.namespace, &nowhere, &arguments(container)?)?;
    scene.until("the operator listens", async || Ok(get(address, "/metrics").await.is_ok())).await?;

    assert_eq!(get(address, path(container, "livenessProbe")?).await?.0, 200, "{}", operator.log());
    assert_eq!(get(address, path(container, "readinessProbe")?).await?.0, 503, "{}", operator.log());
    Ok(())
}

/// A kubeconfig for a server that is not there.
fn nowhere(scene: &Scene) -> Result<std::path::PathBuf> {
    let file = scene.access.kubeconfig.with_extension("nowhere");
    let server = format!("http://{}:1", next_loopback());
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "nowhere",
        "clusters": [{"name": "nowhere", "cluster": {"server": server}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}],
    });
    std::fs::write(&file, config.to_string())?;
    Ok(file)
}
