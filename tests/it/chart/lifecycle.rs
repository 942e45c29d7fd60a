//! Install, upgrade, roll back, uninstall, and what of the users' is left by each: everything that is not the chart's.
//! The definitions are cluster-wide, so this has an API server of its own.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use rekindle_testplane::{ControlPlane, FakePod, Namespace, Options};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::Helm;
use super::{CHART, NAMESPACE, RELEASE, read, root};
use crate::support::{install, namespace};

/// The chart as it was first packaged.
const FIRST: &str = "tests/cases/chart/rekindle-0.0.1.tgz";

/// A cluster with Helm, and a namespace with what users have there.
struct Site {
    plane: ControlPlane,
    helm: Helm,
    shop: Namespace,
    before: Vec<Value>,
}

impl Site {
    async fn open() -> Result<Self> {
        let plane = ControlPlane::start(Options { audit: false, ..Options::default() }).await?;
        let shop = plane.namespace("shop").await?;
        Ok(Self { plane, helm: Helm::new()?, shop, before: Vec::new() })
    }

    async fn helm(&self, arguments: &[&str]) -> Result<String> {
        let place = ["--namespace", NAMESPACE];
        self.helm.run_in(Some(self.plane.kubeconfig()), &[arguments, &place[..]].concat()).await
    }

    /// A policy, the ConfigMap that it names, a version of it and a pod.
    async fn fill(&mut self) -> Result<()> {
        self.shop.config_map("checkout-config", &[("app.yaml", "pool: 10\n")]).await?;
        self.shop.apply(&read("docs/examples/rollback.yaml")?).await?;
        let policy = json!({
            "apiVersion": "rekindle.dev/v1alpha1", "kind": "ReloadPolicy", "metadata": {"name": "checkout"},
            "spec": {"sources": [{"configMap": {"name": "checkout-config"}}]},
        });
        self.shop.apply(&policy.to_string()).await?;
        self.shop.fake_pod(FakePod::named("checkout-0").label("app", "checkout")).await?;
        self.before = self.users().await?;
        Ok(())
    }

    /// What the users have, as the API server has it.
    async fn users(&self) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for (group, version, kind) in [
            ("", "v1", "Pod"),
            ("", "v1", "ConfigMap"),
            ("rekindle.dev", "v1alpha1", "ReloadPolicy"),
            ("rekindle.dev", "v1alpha1", "ConfigRollback"),
        ] {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api: Api<DynamicObject> = Api::namespaced_with(self.shop.client(), self.shop.name(), &resource);
            let listed = api.list(&Default::default()).await.with_context(|| format!("list {kind}"))?;
            ensure!(!listed.items.is_empty(), "there is no {kind}");
            found.extend(listed.items.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?);
        }
        Ok(found)
    }

    async fn users_are_as_before(&self, after: &str) -> Result<()> {
        assert_eq!(self.users().await?, self.before, "after {after}");
        Ok(())
    }

    async fn get(&self, what: &str, jsonpath: &str) -> Result<String> {
        let output = format!("jsonpath={jsonpath}");
        self.plane.kubectl(&["get", what, "--namespace", NAMESPACE, "--output", &output]).await
    }

    async fn image(&self) -> Result<String> {
        self.get("deployment/rekindle", "{.spec.template.spec.containers[0].image}").await
    }

    async fn columns(&self) -> Result<String> {
        let path = "{.spec.versions[0].additionalPrinterColumns[*].name}";
        self.get("customresourcedefinition/reloadpolicies.rekindle.dev", path).await
    }

    /// How many of the chart's own objects are left.
    async fn left(&self, kinds: &str) -> Result<usize> {
        let all = ["get", kinds, "--all-namespaces", "--selector", "app.kubernetes.io/instance=rekindle", "-o", "name"];
        Ok(self.plane.kubectl(&all).await?.lines().count())
    }
}

const OWN_KINDS: &str = "deployments,replicasets,serviceaccounts,services,networkpolicies,poddisruptionbudgets,clusterroles,\
                         clusterrolebindings,roles,rolebindings";

