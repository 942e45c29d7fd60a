//! The invariants of the design, asserted from outside: from the operator's requests as the proxy saw them, from what
//! reached the targets, and from the objects in the API server. Must not look into the operator.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::events::v1::Event;
use kube::api::{ListParams, Patch, PatchParams};
use rekindle_api::{ConfigRollback, ConfigSchema, ConfigVersion, ReloadPolicy};
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use serde::Serialize;
use serde_json::{Value, json};

use super::proxy::Request;
use super::scene::Scene;
use super::stage::{MARKER, Stage};
use super::target::{Arrival, Target};

/// A version whose creation the API server carried out.
struct Record {
    number: u64,
    digest: String,
    origin: Value,
    /// Nobody could know of it before.
    known: Instant,
    /// When the API server had answered, or failed to.
    answered: Instant,
}

impl Record {
    /// What a create asks for, once that is over.
    fn asked_by(request: &Request) -> Option<Self> {
        let spec = &request.body["spec"];
        (spec["policy"] == "checkout").then_some(())?;
        let answered = request.answered?;
        Some(Self {
            number: spec["number"].as_u64()?,
            digest: spec["digest"].as_str()?.to_owned(),
            origin: spec["origin"].clone(),
            known: if request.succeeded() { answered } else { request.at },
            answered,
        })
    }
}

/// What happened, put together.
struct Evidence<'a> {
    stage: &'a Stage,
    log: Vec<Request>,
    records: Vec<Record>,
    policy: Value,
    versions: BTreeMap<u64, ConfigVersion>,
}

/// Asserts S1 to S6, S8 and S9, then L1 with a quiet window; the stage must have come to its end.
pub async fn assert_invariants(stage: &Stage) -> Result<()> {
    let everything = async {
        let seen = Evidence::of(stage).await?;
        seen.recorded_and_valid()?;
        seen.recorded_before_pushed()?;
        seen.versions_never_fall()?;
        seen.the_last_edit_has_an_outcome().await?;
        seen.pruned_with_care()?;
        seen.reverted_once()?;
        seen.only_where_it_may()?;
        no_value_leaks(stage, &seen.log).await?;
        converged(stage, &seen.policy, &seen.versions)?;
        quiet(stage).await
    };
    everything.await.with_context(|| format!("requests:\n{}\noperator:\n{}", stage.requests(), stage.logs()))
}

impl<'a> Evidence<'a> {
    async fn of(stage: &'a Stage) -> Result<Self> {
        let log = stage.proxy.log();
        let (policy, versions) = (stage.scene.policy().await?, stage.scene.versions().await?);
        let creates = log.iter().filter(|request| request.verb == "create" && request.resource == "configversions");
        let (succeeded, failed): (Vec<_>, Vec<_>) = creates.partition(|request| request.succeeded());
        let mut records: Vec<_> = succeeded.into_iter().filter_map(Record::asked_by).collect();
        // A server that crashes may have recorded what it could not answer any more: the object tells.
        for failed in failed.into_iter().filter_map(Record::asked_by) {
            let there = versions.get(&failed.number).is_some_and(|version| version.spec.digest == failed.digest);
            if there && records.iter().all(|record| record.number != failed.number) {
                records.push(failed);
            }
        }
        Ok(Self { stage, log, records, policy, versions })
    }

    fn arrivals(&self) -> impl Iterator<Item = (&'a Target, Arrival)> {
        let targets = self.stage.scene.targets.iter();
        targets.flat_map(|target| target.arrivals().into_iter().map(move |arrival| (target, arrival)))
    }

    /// S1: what reached a target is the content of a version, and satisfies the schema.
    fn recorded_and_valid(&self) -> Result<()> {
        let recorded: BTreeSet<&str> = self.records.iter().map(|record| record.digest.as_str()).collect();
        for (target, arrival) in self.arrivals() {
            let digest = arrival.digest();
            ensure!(recorded.contains(digest), "S1: {} got the unrecorded {digest}", target.pod.name());
            let app = arrival.body["documents"][0]["text"].as_str().unwrap_or_default();
            let pool = app.lines().find_map(|line| line.strip_prefix("pool: ")?.parse::<u32>().ok());
            ensure!(pool.is_some_and(|pool| (1..=100).contains(&pool)), "S1: invalid content was pushed: {app:?}");
        }
        Ok(())
    }

    /// S2: a push comes after the API server acknowledged its very version, which is still there or was pruned.
    fn recorded_before_pushed(&self) -> Result<()> {
        let pruned: BTreeSet<u64> = self.pruned().map(|(number, _)| number).collect();
        for (target, arrival) in self.arrivals() {
            let (number, pod) = (arrival.version(), target.pod.name());
            let record = self.records.iter().find(|record| record.number == number);
            let Some(record) = record else { bail!("S2: {pod} got version {number}, which was never recorded") };
            ensure!(record.digest == arrival.digest(), "S2: {pod} got another digest under version {number}");
            ensure!(record.known < arrival.at, "S2: {pod} got version {number} before it was recorded");
            let kept = self.versions.get(&number).is_some_and(|version| version.spec.digest == record.digest);
            ensure!(kept || pruned.contains(&number), "S2: version {number} was pushed and is gone");
        }
        let mut numbers = BTreeSet::new();
        for record in &self.records {
            ensure!(numbers.insert(record.number), "S2: the number {} was given twice", record.number);
        }
        Ok(())
    }

