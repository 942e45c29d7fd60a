//! The main job in four edits, each made by kubectl as a user would make it, and each checked from outside.
//! Must not look into the operator: what it reads is what the API server and the pods say.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::Api;
use kube::api::DynamicObject;
use rekindle_core::digest::Digest;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::edit::{changed_lines, digest_of, digest_of_object};
use crate::pods::Pods;
use crate::screen;
use crate::watch::{Seen, objects, until};

const GROUP: &str = "rekindle.dev";
const LIMIT: Duration = Duration::from_secs(30);
const FINDINGS: &str = "jsonpath={range .status.findings[*]}{.document}:{.line}:{.column}: {.path}: {.message} \
                        ({.rule}){\"\\n\"}{end}";

/// Everything that the story is told with.
pub struct Story<'demo> {
    cluster: &'demo Cluster,
    pods: &'demo Pods,
    policies: Api<DynamicObject>,
    rollbacks: Api<DynamicObject>,
    config_maps: Api<DynamicObject>,
}

/// An edit that the API server took.
struct Edit {
    announced: Instant,
    digest: Digest,
}

impl<'demo> Story<'demo> {
    /// Prepares to tell it.
    pub fn new(cluster: &'demo Cluster, pods: &'demo Pods) -> Result<Self> {
        let client = cluster.client()?;
        let of = |group, kind| objects(&client, group, kind);
        let (policies, rollbacks) = (of(GROUP, "ReloadPolicy"), of(GROUP, "ConfigRollback"));
        Ok(Self { cluster, pods, policies, rollbacks, config_maps: of("", "ConfigMap") })
    }

    /// Tells it; the first step that does not come out as it should ends it.
    pub async fn tell(&self) -> Result<()> {
        self.first_version().await.context("the first version")?;
        self.good_edit().await.context("step 1, a good edit")?;
        self.invalid_edit().await.context("step 2, an invalid edit")?;
        self.refused_edit().await.context("step 3, an edit that the application refuses")?;
        self.rollback().await.context("step 4, a rollback")?;
        self.end().await
    }

    async fn first_version(&self) -> Result<()> {
        self.settled_on(1).await?;
        self.pods_show("demo/checkout.yaml", 1).await?;
        screen::fact("version 1 is recorded, and 3 of 3 pods proved that they run it");
        Ok(())
    }

    async fn good_edit(&self) -> Result<()> {
        screen::heading("1. A good edit reaches every pod");
        let file = "demo/1-good.yaml";
        let digest = digest_of(file)?.to_string();
        let (edit, arrived) =
            tokio::try_join!(self.edit("demo/checkout.yaml", file), self.pods.all_run(&digest, LIMIT))?;
        let took = screen::span(arrived.saturating_duration_since(edit.announced));
        screen::fact(&format!("3 of 3 pods run it {took} after the API server announced the edit; none was restarted"));
        let settled = self.settled_on(2).await?;
        let took = screen::span(settled.at.saturating_duration_since(edit.announced));
        self.pods_show(file, 2).await?;
        screen::fact(&format!("every pod proved version 2 by its digest; in the policy's status after {took}"));
        Ok(())
    }

    async fn invalid_edit(&self) -> Result<()> {
        screen::heading("2. An invalid edit is refused before any pod sees it");
        let edit = self.edit("demo/1-good.yaml", "demo/2-invalid.yaml").await?;
        let refused = self.policy(|policy| last_edit_is(policy, &edit.digest, "Invalid")).await?;
        let took = screen::span(refused.at.saturating_duration_since(edit.announced));
        screen::fact(&format!("refused after {took}; the policy says where and why, and never shows the value:"));
        self.run(&["get", "rp", "checkout", "-o", FINDINGS]).await?;
        ensure!(text(&refused.object, "/status/findings/0/rule") == "Maximum", "the finding is another one");
        self.pods_show("demo/1-good.yaml", 2).await?;
        screen::fact("nothing was pushed: 3 of 3 pods run version 2 as before");
        Ok(())
    }

    async fn refused_edit(&self) -> Result<()> {
        screen::heading("3. An edit that the application refuses is reverted and quarantined");
        let edit = self.edit("demo/2-invalid.yaml", "demo/3-refused.yaml").await?;
        let digest = edit.digest.to_string();
        let tripped = self.policy(|policy| quarantined(policy).any(|found| found == digest)).await?;
        let took = screen::span(tripped.at.saturating_duration_since(edit.announced));
        screen::fact(&format!(
            "it satisfies the schema, but the breaker tripped; quarantined after {took}, with the reason:"
        ));
        let reasons = "jsonpath={range .status.quarantined[*]}version {.version}: {.reason}{\"\\n\"}{end}";
        self.run(&["get", "rp", "checkout", "-o", reasons]).await?;
        let reverted = self.policy(|policy| active(policy) == Some(4) && confirmed(policy) == Some(3)).await?;
        let took = screen::span(reverted.at.saturating_duration_since(edit.announced));
        self.pods_show("demo/1-good.yaml", 4).await?;
        screen::fact(&format!("3 of 3 pods are on version 4, the content of version 2, {took} after the edit"));
        ensure!(text(&reverted.object, "/status/breaker/state") != "Closed", "the breaker is closed");
        Ok(())
    }

