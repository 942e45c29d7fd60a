//! What the watches tell: everything once, in an order that can be relied on, and also what happened while the API
//! server was away.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rekindle::cluster::{KubeCluster, Scope, client_of, wait_for, watch};
use rekindle::ports::{Cluster, PolicySeen, Sighting, Sink};
use rekindle_core::ids::{self, ObjectName, VersionNumber};
use rekindle_core::status::VersionStatus;
use rekindle_testplane::{ControlPlane, FakePod, Namespace, Options};
use serde_json::json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::cluster::{ROLE, Ticking, cluster, id, make_policy, name, shown, version};
use crate::support::{install, namespace, plane};

/// Far longer than anything here takes, so that only a broken watch meets it.
const LIMIT: Duration = Duration::from_secs(60);

/// Remembers everything that it is told.
#[derive(Default)]
struct Memory {
    wanted: BTreeSet<ObjectName>,
    seen: Mutex<Vec<Sighting>>,
    more: Notify,
}

impl Sink for Memory {
    fn wants_config_map(&self, _: &ids::Namespace, name: &ObjectName) -> bool {
        self.wanted.contains(name)
    }

    fn saw(&self, sighting: Sighting) {
        self.seen.lock().unwrap().push(sighting);
        self.more.notify_one();
    }
}

impl Memory {
    fn wanting(names: &[&str]) -> Arc<Self> {
        Arc::new(Self { wanted: names.iter().map(|text| name(text)).collect(), ..Default::default() })
    }

    /// Waits for a sighting that is such as described.
    async fn until(&self, what: &str, such: impl Fn(&Sighting) -> bool) -> Result<()> {
        let wait = async {
            while !self.seen.lock().unwrap().iter().any(&such) {
                self.more.notified().await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.with_context(|| format!("{what} was never told: {:?}", self.told()))
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// All that was told, in words.
    fn told(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(words).collect()
    }
}

/// A sighting in words; `-` stands before what is gone.
fn words(sighting: &Sighting) -> String {
    let sign = |there: bool| if there { "" } else { "-" };
    match sighting {
        Sighting::Policy(id, seen) => format!("{}policy {}", sign(seen.is_some()), id.name),
        Sighting::Schema(_, name, seen) => format!("{}schema {name}", sign(seen.is_some())),
        Sighting::Version(id, number, seen) => format!("{}version {} {number}", sign(seen.is_some()), id.name),
        Sighting::Rollback(id, name, seen) => format!("{}rollback {} {name}", sign(seen.is_some()), id.name),
        Sighting::ConfigMap(_, name, seen) => {
            let labeled = seen.as_ref().is_some_and(|facts| facts.labeled);
            format!("{}map {name}{}", sign(seen.is_some()), if labeled { " labeled" } else { "" })
        }
        Sighting::Pod(_, _, Some(facts)) => format!("pod {}", facts.name),
        Sighting::Pod(..) => "-pod".to_owned(),
        Sighting::Files(path, _) => format!("files {path}"),
    }
}

fn says(text: &'static str) -> impl Fn(&Sighting) -> bool {
    move |sighting| words(sighting) == text
}

fn scope(namespace: &Namespace) -> Scope {
    Scope::of([id(namespace)])
}

async fn synced(cluster: &KubeCluster, memory: &Arc<Memory>, scope: &Scope) -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let mut watches = watch(cluster, memory.clone(), scope, stop.clone());
    let synced = tokio::time::timeout(LIMIT, watches.synced()).await.context("the first lists never ended")?;
    anyhow::ensure!(synced, "it was stopped");
    tokio::spawn(watches.ended());
    Ok(stop)
}

async fn fill(namespace: &Namespace, cluster: &KubeCluster) -> Result<()> {
    let policy = make_policy(namespace, "checkout").await?;
    namespace
        .apply(
            "{apiVersion: rekindle.dev/v1alpha1, kind: ConfigSchema, metadata: {name: rules}, spec: {}}\n---\n\
             {apiVersion: rekindle.dev/v1alpha1, kind: ConfigRollback, metadata: {name: undo}, \
             spec: {policyRef: {name: checkout}, to: {lastGood: true}}}",
        )
        .await?;
    cluster.record(&policy, &version(1, "a: 1")).await?;
    namespace.config_map("checkout-config", &[("app.yaml", "a: 1")]).await?;
    namespace.config_map("unrelated", &[("app.yaml", "a: 1")]).await?;
    namespace
        .apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: marked, labels: {rekindle.dev/reload: 'true'}}}")
        .await?;
    namespace.fake_pod(FakePod::named("web").annotation("rekindle.dev/reload", "true").port("http", 8080)).await?;
    namespace.fake_pod(FakePod::named("stranger")).await?;
    Ok(())
}

