//! What the chart makes: the committed files say what, the API server says whether it is right, strictly and with the
//! Pod Security Standard `restricted` enforced.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams, ValidationDirective};
use kube::discovery::{Scope, pinned_kind};
use rekindle_testplane::Namespace;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::helm::Helm;
use super::{CHART, Case, NAMESPACE, RELEASE, objects, read, the};
use crate::support::{files, namespace, plane};

#[tokio::test]
async fn the_committed_files_are_what_the_chart_makes() -> Result<()> {
    let helm = Helm::new()?;
    let cases = Case::all()?;
    let committed: BTreeSet<_> = files("tests/cases/chart/rendered")?.into_iter().collect();
    assert_eq!(committed.len(), cases.len(), "each set of values has one rendered file");
    for case in cases {
        let file = case.values.to_str().context("a path")?;
        let made = helm
            .run(&["template", RELEASE, CHART, "-n", NAMESPACE, "--values", file, "--set", "crds.install=false"])
            .await?;
        assert_eq!(made, case.rendered, "{}: run `make generate`, look at the difference and commit it", case.name);
    }
    Ok(())
}

#[tokio::test]
async fn the_definitions_are_those_of_the_code_and_stay_on_uninstall() -> Result<()> {
    let helm = Helm::new()?;
    let keep = json!({"helm.sh/resource-policy": "keep"});
    for (set, annotations) in [("crds.keep=true", &keep), ("crds.keep=false", &Value::Null)] {
        let made = helm.run(&["template", RELEASE, CHART, "--show-only", "templates/crds.yaml", "--set", set]).await?;
        let mut made = objects(&made)?;
        for object in &mut made {
            assert_eq!(&object["metadata"]["annotations"], annotations, "{set}");
            let metadata = object["metadata"].as_object_mut().context("metadata")?;
            metadata.remove("annotations");
            ensure!(metadata.remove("labels").is_some(), "a definition without labels cannot be found");
        }
        let committed = definitions("crds")?;
        for (made, committed) in made.iter().zip(&committed) {
            let name = &committed["metadata"]["name"];
            ensure!(made == committed, "{name} is another in the chart: run `make generate` and commit the result");
        }
        assert_eq!(made.len(), committed.len());
    }
    let none = helm.run(&["template", RELEASE, CHART, "--set", "crds.install=false"]).await?;
    assert!(!none.contains("CustomResourceDefinition"));
    Ok(())
}

fn definitions(folder: &str) -> Result<Vec<Value>> {
    let read = |path: &std::path::PathBuf| objects(&std::fs::read_to_string(path)?);
    Ok(files(folder)?.iter().map(read).collect::<Result<Vec<_>>>()?.concat())
}

#[test]
fn rights_are_those_of_the_one_file_and_everywhere_the_same() -> Result<()> {
    let source = objects(&read("deploy/clusterrole.yaml")?)?;
    let rules = &the(&source, "ClusterRole")?["rules"];
    assert_eq!(&the(&Case::named("default")?.objects()?, "ClusterRole")?["rules"], rules);

    let own = Case::named("namespaces")?.objects()?;
    let is_own = |object: &&Value| object["kind"] == "Role" && object["metadata"]["name"] == RELEASE;
    let roles: Vec<_> = own.iter().filter(is_own).collect();
    assert_eq!(roles.iter().map(|role| &role["metadata"]["namespace"]).collect::<Vec<_>>(), ["shop", "billing"]);
    assert!(roles.iter().all(|role| &role["rules"] == rules));
    assert!(own.iter().all(|object| !object["kind"].as_str().unwrap_or_default().starts_with("Cluster")), "{own:#?}");

    // Each release has a Lease of its own.
    let election = read("deploy/role.yaml")?.replace("[rekindle-operator]", &format!("[{RELEASE}]"));
    let election = objects(&election)?;
    for case in ["default", "rights"] {
        let made = Case::named(case)?.objects()?;
        assert_eq!(the(&made, "Role")?["rules"], the(&election, "Role")?["rules"], "{case}");
        assert_eq!(the(&made, "Role")?["metadata"]["namespace"], NAMESPACE, "{case}");
    }

    let fewer = Case::named("rights")?.objects()?;
    let left: Vec<_> = the(&fewer, "ClusterRole")?["rules"].as_array().into_iter().flatten().collect();
    let gone: Vec<_> = rules.as_array().into_iter().flatten().filter(|rule| !left.contains(rule)).collect();
    let expected = [
        json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "patch"]}),
        json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}),
    ];
    assert_eq!(gone, expected.iter().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn every_rule_says_why() -> Result<()> {
    let text = read("deploy/clusterrole.yaml")? + &read("deploy/role.yaml")?;
    let lines: Vec<_> = text.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].starts_with("  - ")) {
        ensure!(pair[0].starts_with("  # "), "there is no comment before {}", pair[1]);
    }
    for case in ["default", "namespaces"] {
        let rendered = Case::named(case)?.rendered;
        ensure!(rendered.contains("  # The key that signs the pushes of a namespace"), "{case} lost the comments");
    }
    Ok(())
}

