//! A world in memory: sources, records, pods and a clock, and a shell that executes plans in it without a choice.
//! Every plan is checked on the way: it is the same twice and in any order, rests until it says, and keeps S1 to S6.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::breaker::BreakerRules;
use crate::configuration::Configuration;
use crate::contract::body::Reason as PushReason;
use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use crate::policy::{Include, Mode, Policy, RevertRules, Source};
use crate::reason::Reason;
use crate::reconcile::assess::assess;
use crate::reconcile::decide;
use crate::reconcile::ledger::Ledger;
use crate::reconcile::observed::{ActiveProblem, Assessment, Observed, SchemaState, SourceState};
use crate::reconcile::plan::{Action, Because, Note, Plan, Shown};
use crate::record::{Origin, Recorded, RollbackRequest, SeenSource};
use crate::status::{Condition, ConditionKind, PolicyStatus, RollbackStatus, Truth};
use crate::target::{Answer, Endpoint, Payload, Running, Target, TargetKey, TargetProblem};
use crate::time::Timestamp;
use crate::validate::{DocumentRules, SchemaSpec, UnknownFields, compile};
use crate::version::history::RollbackTo;

/// What a source holds that no application can live with, though it is valid.
pub const HURTS: &str = "hurts: true\n";

pub fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

pub fn version(number: u64) -> VersionNumber {
    VersionNumber(number)
}

pub fn documents(text: &str) -> Documents {
    let entry = (DocumentName::parse("app.yaml").unwrap(), Bytes::from(text.to_owned()));
    Documents::join([BTreeMap::from([entry])])
}

pub fn digest(text: &str) -> Digest {
    Digest::of(&documents(text))
}

/// How a pod answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It takes what does not hurt.
    Sane,
    /// It takes everything.
    Careless,
    /// It refuses everything.
    Stubborn,
    /// It does not answer.
    Down,
    /// It applies what it gets, and the answer is lost.
    Mute,
}

#[derive(Debug, Clone)]
pub struct Pod {
    pub key: TargetKey,
    pub ready: bool,
    pub mood: Mood,
    pub payload: Payload,
    pub problem: Option<TargetProblem>,
    /// What it runs in truth.
    pub runs: Option<Running>,
    /// Pushes that arrived.
    pub pushes: Vec<(VersionNumber, PushReason)>,
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    Recorded(u64),
    Pushed(u64, Vec<String>),
    Copied(u64),
    Restored(u64),
    Pruned(u64),
    Announced(Reason),
}

/// A push that is on its way: the pod, its key, and what is brought.
type OnItsWay = (String, TargetKey, Running, PushReason);

pub struct World {
    pub now: Timestamp,
    pub policy: Policy,
    pub schema: SchemaState,
    pub source: SourceState,
    pub pods: BTreeMap<String, Pod>,
    pub taken: BTreeMap<ObjectName, PolicyId>,
    pub rollbacks: Vec<RollbackRequest>,
    pub copy: Option<Documents>,
    pub trouble: Option<Because>,
    /// Whether the API server takes records.
    pub records_fail: bool,
    /// Whether statuses are written after each round.
    pub writes_statuses: bool,
    /// Whether answers wait until they are delivered by hand.
    pub holds_answers: bool,
    /// After so many actions the process ends.
    pub dies_after: Option<usize>,

    // What is durable.
    pub history: BTreeMap<VersionNumber, Arc<Recorded>>,
    pub status: Option<PolicyStatus>,
    pub rollback_status: BTreeMap<ObjectName, RollbackStatus>,

    // What the process holds.
    pub ledger: Ledger,
    pub shown: Shown,
    pub on_its_way: Vec<OnItsWay>,

    pub happened: Vec<Happened>,
    judged: BTreeSet<Digest>,
    reverted: BTreeSet<Digest>,
    /// What people rolled back from since the sources last changed.
    left: BTreeSet<Digest>,
    held: Option<Digest>,
    tripped_now: BTreeSet<VersionNumber>,
    /// What was last-good when the newest version was recorded.
    known_good: Option<VersionNumber>,
    pub lives: i64,
}