#[tokio::test]
async fn the_first_sync_tells_what_matters_in_order_and_nothing_else() -> Result<()> {
    let namespace = namespace("sync").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    fill(&namespace, &cluster).await?;
    let memory = Memory::wanting(&["checkout-config"]);

    let stop = synced(&cluster, &memory, &scope(&namespace)).await?;

    let expected = [
        "policy checkout",
        "schema rules",
        "version checkout 1",
        "rollback checkout undo",
        "pod web",
        "map checkout-config",
        "map marked labeled",
    ];
    assert_eq!(memory.told(), expected);
    stop.cancel();
    Ok(())
}

#[tokio::test]
async fn a_config_map_is_told_of_until_nobody_wants_it_any_more() -> Result<()> {
    let namespace = namespace("label").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let memory = Memory::wanting(&["wanted"]);
    let stop = synced(&cluster, &memory, &Scope::All).await?;
    let here = |text: &'static str| words_here(&namespace, text);

    namespace.config_map("wanted", &[("app.yaml", "a: 1")]).await?;
    memory.until("the wanted map", here("map wanted")).await?;
    let kubectl =
        async |arguments: &[&str]| plane().await?.kubectl(&[&["-n", namespace.name()], arguments].concat()).await;
    namespace.config_map("marked", &[("app.yaml", "a: 1")]).await?;
    kubectl(&["label", "configmap", "marked", "rekindle.dev/reload=true"]).await?;
    memory.until("the label", here("map marked labeled")).await?;
    kubectl(&["label", "configmap", "marked", "rekindle.dev/reload-"]).await?;
    memory.until("the end of the label", here("map marked")).await?;
    memory.forget();
    namespace.config_map("marked", &[("app.yaml", "a: 2")]).await?;
    kubectl(&["delete", "configmap", "marked", "wanted"]).await?;
    memory.until("the end", here("-map wanted")).await?;
    let marked = ["map marked", "map marked labeled", "-map marked"].map(here);
    let told = memory.seen.lock().unwrap().iter().any(|sighting| marked.iter().any(|such| such(sighting)));
    assert!(!told, "nobody asked: {:?}", memory.told());
    stop.cancel();
    Ok(())
}

fn words_here<'a>(namespace: &'a Namespace, text: &'a str) -> impl Fn(&Sighting) -> bool + 'a {
    move |sighting| match sighting {
        Sighting::ConfigMap(place, ..) => place.as_str() == namespace.name() && words(sighting) == text,
        _ => false,
    }
}

#[tokio::test]
async fn a_pod_without_its_annotation_is_gone() -> Result<()> {
    let namespace = namespace("pods").await?;
    let cluster = cluster(&namespace, ROLE).await?;
    let memory = Memory::wanting(&[]);
    let stop = synced(&cluster, &memory, &scope(&namespace)).await?;

    let mut pod = namespace.fake_pod(FakePod::named("web").annotation("rekindle.dev/reload", "true")).await?;
    let running = |sighting: &Sighting| matches!(sighting, Sighting::Pod(_, _, Some(facts)) if facts.running);
    memory.until("the running pod", running).await?;
    memory.forget();
    pod.restart().await?;
    memory.until("its next life", running).await?;
    pod.annotate("rekindle.dev/reload", None).await?;
    memory.until("its end", says("-pod")).await?;
    stop.cancel();
    Ok(())
}

#[tokio::test]
async fn a_restart_with_nothing_changed_writes_nothing() -> Result<()> {
    let namespace = namespace("calm").await?;
    let first = cluster(&namespace, ROLE).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    first.record(&policy, &version(1, "a: 1")).await?;
    let status = shown(1, "as it is");
    let proven = VersionStatus { active: true, proven: true, tripped: None, acks: Vec::new() };
    first.show_policy(&policy.id, &status).await?;
    first.show_version(&policy.id, VersionNumber(1), &proven).await?;

    let second = cluster(&namespace, ROLE).await?;
    let memory = Memory::wanting(&[]);
    let stop = synced(&second, &memory, &scope(&namespace)).await?;
    let mark = plane().await?.audit().mark()?;
    second.show_policy(&policy.id, &status).await?;
    second.show_version(&policy.id, VersionNumber(1), &proven).await?;

    plane().await?.settle_audit().await?;
    let by_operator = |entry: &rekindle_testplane::audit::Entry| entry.is_by(namespace.name(), "operator");
    let writes = plane().await?.audit().count(mark, |entry| by_operator(entry) && entry.is_write())?;
    assert_eq!(writes, 0);
    // And what it goes on from is what was shown.
    let read = memory.seen.lock().unwrap().iter().find_map(policy_seen).context("no policy")?.status;
    let read = read.context("it has no status")?;
    assert_eq!((read.breaker, read.quarantined), (status.breaker, status.quarantined));
    assert_eq!(
        (read.set_aside, read.last_number, read.last_edit),
        (status.set_aside, status.last_number, status.last_edit)
    );
    stop.cancel();
    Ok(())
}

fn policy_seen(sighting: &Sighting) -> Option<PolicySeen> {
    match sighting {
        Sighting::Policy(_, seen) => seen.as_deref().cloned(),
        _ => None,
    }
}

