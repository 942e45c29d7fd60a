//! The control plane itself: that it is real, that it can fail on purpose, and that nothing is left of it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::Api;
use kube::api::{ListParams, PostParams};
use rekindle_testplane::{ControlPlane, FakePod, Options, shared};

const READER: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
  - {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch]}
";

const DEFINITION: &str = "
# A comment before the first document.
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {kind: Lamp, plural: lamps, singular: lamp}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {on: {type: boolean}}}}}}
---
apiVersion: example.com/v1
kind: Lamp
metadata: {name: hall}
spec: {'on': true}
";

#[tokio::test]
async fn kubectl_sees_what_a_client_wrote() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("kubectl").await?;

    namespace.config_map("app", &[("app.yaml", "size: 1\n")]).await?;

    let seen = plane
        .kubectl(&["-n", namespace.name(), "get", "configmap", "app", "-o", r"jsonpath={.data.app\.yaml}"])
        .await?;
    assert_eq!(seen, "size: 1\n");
    Ok(())
}

#[tokio::test]
async fn a_custom_resource_can_follow_its_definition_in_one_text() -> Result<()> {
    let namespace = shared().await.namespace("apply").await?;

    let applied = namespace.apply(DEFINITION).await?;

    let lamp = applied.last().context("an applied object")?;
    assert_eq!(lamp.metadata.namespace.as_deref(), Some(namespace.name()));
    assert_eq!(lamp.data.pointer("/spec/on"), Some(&true.into()));
    Ok(())
}

#[tokio::test]
async fn a_service_account_has_its_roles_and_no_more() -> Result<()> {
    let plane = shared().await;
    let namespace = plane.namespace("access").await?;
    let access = plane.service_account(namespace.name(), "operator", READER).await?;
    let mark = plane.audit().mark()?;

    let client = access.client()?;
    let list = Api::<ConfigMap>::all(client.clone()).list(&ListParams::default()).await;
    let secrets = Api::<Secret>::all(client.clone()).list(&ListParams::default()).await;
    let written = Api::<ConfigMap>::namespaced(client, namespace.name())
        .create(&PostParams::default(), &ConfigMap::default())
        .await;

    assert!(list.is_ok(), "{list:?}");
    assert!(matches!(secrets, Err(kube::Error::Api(status)) if status.is_forbidden()));
    assert!(matches!(written, Err(kube::Error::Api(status)) if status.is_forbidden()));
    plane.settle_audit().await?;
    let by_operator = plane.audit().count(mark, |entry| entry.is_by(namespace.name(), "operator"))?;
    let writes = plane.audit().count(mark, |entry| entry.is_by(namespace.name(), "operator") && entry.is_write())?;
    assert_eq!((by_operator, writes), (3, 1));
    Ok(())
}

#[tokio::test]
async fn fake_pods_run_restart_and_go() -> Result<()> {
    let namespace = shared().await.namespace("pods").await?;
    let pods = (0..20).map(|number| {
        FakePod::named(&format!("web-{number}"))
            .label("app", "web")
            .annotation("rekindle.dev/reload", "true")
            .port("http", 8080)
    });

    let mut pods = namespace.fake_pods(pods).await?;
    let pod = pods.get_mut(7).context("the eighth pod")?;
    pod.restart().await?;
    pod.restart().await?;
    pod.set_ready(false).await?;

    let status = pod.get().await?.status.context("a status")?;
    let containers = status.container_statuses.context("container statuses")?;
    let container = containers.first().context("a container status")?;
    assert_eq!(pod.name(), "web-7");
    assert_eq!(status.phase.as_deref(), Some("Running"));
    assert_eq!(status.pod_ip, Some(pod.address().to_string()));
    assert_eq!((container.restart_count, container.ready), (2, false));
    let ready = status.conditions.context("conditions")?.into_iter().find(|condition| condition.type_ == "Ready");
    assert_eq!(ready.context("Ready")?.status, "False");

    pod.terminate().await?;
    assert!(pod.get().await?.metadata.deletion_timestamp.is_some());

    for pod in pods {
        pod.delete().await?;
    }
    let left = namespace.api::<Pod>().list(&ListParams::default()).await?;
    assert!(left.items.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_outage_keeps_the_address_and_the_data() -> Result<()> {
    let plane = ControlPlane::start(Options::default()).await?;
    let namespace = plane.namespace("outage").await?;
    namespace.config_map("app", &[("a", "1")]).await?;
    let url = plane.url();

    plane.stop_api_server()?;
    let during = plane.client()?.apiserver_version().await;
    plane.start_api_server().await?;
    plane.kill_api_server()?;
    plane.start_api_server().await?;
    let after = namespace.api::<ConfigMap>().get("app").await?;

    assert!(during.is_err());
    assert_eq!(after.data.context("data")?.get("a").map(String::as_str), Some("1"));
    assert_eq!(plane.url(), url);
    let dir = plane.dir().to_owned();
    plane.stop()?;
    assert_nothing_left(&dir);
    Ok(())
}

#[test]
fn nothing_is_left_when_its_owner_is_killed() -> Result<()> {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_rekindle-testplane")).stdout(Stdio::piped()).spawn()?;
    let lines = std::io::BufRead::lines(std::io::BufReader::new(owner.stdout.take().context("output")?));
    let mut dir = None;
    for line in lines {
        if let Some(named) = line?.strip_prefix("logs and data: ") {
            dir = Some(named.to_owned());
            break;
        }
    }
    let dir = dir.context("the folder")?;

    owner.kill()?;
    owner.wait()?;

    assert_nothing_left(Path::new(&dir));
    Ok(())
}

/// The folder goes last, so its end is what to wait for.
fn assert_nothing_left(dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while dir.exists() {
        assert!(Instant::now() < deadline, "{} is still there", dir.display());
        thread::sleep(Duration::from_millis(20));
    }
    let named = format!("{}/", dir.display());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        assert!(!command.contains(&named), "still running: {command}");
    }
}