/// The chart as a later version has it: with one more printer column.
fn next() -> Result<(TempDir, String)> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("rekindle");
    copy_folder(&root().join(CHART), &copy)?;
    let file = copy.join("files/crds/reloadpolicies.rekindle.dev.yaml");
    let mut definition: Value = serde_saphyr::from_str(&std::fs::read_to_string(&file)?)?;
    let columns = definition.pointer_mut("/spec/versions/0/additionalPrinterColumns").and_then(Value::as_array_mut);
    columns.context("columns")?.insert(0, json!({"name": "Added", "type": "string", "jsonPath": ".spec.mode"}));
    std::fs::write(&file, definition.to_string())?;
    let path = copy.to_str().context("a path")?.to_owned();
    Ok((folder, path))
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &target)?,
            false => drop(std::fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

#[tokio::test]
async fn users_keep_what_is_theirs_through_the_whole_life_of_a_release() -> Result<()> {
    let mut site = Site::open().await?;

    site.helm(&["install", RELEASE, FIRST, "--create-namespace"]).await?;
    assert_eq!(site.image().await?, "rekindle:0.0.1");
    site.fill().await?;

    let upgraded = site.helm(&["upgrade", RELEASE, CHART]).await?;
    follow_the_notes(&site, &upgraded).await?;
    assert_eq!(site.image().await?, format!("rekindle:{}", env!("CARGO_PKG_VERSION")));
    site.before = site.users().await?;

    let (_folder, next) = next()?;
    assert!(!site.columns().await?.contains("Added"));
    site.helm(&["upgrade", RELEASE, &next]).await?;
    assert!(site.columns().await?.starts_with("Added "), "{}", site.columns().await?);
    site.users_are_as_before("the upgrade").await?;

    site.helm(&["rollback", RELEASE, "1"]).await?;
    assert_eq!(site.image().await?, "rekindle:0.0.1");
    assert!(!site.columns().await?.contains("Added"));
    site.users_are_as_before("the rollback").await?;

    site.helm(&["uninstall", RELEASE]).await?;
    assert_eq!(site.left(OWN_KINDS).await?, 0);
    assert_eq!(site.left("customresourcedefinitions").await?, 4);
    site.users_are_as_before("the end").await?;

    // The same release takes up again what it left.
    site.helm(&["install", RELEASE, CHART]).await?;
    site.users_are_as_before("the second beginning").await?;

    site.helm(&["upgrade", RELEASE, CHART, "--set", "crds.keep=false"]).await?;
    site.helm(&["uninstall", RELEASE, "--wait"]).await?;
    assert_eq!(site.left(&format!("{OWN_KINDS},customresourcedefinitions")).await?, 0);
    let theirs = site.plane.kubectl(&["get", "pods,configmaps", "-n", site.shop.name(), "-o", "name"]).await?;
    assert_eq!(theirs.split_whitespace().collect::<Vec<_>>(), ["pod/checkout-0", "configmap/checkout-config"]);

    // What somebody else installed is taken over only when told to.
    install(&site.plane).await?;
    let refused = site.helm(&["install", RELEASE, CHART]).await.err().context("it takes what is not its own")?;
    assert!(refused.to_string().contains("invalid ownership metadata"), "{refused}");
    site.helm(&["install", RELEASE, CHART, "--take-ownership", "--force-conflicts"]).await?;
    assert_eq!(site.left("customresourcedefinitions").await?, 4);
    site.plane.stop()
}

/// The three commands that the chart tells next, run as it tells them.
async fn follow_the_notes(site: &Site, told: &str) -> Result<()> {
    let told = told.replace("CONFIGMAP", "checkout-config").replace("APP", "checkout");
    let commands: Vec<_> = told.lines().filter_map(|line| line.strip_prefix("  kubectl ")).collect();
    assert_eq!(commands.len(), 3, "{told}");
    for command in commands {
        // An editor that changes nothing.
        let script = format!("KUBE_EDITOR=true \"$KUBECTL\" --namespace \"$PLACE\" {command}");
        let output = tokio::process::Command::new("bash")
            .args(["-euc", &script])
            .env("KUBECTL", rekindle_testplane::program("kubectl")?)
            .env("PLACE", site.shop.name())
            .env("KUBECONFIG", site.plane.kubeconfig())
            .env("KUBECACHEDIR", site.plane.dir().join("kubectl"))
            .kill_on_drop(true)
            .output()
            .await?;
        ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let pod = ["get", "pod", "checkout-0", "-n", site.shop.name(), "-o", "jsonpath={.metadata.annotations}"];
    assert_eq!(
        serde_json::from_str::<Value>(&site.plane.kubectl(&pod).await?)?,
        json!({"rekindle.dev/reload": "true", "rekindle.dev/policy": "checkout-config"})
    );
    Ok(())
}

/// Everything within one namespace, which is all that this user may do.
const TENANT: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: tenant}
rules:
  - {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
";

#[tokio::test]
async fn somebody_with_rights_in_one_namespace_alone_can_install_it_there() -> Result<()> {
    let place = namespace("tenant").await?;
    let plane = crate::support::plane().await?;
    let tenant = plane.service_account(place.name(), "tenant", TENANT).await?;
    let helm = Helm::new()?;
    let namespaces = format!("watchNamespaces={{{}}}", place.name());
    let own = ["--set", &namespaces, "--set", "crds.install=false", "--namespace", place.name()];

    let install = [&["install", RELEASE, CHART][..], &own].concat();
    let told = helm.run_in(Some(&tenant.kubeconfig), &install).await?;
    assert!(told.contains(&format!("works in the namespaces {}.", place.name())), "{told}");
    assert!(told.contains("definitions of the custom resources are not part of this release"), "{told}");

    let uninstall = ["uninstall", RELEASE, "--namespace", place.name()];
    helm.run_in(Some(&tenant.kubeconfig), &uninstall).await?;
    let left = ["get", OWN_KINDS, "-n", place.name(), "-l", "app.kubernetes.io/instance", "-o", "name"];
    // Cluster-wide kinds are listed whatever the namespace; this release has none.
    assert_eq!(plane.kubectl(&left).await?, "");
    Ok(())
}