/// A control plane of its own: the server of the others must not go away.
async fn own_plane() -> Result<ControlPlane> {
    let plane = ControlPlane::start(Options::default()).await?;
    install(&plane).await?;
    Ok(plane)
}

async fn operator(plane: &ControlPlane, namespace: &Namespace) -> Result<KubeCluster> {
    let access = plane.service_account(namespace.name(), "operator", ROLE).await?;
    Ok(KubeCluster::new(client_of(access.config)?, Ticking::default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_vanished_while_the_server_was_away_is_told_when_it_is_back() -> Result<()> {
    let plane = own_plane().await?;
    let namespace = plane.namespace("away").await?;
    let cluster = operator(&plane, &namespace).await?;
    fill(&namespace, &cluster).await?;
    let memory = Memory::wanting(&["checkout-config"]);
    let stop = synced(&cluster, &memory, &Scope::All).await?;
    memory.forget();

    plane.kill_api_server()?;
    let error = cluster.config_map(&id(&namespace), &name("checkout-config")).await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    plane.start_api_server().await?;
    assert!(wait_for(&plane.client()?, &stop).await);
    plane.kubectl(&["-n", namespace.name(), "delete", "configmap", "checkout-config"]).await?;
    plane.kubectl(&["-n", namespace.name(), "delete", "rp", "checkout"]).await?;
    plane.kubectl(&["-n", namespace.name(), "delete", "cv", "checkout-v1"]).await?;

    for gone in ["-map checkout-config", "-policy checkout", "-version checkout 1"] {
        memory.until(gone, says(gone)).await?;
    }
    namespace.config_map("checkout-config", &[("app.yaml", "a: 3")]).await?;
    memory.until("the map that is there again", says("map checkout-config")).await?;
    stop.cancel();
    Ok(())
}

#[tokio::test]
async fn an_object_that_cannot_be_read_stops_nobody() -> Result<()> {
    let plane = own_plane().await?;
    let namespace = plane.namespace("odd").await?;
    let cluster = operator(&plane, &namespace).await?;
    let policy = make_policy(&namespace, "checkout").await?;
    cluster.record(&policy, &version(1, "a: 1")).await?;
    // As after a change of the definitions: they let pass what does not fit.
    for kind in ["reloadpolicies", "configschemas", "configversions"] {
        let anything = json!([{"op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value":
            {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            {"op": "remove", "path": "/spec/versions/0/selectableFields"}]);
        let anything = if kind == "configversions" { anything } else { json!([anything[0]]) };
        let name = format!("{kind}.rekindle.dev");
        plane.kubectl(&["patch", "crd", &name, "--type=json", "-p", &anything.to_string()]).await?;
    }
    let odd = async |manifest: &str| {
        // The server takes a moment to serve the new definition.
        for _ in 0..600 {
            if namespace.apply(manifest).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("the server never took {manifest}")
    };
    odd("{apiVersion: rekindle.dev/v1alpha1, kind: ReloadPolicy, metadata: {name: odd}, spec: {sources: 7}}").await?;
    odd("{apiVersion: rekindle.dev/v1alpha1, kind: ConfigSchema, metadata: {name: odd}, spec: {documents: 7}}").await?;
    odd("{apiVersion: rekindle.dev/v1alpha1, kind: ConfigVersion, metadata: {name: odd-v1}, spec: {number: x}}")
        .await?;

    let memory = Memory::wanting(&[]);
    let stop = synced(&cluster, &memory, &Scope::All).await?;

    let mut told = memory.told();
    told.sort();
    assert_eq!(told, ["policy checkout", "policy odd", "schema odd", "version checkout 1"]);
    let problem = |sighting: &Sighting| match sighting {
        Sighting::Policy(_, Some(seen)) => seen.policy.clone().err(),
        Sighting::Schema(_, _, Some(seen)) => seen.spec.clone().err(),
        _ => None,
    };
    let problems: Vec<_> = memory.seen.lock().unwrap().iter().filter_map(problem).collect();
    assert_eq!(problems.iter().filter(|problem| problem.contains("cannot be read")).count(), 2, "{problems:?}");
    stop.cancel();
    Ok(())
}

#[tokio::test]
async fn missing_definitions_are_waited_for() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let namespace = plane.namespace("early").await?;
    let cluster = operator(&plane, &namespace).await?;
    let memory = Memory::wanting(&[]);
    let stop = CancellationToken::new();
    let mut watches = watch(&cluster, memory.clone(), &Scope::All, stop.clone());

    let asked = async {
        while plane.audit().entries()?.iter().filter(|entry| entry.resource == "reloadpolicies").count() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LIMIT, asked).await.context("it asked less than twice")??;
    install(&plane).await?;
    make_policy(&namespace, "checkout").await?;

    assert!(tokio::time::timeout(LIMIT, watches.synced()).await.context("it never synced")?);
    memory.until("the policy", says("policy checkout")).await?;
    stop.cancel();
    watches.ended().await?;
    Ok(())
}