pub fn schema() -> SchemaState {
    let document = DocumentRules {
        pattern: "app.yaml".to_owned(),
        required: true,
        schema: Some(serde_json::json!({
            "type": "object",
            "properties": {"pool": {"type": "integer", "maximum": 100}},
        })),
        rules: Vec::new(),
    };
    let spec = SchemaSpec { documents: vec![document], unknown_fields: UnknownFields::Allow, ..SchemaSpec::default() };
    SchemaState::Ready(Arc::new(compile(&spec).unwrap()))
}

fn policy() -> Policy {
    Policy {
        id: PolicyId { namespace: Namespace::parse("shop").unwrap(), name: name("checkout") },
        uid: Uid::parse("policy").unwrap(),
        created: Timestamp(0),
        generation: 3,
        sources: vec![Source::ConfigMap { name: name("checkout"), include: Include::default() }],
        schema: Some(name("checkout")),
        targets: None,
        breaker: BreakerRules {
            consecutive_failures: 3,
            failure_percent: 50,
            minimum_pods: 3,
            open_for: Duration::from_secs(60),
        },
        revert: RevertRules { automatic: true, restore_source: false },
        active_copy: None,
        history_limit: 10,
        mode: Mode::Enforce,
    }
}

impl World {
    /// A policy, its schema, an empty history, no source, and so many pods.
    pub fn new(pods: usize) -> Self {
        let mut world = Self {
            now: Timestamp(1_800_000_000_000),
            policy: policy(),
            schema: schema(),
            source: SourceState::Missing,
            pods: BTreeMap::new(),
            taken: BTreeMap::new(),
            rollbacks: Vec::new(),
            copy: None,
            trouble: None,
            records_fail: false,
            writes_statuses: true,
            holds_answers: false,
            dies_after: None,
            history: BTreeMap::new(),
            status: None,
            rollback_status: BTreeMap::new(),
            ledger: Ledger::default(),
            shown: Shown::default(),
            on_its_way: Vec::new(),
            happened: Vec::new(),
            judged: BTreeSet::new(),
            reverted: BTreeSet::new(),
            left: BTreeSet::new(),
            held: None,
            tripped_now: BTreeSet::new(),
            known_good: None,
            lives: 0,
        };
        for number in 0..pods {
            world.add_pod(&format!("pod-{number}"));
        }
        world
    }

    /// A settled world whose pods run `pool: 1` as version 1.
    pub fn running(pods: usize) -> Self {
        let mut world = Self::new(pods);
        world.edit("pool: 1\n");
        world.settle();
        assert_eq!(world.active(), Some(1));
        world.happened.clear();
        world
    }

    // What others do.

    pub fn edit(&mut self, text: &str) {
        let documents = documents(text);
        let documents = documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
        self.source = SourceState::Read { documents: Arc::new(documents), seen: seen(true) };
    }

    pub fn add_pod(&mut self, pod: &str) {
        self.lives += 1;
        let key = TargetKey { uid: Uid::parse(format!("uid-{pod}-{}", self.lives)).unwrap(), started: self.now };
        let pod_ = Pod {
            key,
            ready: true,
            mood: Mood::Sane,
            payload: Payload::Content,
            problem: None,
            runs: None,
            pushes: Vec::new(),
        };
        self.pods.insert(pod.to_owned(), pod_);
    }

    /// Its containers start again with what is in their image.
    pub fn restart_pod(&mut self, pod: &str) {
        self.lives += 1;
        let started = Timestamp(self.now.0 + self.lives);
        let pod = self.pod(pod);
        pod.key.started = started;
        pod.runs = None;
        pod.pushes.clear();
    }

    pub fn pod(&mut self, pod: &str) -> &mut Pod {
        self.pods.get_mut(pod).unwrap()
    }

    pub fn moods(&mut self, mood: Mood) {
        self.pods.values_mut().for_each(|pod| pod.mood = mood);
    }

    pub fn ask_back(&mut self, rollback: &str, to: RollbackTo, force: bool) {
        self.rollbacks.push(RollbackRequest {
            name: name(rollback),
            uid: Uid::parse(format!("uid-{rollback}")).unwrap(),
            created: self.now,
            to,
            reason: Some("latency doubled".to_owned()),
            force,
            finished: false,
        });
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now.after(Duration::from_secs(seconds));
    }