    /// S3: no target is sent back in time.
    fn versions_never_fall(&self) -> Result<()> {
        for target in &self.stage.scene.targets {
            let mut before = (0, 0);
            for arrival in target.arrivals() {
                let now = (arrival.body["epoch"].as_u64().unwrap_or_default(), arrival.version());
                ensure!(now >= before, "S3: {} got {now:?} after {before:?}", target.pod.name());
                before = now;
            }
        }
        Ok(())
    }

    /// S4: the status says what became of what the source holds now.
    async fn the_last_edit_has_an_outcome(&self) -> Result<()> {
        let edit = &self.policy["status"]["lastEdit"];
        let said = |field: &str| edit[field].as_str().is_some_and(|text| !text.is_empty());
        ensure!(said("outcome") && said("message"), "S4: the last edit has no outcome: {edit}");
        let held = source_digest(&self.stage.scene).await?;
        ensure!(edit["digest"] == held.as_str(), "S4: the outcome is about {edit}, the source holds {held}");
        Ok(())
    }

    fn pruned(&self) -> impl Iterator<Item = (u64, Instant)> {
        let deletes =
            self.log.iter().filter(|request| request.verb == "delete" && request.resource == "configversions");
        deletes.filter_map(|request| Some((request.name.strip_prefix("checkout-v")?.parse().ok()?, request.at)))
    }

    /// S5: pruning took neither the active version nor last-good nor one that a target ran then.
    fn pruned_with_care(&self) -> Result<()> {
        for (number, at) in self.pruned() {
            let newest = self.records.iter().filter(|record| record.answered < at).map(|record| record.number).max();
            ensure!(newest > Some(number), "S5: version {number} was pruned while it was active");
            let mut statuses = self
                .log
                .iter()
                .filter(|request| request.line() == "patch reloadpolicies/status checkout" && request.at < at);
            if let Some(last) = statuses.next_back() {
                let shown = last.body[0]["value"]["lastGood"]["version"].as_u64();
                // The policy's status follows the records, which say it first.
                let good = shown.max(self.proven_before(at));
                ensure!(good != Some(number), "S5: version {number} was pruned while it was last-good");
            }
            for target in &self.stage.scene.targets {
                let ran = target.pushes().into_iter().rfind(|push| push.taken && push.at < at);
                let ran = ran.map(|push| push.running.version.0);
                ensure!(ran != Some(number), "S5: version {number} was pruned while {} ran it", target.pod.name());
            }
        }
        for place in ["active", "lastGood"] {
            if let Some(number) = self.policy["status"][place]["version"].as_u64() {
                ensure!(self.versions.contains_key(&number), "S5: the {place} version {number} is gone");
            }
        }
        Ok(())
    }

    /// The newest version whose record said at that time that it is proven.
    fn proven_before(&self, at: Instant) -> Option<u64> {
        let proves = |request: &&Request| {
            let conditions = request.body[0]["value"]["conditions"].as_array();
            let proven = |condition: &Value| condition["type"] == "Proven" && condition["status"] == "True";
            // A watch may tell of it before it is answered.
            request.at < at && request.succeeded() && conditions.is_some_and(|conditions| conditions.iter().any(proven))
        };
        let statuses =
            self.log.iter().filter(|request| request.verb == "patch" && request.resource == "configversions");
        let numbers =
            statuses.filter(proves).filter_map(|request| request.name.strip_prefix("checkout-v")?.parse().ok());
        numbers.max()
    }

    /// S6: what tripped was reverted once, is in quarantine, and never went out again.
    fn reverted_once(&self) -> Result<()> {
        let mut reverted = BTreeSet::new();
        for revert in self.records.iter().filter(|record| record.origin["type"] == "Revert") {
            let left = self.records.iter().find(|record| revert.origin["from"] == record.number);
            let digest = &left.context("S6: a revert leaves a version that nobody recorded")?.digest;
            ensure!(reverted.insert(digest), "S6: {digest} was reverted twice");
            let quarantined = self.policy["status"]["quarantined"].as_array().cloned().unwrap_or_default();
            let entries = quarantined.iter().filter(|entry| entry["digest"] == digest.as_str()).count();
            ensure!(entries == 1, "S6: {digest} is in quarantine {entries} times");
            for (target, arrival) in self.arrivals() {
                let again = arrival.digest() == digest && arrival.at > revert.answered;
                ensure!(!again, "S6: {} got {digest} after it was reverted", target.pod.name());
            }
        }
        Ok(())
    }