    async fn rollback(&self) -> Result<()> {
        screen::heading("4. A person goes back to the first version");
        let name = "back-to-the-start";
        let digest = digest_of("demo/checkout.yaml")?.to_string();
        let apply = self.run(&["apply", "-f", "demo/4-rollback.yaml"]);
        let asked = until(&self.rollbacks, name, LIMIT, |_| true);
        let (_, asked, arrived) = tokio::try_join!(apply, asked, self.pods.all_run(&digest, LIMIT))?;
        let took = screen::span(arrived.saturating_duration_since(asked.at));
        screen::fact(&format!(
            "3 of 3 pods run the content of version 1 again, {took} after the API server had the request"
        ));
        let done = until(&self.rollbacks, name, LIMIT, |rollback| condition(rollback, "Complete") == "True").await?;
        let took = screen::span(done.at.saturating_duration_since(asked.at));
        ensure!(number(&done.object, "/status/to") == Some(1), "it went to another version");
        self.settled_on(5).await?;
        self.pods_show("demo/checkout.yaml", 5).await?;
        screen::fact(&format!("recorded as version 5, and the request says so itself after {took}"));
        Ok(())
    }

    async fn end(&self) -> Result<()> {
        screen::heading("What is left to read");
        self.run(&["get", "rp,cv,cr"]).await
    }

    /// Applies a file and waits until a bare watch sees the change.
    async fn edit(&self, before: &str, file: &str) -> Result<Edit> {
        let digest = digest_of(file)?;
        let lines = changed_lines(before, file)?;
        let holds = |object: &DynamicObject| digest_of_object(object).is_ok_and(|found| found == digest);
        let announced = until(&self.config_maps, "checkout-config", LIMIT, holds);
        let apply = async {
            screen::text(&lines);
            self.run(&["apply", "-f", file]).await
        };
        let (announced, ()) = tokio::try_join!(announced, apply)?;
        Ok(Edit { announced: announced.at, digest })
    }

    /// Shows a command, runs it, and shows what it printed.
    async fn run(&self, arguments: &[&str]) -> Result<()> {
        screen::command(&format!("kubectl {}", quoted(arguments)));
        screen::text(&self.cluster.kubectl(arguments).await?);
        Ok(())
    }

    async fn policy(&self, holds: impl FnMut(&DynamicObject) -> bool) -> Result<Seen> {
        until(&self.policies, "checkout", LIMIT, holds).await
    }

    /// Waits until the policy says that every pod runs this version.
    async fn settled_on(&self, version: u64) -> Result<Seen> {
        self.policy(|policy| active(policy) == Some(version) && confirmed(policy) == Some(3)).await
    }

    /// Every pod's own page must show what is in the file, under this version's digest or number.
    async fn pods_show(&self, file: &str, version: u64) -> Result<()> {
        let digest = digest_of(file)?.to_string();
        for pod in self.pods.show().await? {
            let (running, found) = pod.running.with_context(|| format!("{} runs nothing", pod.name))?;
            ensure!(found == digest, "{} runs version {running} with {found} and not {digest}", pod.name);
            ensure!(running <= version, "{} runs version {running} and not {version}", pod.name);
            let page = pod.page.get("digest").and_then(Value::as_str);
            ensure!(page == Some(digest.as_str()), "{} shows {page:?} on its page", pod.name);
        }
        Ok(())
    }
}

/// The command line as it would be typed into a shell.
fn quoted(arguments: &[&str]) -> String {
    let plain = |argument: &str| argument.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=,:".contains(c));
    let quote = |argument: &&str| if plain(argument) { (*argument).to_owned() } else { format!("'{argument}'") };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn text<'object>(object: &'object DynamicObject, pointer: &str) -> &'object str {
    object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn number(object: &DynamicObject, pointer: &str) -> Option<u64> {
    object.data.pointer(pointer).and_then(Value::as_u64)
}

fn active(policy: &DynamicObject) -> Option<u64> {
    number(policy, "/status/active/version")
}

fn confirmed(policy: &DynamicObject) -> Option<u64> {
    number(policy, "/status/targets/confirmed")
}

fn last_edit_is(policy: &DynamicObject, digest: &Digest, outcome: &str) -> bool {
    text(policy, "/status/lastEdit/digest") == digest.to_string() && text(policy, "/status/lastEdit/outcome") == outcome
}

fn quarantined(policy: &DynamicObject) -> impl Iterator<Item = &str> {
    let list = policy.data.pointer("/status/quarantined").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|entry| entry.get("digest")?.as_str())
}

fn condition<'object>(object: &'object DynamicObject, kind: &str) -> &'object str {
    let list = object.data.pointer("/status/conditions").and_then(Value::as_array);
    let found = list.into_iter().flatten().find(|condition| condition.get("type").is_some_and(|found| found == kind));
    found.and_then(|condition| condition.get("status")?.as_str()).unwrap_or_default()
}