    /// The process ends, and another begins with what is durable.
    pub fn crash(&mut self) {
        for (pod, key, running, reason) in std::mem::take(&mut self.on_its_way) {
            // It may have arrived all the same.
            self.arrive(&pod, &key, running, reason);
        }
        self.dies_after = None;
        self.tripped_now.clear();
        self.shown = Shown::default();
        self.ledger = Ledger::restore(self.status.as_ref(), &self.history, self.policy.breaker.open_for);
        if let Some(good) = self.known_good.and_then(|good| self.history.get(&good)) {
            let known = good.proven || self.ledger.proven.contains(&good.number);
            assert!(known, "what a recorded version can be taken back to is not forgotten: {}", good.number);
        }
    }

    /// Damages the bytes of a record.
    pub fn damage(&mut self, number: u64) {
        let record = self.history.get_mut(&version(number)).unwrap();
        Arc::make_mut(record).content.bytes = Bytes::from_static(b"nonsense");
    }

    // What is seen and decided.

    pub fn assessment(&self) -> Assessment {
        let active = self.opened().and_then(Result::ok);
        assess(&self.policy.sources, std::slice::from_ref(&self.source), &self.schema, active.as_deref())
    }

    fn opened(&self) -> Option<Result<Arc<Configuration>, ActiveProblem>> {
        let (_, newest) = self.history.last_key_value()?;
        Some(newest.open().map_err(ActiveProblem::Damaged).and_then(|documents| {
            Configuration::parse(documents, crate::format::Dialect::default())
                .map(Arc::new)
                .map_err(|_| ActiveProblem::Unparsable)
        }))
    }