    /// S8: only the declared path and port, on behalf of the policy, to pods of the namespace that opted in.
    fn only_where_it_may(&self) -> Result<()> {
        let policy = format!("{}/checkout", self.stage.scene.namespace.name());
        for (_, arrival) in self.arrivals() {
            ensure!(arrival.asked == "POST /rekindle/v1/config", "S8: {}", arrival.asked);
            ensure!(arrival.body["policy"] == policy.as_str(), "S8: a push on behalf of {}", arrival.body["policy"]);
        }
        self.stage.check_decoys()
    }
}

/// The digest of what the ConfigMap holds now.
pub async fn source_digest(scene: &Scene) -> Result<String> {
    let data = scene.api::<ConfigMap>().get("checkout-config").await?.data.unwrap_or_default();
    let entries = data.into_iter().map(|(name, text)| Ok((DocumentName::parse(name)?, Bytes::from(text))));
    let documents = Documents::from_ordered(entries.collect::<Result<Vec<_>>>()?)?;
    Ok(Digest::of(&documents).to_string())
}

/// S9: no value of the configuration is in a log, an Event, a status, or a write of one.
async fn no_value_leaks(stage: &Stage, log: &[Request]) -> Result<()> {
    ensure!(!stage.logs().contains(MARKER), "S9: a log holds a value");
    let content = ["configversions", "configmaps", "secrets"];
    for request in log {
        let carries = content.contains(&request.resource.as_str()) && request.subresource.is_empty();
        ensure!(carries || !request.body.to_string().contains(MARKER), "S9: {} holds a value", request.line());
    }
    ensure!(!all::<Event>(stage).await?.contains(MARKER), "S9: an Event holds a value");
    ensure!(!all::<ReloadPolicy>(stage).await?.contains(MARKER), "S9: a policy holds a value");
    ensure!(!all::<ConfigVersion>(stage).await?.contains(MARKER), "S9: a version holds a value in the open");
    ensure!(!all::<ConfigRollback>(stage).await?.contains(MARKER), "S9: a rollback holds a value");
    ensure!(!all::<ConfigSchema>(stage).await?.contains(MARKER), "S9: a schema holds a value");
    Ok(())
}

async fn all<K>(stage: &Stage) -> Result<String>
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    K: Clone + std::fmt::Debug + Serialize + serde::de::DeserializeOwned,
{
    Ok(serde_json::to_string(&stage.scene.api::<K>().list(&ListParams::default()).await?.items)?)
}

/// L1: every target runs the active version, and the status says so.
fn converged(stage: &Stage, policy: &Value, versions: &BTreeMap<u64, ConfigVersion>) -> Result<()> {
    let status = &policy["status"];
    let newest = versions.keys().max().context("L1: there is no version")?;
    ensure!(status["active"]["version"] == *newest, "L1: version {newest} is the newest: {status}");
    for target in &stage.scene.targets {
        let runs = target.runs().map(|push| push.running.version.0);
        ensure!(runs == Some(*newest), "L1: {} runs {runs:?}, not {newest}", target.pod.name());
    }
    let (total, confirmed) = (&status["targets"]["total"], &status["targets"]["confirmed"]);
    ensure!(*total == stage.scene.targets.len() && total == confirmed, "L1: {}", status["targets"]);
    Ok(())
}

/// L1: then there are no writes and no pushes.
///
/// The window is as long as the operator's own pause between two writes: it begins when the operator has shown that it
/// saw one change of the specification, and ends when it has shown the next.
async fn quiet(stage: &Stage) -> Result<()> {
    sentinel(stage).await?;
    let (begin, pushes) = (Instant::now(), arrivals(stage));
    sentinel(stage).await?;
    let log = stage.proxy.log();
    let writes = log.iter().filter(|request| request.is_write() && request.at > begin);
    let lines: Vec<_> = writes.map(Request::line).collect();
    // The one that shows the second change.
    ensure!(lines == ["patch reloadpolicies/status checkout"], "L1: it is not quiet: {lines:?}");
    ensure!(arrivals(stage) == pushes, "L1: there are pushes still");
    Ok(())
}

fn arrivals(stage: &Stage) -> usize {
    stage.scene.targets.iter().map(Target::requests).sum()
}

/// Changes the specification in what does not matter and waits until the operator has shown that it saw it.
async fn sentinel(stage: &Stage) -> Result<()> {
    let policies = stage.scene.api::<ReloadPolicy>();
    let limit = policies.get("checkout").await?.spec.history.limit + 1;
    let change = Patch::Merge(json!({"spec": {"history": {"limit": limit}}}));
    let generation = policies.patch("checkout", &PatchParams::default(), &change).await?.metadata.generation;
    let shown = async || {
        let status = policies.get("checkout").await?.status.unwrap_or_default();
        Ok(status.observed_generation == generation)
    };
    stage.scene.until("the operator shows that it saw the change of the policy", shown).await
}