/// Installs what the monitoring case needs; these kinds disturb no other test.
async fn monitoring_kinds() -> Result<()> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let install = async || {
        let client = plane().await?.client()?;
        for path in files("tests/cases/chart/crds")? {
            rekindle_testplane::apply(&client, "default", &std::fs::read_to_string(path)?).await?;
        }
        Ok(())
    };
    INSTALLED.get_or_try_init(install).await.copied()
}

#[tokio::test]
async fn the_api_server_takes_every_object_without_a_warning() -> Result<()> {
    monitoring_kinds().await?;
    let place = namespace("chart").await?;
    for case in Case::all()? {
        for mut object in case.objects()? {
            if object["metadata"]["namespace"].is_string() {
                object["metadata"]["namespace"] = json!(place.name());
            }
            let shown = format!("{}: {} {}", case.name, object["kind"], object["metadata"]["name"]);
            dry_run(&place, serde_json::from_value(object)?).await.context(shown)?;
        }
    }
    Ok(())
}

async fn dry_run(place: &Namespace, object: DynamicObject) -> Result<()> {
    let types = object.types.as_ref().context("a manifest without a kind")?;
    let name = object.metadata.name.as_deref().context("a manifest without a name")?;
    let (resource, capabilities) = pinned_kind(&place.client(), &types.try_into()?).await?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(place.client(), &resource),
        Scope::Namespaced => Api::namespaced_with(place.client(), place.name(), &resource),
    };
    let strict = PatchParams {
        dry_run: true,
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply("chart").force()
    };
    api.patch(name, &strict, &Patch::Apply(&object)).await?;
    Ok(())
}

/// A pod as the Deployment of this case would make it.
fn pod(case: &Case) -> Result<Value> {
    let mut pod = the(&case.objects()?, "Deployment")?["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(case.name);
    Ok(pod)
}

#[tokio::test]
async fn pods_pass_the_restricted_standard_where_it_is_enforced() -> Result<()> {
    let place = namespace("restricted").await?;
    let label = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(place.client());
    namespaces.patch(place.name(), &PatchParams::default(), &Patch::Merge(label)).await?;
    let pods = place.api::<Pod>();
    for case in Case::all()? {
        let mut pod = pod(&case)?;
        let account = pod["spec"]["serviceAccountName"].as_str().context("a ServiceAccount")?;
        place
            .apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}}).to_string())
            .await?;
        pods.create(&PostParams::default(), &serde_json::from_value(pod.clone())?)
            .await
            .with_context(|| case.name.clone())?;

        // The standard is really enforced: each restriction is missed where it is taken away.
        pod["metadata"]["name"] = json!(format!("{}-lax", case.name));
        for (place, lax) in [
            ("/spec/securityContext/seccompProfile/type", json!("Unconfined")),
            ("/spec/securityContext/runAsNonRoot", json!(false)),
            ("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
            ("/spec/containers/0/securityContext/capabilities/drop", json!([])),
        ] {
            let mut pod = pod.clone();
            *pod.pointer_mut(place).with_context(|| place.to_owned())? = lax;
            let refusal = pods.create(&PostParams::default(), &serde_json::from_value(pod)?).await;
            let refused = matches!(&refusal, Err(kube::Error::Api(status)) if status.message.contains("restricted"));
            ensure!(refused, "{place}: {refusal:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn names_fit_however_long_that_of_the_release_is() -> Result<()> {
    // Helm takes 53 characters.
    let longest = "r".repeat(53);
    let made = Helm::new()?.run(&["template", &longest, CHART, "--set", "crds.install=false"]).await?;
    for object in objects(&made)?.iter().filter(|object| !object["kind"].as_str().unwrap_or_default().contains("Role"))
    {
        let name = object["metadata"]["name"].as_str().context("a name")?;
        ensure!(name.len() <= 63 && !name.ends_with('-'), "{}: {name}", object["kind"]);
    }
    Ok(())
}

#[test]
fn what_selects_the_pods_selects_them() -> Result<()> {
    for case in Case::all()? {
        let objects = case.objects()?;
        let labels = &the(&objects, "Deployment")?["spec"]["template"]["metadata"]["labels"];
        let constraints = "/spec/template/spec/topologySpreadConstraints/0/labelSelector/matchLabels";
        let selectors = [
            ("Deployment", "/spec/selector/matchLabels"),
            ("Deployment", constraints),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
            ("Service", "/spec/selector"),
        ];
        for (kind, place) in selectors {
            let Some(selector) =
                objects.iter().find(|object| object["kind"] == kind).and_then(|found| found.pointer(place))
            else {
                ensure!(case.name == "least", "{}: {kind} has no {place}", case.name);
                continue;
            };
            for (name, value) in selector.as_object().context("a selector")? {
                ensure!(&labels[name] == value, "{}: {kind}: {name} is {value}, and {labels}", case.name);
            }
        }
    }
    Ok(())
}