    fn targets(&self) -> Vec<Target> {
        let target = |(number, (pod, state)): (usize, (&String, &Pod))| Target {
            key: state.key.clone(),
            pod: name(pod),
            ready: state.ready,
            endpoint: match &state.problem {
                Some(problem) => Err(problem.clone()),
                None => Ok(Endpoint {
                    address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, u8::try_from(number).unwrap())),
                    port: 8080,
                    path: "/rekindle/v1/config".to_owned(),
                    payload: state.payload,
                    timeout: Duration::from_secs(2),
                }),
            },
        };
        self.pods.iter().enumerate().map(target).collect()
    }

    /// The plan; the same twice, in any order, and at any time before it says that it wants to look again.
    pub fn plan(&mut self) -> Plan {
        let targets = self.targets();
        let keys = targets.iter().map(|target| target.key.clone()).collect();
        self.ledger.forget(&keys, &self.history);
        let assessment = self.assessment();
        if let (Some(held), true) = (assessment.digest(), assessment.digest() != self.held) {
            self.left.clear();
            self.held = Some(held);
        }
        if let Assessment::Valid(candidate) = &assessment {
            self.judged.insert(candidate.configuration.digest());
        }
        let active = self.opened();
        let at = |targets: &[Target], rollbacks: &[RollbackRequest], now| {
            let seen = Observed {
                policy: &self.policy,
                assessment: &assessment,
                schema: &self.schema,
                history: &self.history,
                active: active.as_ref(),
                ledger: &self.ledger,
                targets,
                taken: &self.taken,
                rollbacks,
                active_copy: self.copy.as_ref().map(Digest::of),
                trouble: self.trouble.as_ref(),
            };
            decide(&seen, now)
        };
        let plan = at(&targets, &self.rollbacks, self.now);
        let reversed: Vec<Target> = targets.iter().rev().cloned().collect();
        let last_first: Vec<RollbackRequest> = self.rollbacks.iter().rev().cloned().collect();
        assert_eq!(plan, at(&reversed, &last_first, self.now), "the order of what is seen decides nothing");
        assert!(plan.shown.policy.is_some() && !plan.because.is_empty());
        if plan.actions.is_empty() {
            let until = plan.again.map_or(self.now.0 + 86_400_000, |again| again.0 - 1);
            for time in [until.midpoint(self.now.0), until].into_iter().filter(|time| *time > self.now.0) {
                assert_eq!(plan, at(&targets, &self.rollbacks, Timestamp(time)), "time alone changed something");
            }
        }
        plan
    }

    // What the shell does.

    /// One round; says whether it did anything.
    pub fn round(&mut self) -> bool {
        let plan = self.plan();
        self.shown = plan.shown.clone();
        let mut did = false;
        for action in plan.actions {
            if let Some(left) = self.dies_after {
                if left == 0 {
                    self.crash();
                    return true;
                }
                self.dies_after = Some(left - 1);
            }
            did |= !matches!(action, Action::Announce { .. });
            if !self.execute(action) {
                break;
            }
        }
        did | (self.writes_statuses && self.write_statuses())
    }

    fn execute(&mut self, action: Action) -> bool {
        match action {
            Action::Record { version, .. } => return self.record(&version),
            Action::Push { version, reason, targets } => self.push(version, reason, &targets),
            Action::Remember(note) => {
                if let Note::Tripped { entry, .. } = &note {
                    self.tripped_now.insert(entry.version);
                }
                self.ledger.remember(&note);
            }
            Action::WriteActiveCopy { version, .. } => {
                let record = &self.history[&version];
                assert!(self.judged.contains(&record.digest), "S1: only what was valid is copied");
                self.copy = Some(record.open().unwrap());
                self.happened.push(Happened::Copied(version.0));
            }
            Action::RestoreSource { documents, version } => {
                let entries = documents.iter().map(|(name, content)| (name.clone(), content.clone())).collect();
                self.source = SourceState::Read { documents: Arc::new(entries), seen: seen(true) };
                self.happened.push(Happened::Restored(version.0));
            }
            Action::Prune(number) => self.prune(number),
            Action::Announce { reason, .. } => self.happened.push(Happened::Announced(reason)),
        }
        true
    }

    fn record(&mut self, new: &crate::record::NewVersion) -> bool {
        if self.records_fail {
            self.ledger.record_failed("the API server did not take the version".to_owned(), self.now);
            return false;
        }
        let newest = self.history.keys().next_back();
        assert!(newest.is_none_or(|newest| *newest < new.number), "numbers only rise");
        assert_eq!(Digest::of(&new.documents), new.digest);
        assert!(self.judged.contains(&new.digest), "S1: only what was valid is recorded");
        self.check_once(new);
        let record = Recorded { created: self.now, ..Recorded::from(new) };
        self.history.insert(new.number, Arc::new(record));
        self.ledger.recorded(new.number);
        self.known_good = self.status().last_good.map(|good| good.version);
        self.happened.push(Happened::Recorded(new.number.0));
        true
    }

    /// S6 and "done once": one revert for what tripped, never the same edit again, one version for a rollback.
    fn check_once(&mut self, new: &crate::record::NewVersion) {
        let renumbered = self.history.values().next_back().is_some_and(|last| last.digest == new.digest);
        // One that is recorded again under a higher number names what may be pruned by now.
        let digest_of = |number: &VersionNumber| self.history.get(number).map(|version| version.digest);
        match &new.origin {
            Origin::Revert { from, .. } => self.reverted.extend(digest_of(from)),
            Origin::Rollback { from, .. } => self.left.extend(digest_of(from)),
            Origin::Edit(_) | Origin::File(_) if !renumbered => {
                assert!(!self.reverted.contains(&new.digest), "S6: what tripped is not tried again");
                assert!(!self.left.contains(&new.digest), "what a person rolled back from is not tried again");
            }
            Origin::Edit(_) | Origin::File(_) => {}
        }
        for version in self.history.values() {
            match (&version.origin, &new.origin) {
                (Origin::Revert { from, .. }, Origin::Revert { from: again, .. }) => {
                    assert!(from != again || renumbered, "S6: one revert for what tripped");
                }
                (Origin::Rollback { uid, .. }, Origin::Rollback { uid: again, .. }) => {
                    assert!(uid != again || new.diff.is_empty(), "a rollback is done once");
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, number: VersionNumber, reason: PushReason, targets: &[(TargetKey, ObjectName, Endpoint)]) {
        assert!(self.history.contains_key(&number), "S2: only what is recorded goes out");
        let record = &self.history[&number];
        assert!(self.judged.contains(&record.digest), "S1: only what was valid goes out");
        assert!(!self.tripped_now.contains(&number), "what tripped stops");
        assert_eq!(self.history.keys().next_back(), Some(&number), "only the active version goes out");
        let running = record.running();
        let by_author = matches!(record.origin, Origin::Edit(_) | Origin::File(_));
        let proven = record.proven || self.ledger.proven.contains(&number);
        let half_open = self.ledger.breaker.at(self.now) == crate::breaker::Breaker::HalfOpen;
        assert!(targets.len() == 1 || !(half_open && by_author && !proven), "half-open: one pod first");
        self.happened.push(Happened::Pushed(number.0, targets.iter().map(|(_, pod, _)| pod.to_string()).collect()));
        for (key, pod, _) in targets {
            let record = self.ledger.targets.get(key);
            assert!(record.is_none_or(|record| record.in_flight.is_none()), "one at a time");
            self.ledger.pushed(key, number);
            self.on_its_way.push((pod.to_string(), key.clone(), running, reason));
        }
    }

    /// Delivers what is on its way, and the answers.
    pub fn deliver(&mut self) {
        self.deliver_some(usize::MAX);
    }

    pub fn deliver_some(&mut self, count: usize) {
        let count = count.min(self.on_its_way.len());
        for (pod, key, running, reason) in self.on_its_way.drain(..count).collect::<Vec<_>>() {
            let answer = self.arrive(&pod, &key, running, reason);
            self.ledger.answered(&key, running, answer, self.now);
        }
    }

    fn arrive(&mut self, pod: &str, key: &TargetKey, pushed: Running, reason: PushReason) -> Answer {
        let gone = Answer::Failed { reason: "connection refused".to_owned() };
        // A record that was pruned meanwhile was pushed with the content that it had.
        let content = self.history.get(&pushed.version).map(|record| record.open());
        let hurts = content.is_some_and(|content| {
            content.is_ok_and(|documents| documents.iter().any(|(_, text)| text.starts_with(b"hurts")))
        });
        let Some(pod) = self.pods.get_mut(pod).filter(|pod| pod.key == *key && pod.mood != Mood::Down) else {
            return gone;
        };
        if pod.payload == Payload::Notice {
            pod.pushes.push((pushed.version, reason));
            return match pod.mood {
                Mood::Stubborn => Answer::Nack { reason: "status 500".to_owned() },
                _ => Answer::Delivered,
            };
        }
        if let Some(runs) = pod.runs
            && (runs.version > pushed.version || (runs.version == pushed.version && runs.digest != pushed.digest))
        {
            return Answer::Stale { running: Some(runs) };
        }
        let fallen = pod.pushes.last().is_some_and(|(version, _)| *version > pushed.version);
        assert!(!fallen, "S3: numbers do not fall");
        pod.pushes.push((pushed.version, reason));
        match pod.mood {
            Mood::Stubborn => return Answer::Nack { reason: "no".to_owned() },
            Mood::Sane if hurts => return Answer::Nack { reason: "it hurts".to_owned() },
            _ => pod.runs = Some(pushed),
        }
        if pod.mood == Mood::Mute { Answer::Failed { reason: "no answer in time".to_owned() } } else { Answer::Ack }
    }

    fn prune(&mut self, number: VersionNumber) {
        let reported = |key: &TargetKey| self.ledger.targets.get(key).and_then(|record| record.runs);
        let keys = self.pods.values().map(|pod| &pod.key);
        assert!(
            !keys.clone().any(|key| reported(key).is_some_and(|running| running.version == number)),
            "S5: reported"
        );
        assert!(!self.on_its_way.iter().any(|(_, _, running, _)| running.version == number), "S5: in flight");
        assert_ne!(self.history.keys().next_back(), Some(&number), "S5: the active version stays");
        assert_ne!(self.status().last_good.map(|good| good.version), Some(number), "S5: last-good stays");
        self.history.remove(&number);
        self.happened.push(Happened::Pruned(number.0));
    }

    /// Writes what is shown; says whether another round would see something else.
    pub fn write_statuses(&mut self) -> bool {
        let before = (self.history.clone(), self.rollbacks.clone());
        self.write_versions();
        self.write_policy();
        self.write_rollbacks();
        before != (self.history.clone(), self.rollbacks.clone())
    }

    pub fn write_policy(&mut self) {
        if let Some(policy) = self.shown.policy.clone() {
            self.status = Some(policy);
        }
    }

    pub fn write_versions(&mut self) {
        for (number, status) in self.shown.versions.clone() {
            let Some(record) = self.history.get_mut(&number) else { continue };
            let acks = status.acks.into_iter().map(|ack| (TargetKey { uid: ack.uid, started: ack.started }, ack.pod));
            let record = Arc::make_mut(record);
            record.proven = status.proven;
            record.acks = acks.collect();
        }
    }

    pub fn write_rollbacks(&mut self) {
        for (rollback, status) in self.shown.rollbacks.clone() {
            let finished = status.complete != Truth::Unknown;
            self.rollbacks.iter_mut().filter(|request| request.name == rollback).for_each(|r| r.finished = finished);
            self.rollback_status.insert(rollback, status);
        }
    }

    /// Rounds and answers until nothing is to be done at this time.
    pub fn settle(&mut self) {
        for _ in 0..200 {
            let did = self.round();
            let waits = !self.on_its_way.is_empty() && !self.holds_answers;
            if waits {
                self.deliver();
            }
            if !did && !waits {
                return;
            }
        }
        panic!("it does not come to rest: {:#?}", self.plan().because);
    }

    /// Settles, and lets time pass to whenever the plan wants to look again, until it wants nothing or for so long.
    pub fn settle_for(&mut self, seconds: u64) {
        let end = self.now.after(Duration::from_secs(seconds));
        for _ in 0..2000 {
            self.settle();
            match self.plan().again {
                Some(again) if again <= end => self.now = again.max(Timestamp(self.now.0 + 1)),
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("it never rests: {:#?}", self.plan().because);
    }

    // What it came to.

    pub fn status(&self) -> &PolicyStatus {
        self.shown.policy.as_ref().unwrap()
    }

    pub fn active(&self) -> Option<u64> {
        self.status().active.map(|active| active.version.0)
    }

    pub fn outcome(&self) -> Reason {
        self.status().last_edit.outcome
    }

    pub fn condition(&self, kind: ConditionKind) -> &Condition {
        self.status().conditions.iter().find(|condition| condition.kind == kind).unwrap()
    }

    /// The condition as one line: truth and reason.
    pub fn says(&self, kind: ConditionKind) -> String {
        let condition = self.condition(kind);
        format!("{:?} {}", condition.truth, condition.reason)
    }

    pub fn ready(&self) -> String {
        self.says(ConditionKind::Ready)
    }

    /// The digest that must be last-good at rest: the active one, unless it once tripped and a person forced it.
    pub fn expected_good(&self, active: &Recorded) -> Option<Digest> {
        if self.status().quarantined.iter().any(|entry| entry.digest == active.digest) {
            return self.status().last_good.map(|good| good.digest);
        }
        Some(active.digest)
    }

    /// What each pod runs: the version's number, or 0.
    pub fn runs(&self) -> Vec<u64> {
        self.pods.values().map(|pod| pod.runs.map_or(0, |running| running.version.0)).collect()
    }

    pub fn text_of(&self, number: u64) -> String {
        let documents = self.history[&version(number)].open().unwrap();
        documents.iter().map(|(_, content)| String::from_utf8_lossy(content).into_owned()).collect()
    }

    /// What happened since the last time, without announcements.
    pub fn done(&mut self) -> Vec<Happened> {
        let happened = std::mem::take(&mut self.happened);
        happened.into_iter().filter(|event| !matches!(event, Happened::Announced(_))).collect()
    }

    pub fn announced(&mut self) -> Vec<Reason> {
        let happened = std::mem::take(&mut self.happened);
        happened
            .into_iter()
            .filter_map(|event| if let Happened::Announced(r) = event { Some(r) } else { None })
            .collect()
    }

    pub fn reverts(&self) -> usize {
        self.history.values().filter(|version| matches!(version.origin, Origin::Revert { .. })).count()
    }
}

pub fn seen(config_map: bool) -> SeenSource {
    SeenSource {
        config_map,
        name: "checkout".to_owned(),
        resource_version: Some("17".to_owned()),
        field_manager: Some("kubectl-edit".to_owned()),
    }
}
