//! What a worker has worked out from its last snapshot, so that a round repeats only what changed.
//! Must not change what a decision sees: each entry is dropped as soon as what it came from is another.

use std::collections::BTreeMap;
use std::sync::Arc;

use rekindle_core::configuration::Configuration;
use rekindle_core::digest::Digest;
use rekindle_core::document::Documents;
use rekindle_core::format::Dialect;
use rekindle_core::ids::{ObjectName, PolicyId, VersionNumber};
use rekindle_core::policy::{Include, Policy, Source};
use rekindle_core::reconcile::assess::assess;
use rekindle_core::reconcile::observed::{ActiveProblem, Assessment, SchemaState, SourceState};
use rekindle_core::record::{Recorded, SeenSource};
use rekindle_core::target::address::AddressRules;
use rekindle_core::target::claims::{self, share_of};
use rekindle_core::target::endpoint::target_of;
use rekindle_core::target::{Running, Target, TargetKey};

use super::view::{Snapshot, SourceSeen};
use crate::ports::{ConfigMapFacts, FilesSeen};

/// The derived facts of one worker.
#[derive(Debug, Default)]
pub struct Memory {
    active: Option<Active>,
    assessed: Option<Assessed>,
    targets: Option<Targets>,
    copy: Option<(Arc<ConfigMapFacts>, Option<Digest>)>,
    recorded: Option<Running>,
}

#[derive(Debug)]
struct Active {
    number: VersionNumber,
    digest: Digest,
    opened: Result<Arc<Configuration>, ActiveProblem>,
}

#[derive(Debug)]
struct Assessed {
    policy: Arc<Policy>,
    sources: Vec<SourceSeen>,
    schema: SchemaState,
    /// What rules were compared with.
    before: Option<Digest>,
    assessment: Assessment,
}

#[derive(Debug)]
struct Targets {
    policy: Arc<Policy>,
    pods: Arc<super::view::Pods>,
    claims: Arc<Vec<super::view::Claim>>,
    targets: Vec<Target>,
    keys: std::collections::BTreeSet<TargetKey>,
    taken: BTreeMap<ObjectName, PolicyId>,
}

impl Memory {
    /// Notes that this process recorded a version and that the API server acknowledged it.
    pub fn recorded(&mut self, version: Running) {
        self.recorded = Some(version);
    }

    /// The newest version's configuration, opened once.
    pub fn active(&mut self, snapshot: &Snapshot) -> Option<&Result<Arc<Configuration>, ActiveProblem>> {
        let Some((_, newest)) = snapshot.history.last_key_value() else {
            // The last record is gone: what it held must not be compared with any more.
            self.active = None;
            return None;
        };
        let known =
            self.active.as_ref().is_some_and(|known| (known.number, known.digest) == (newest.number, newest.digest));
        if !known {
            let opened = self.open(newest, dialect(&snapshot.schema));
            self.active = Some(Active { number: newest.number, digest: newest.digest, opened });
        }
        self.active.as_ref().map(|active| &active.opened)
    }

    fn open(&self, newest: &Recorded, dialect: Dialect) -> Result<Arc<Configuration>, ActiveProblem> {
        // What this process wrote and the API server acknowledged is at hand; any other record is opened and checked.
        if let Some(Assessed { assessment: Assessment::Valid(candidate), .. }) = &self.assessed
            && candidate.configuration.digest() == newest.digest
            && self.recorded == Some(newest.running())
        {
            return Ok(candidate.configuration.clone());
        }
        let documents = newest.open().map_err(ActiveProblem::Damaged)?;
        Configuration::parse(documents, dialect).map(Arc::new).map_err(|_| ActiveProblem::Unparsable)
    }

    /// What the sources hold, judged; none while a source has not been looked at.
    pub fn assessment(&mut self, snapshot: &Snapshot) -> Option<&Assessment> {
        if snapshot.sources.iter().any(|source| matches!(source, SourceSeen::Unknown)) {
            return None;
        }
        let before = self.active(snapshot).and_then(|active| active.as_ref().ok()).cloned();
        let digest = before.as_ref().map(|configuration| configuration.digest());
        let valid = self.assessed.as_ref().is_some_and(|known| known.holds(snapshot, digest));
        if !valid {
            let states: Vec<_> = snapshot
                .policy
                .sources
                .iter()
                .zip(&snapshot.sources)
                .map(|(source, seen)| state(source, seen))
                .collect();
            let assessment = assess(&snapshot.policy.sources, &states, &snapshot.schema, before.as_deref());
            self.assessed = Some(Assessed {
                policy: snapshot.policy.clone(),
                sources: snapshot.sources.clone(),
                schema: snapshot.schema.clone(),
                before: digest,
                assessment,
            });
        }
        self.assessed.as_ref().map(|assessed| &assessed.assessment)
    }

    /// The policy's targets, and the pods that an older policy owns.
    pub fn targets(&mut self, snapshot: &Snapshot, addresses: AddressRules) {
        let known = self.targets.as_ref().is_some_and(|known| {
            Arc::ptr_eq(&known.policy, &snapshot.policy)
                && Arc::ptr_eq(&known.pods, &snapshot.pods)
                && Arc::ptr_eq(&known.claims, &snapshot.claims)
        });
        if known {
            return;
        }
        let policy = &snapshot.policy;
        let claims: Vec<_> = snapshot
            .claims
            .iter()
            .map(|claim| claims::Claim { policy: &claim.policy, created: claim.created, selector: &claim.selector })
            .collect();
        let share = share_of(&policy.id, snapshot.pods.values().map(AsRef::as_ref), &claims);
        let targets: Vec<Target> = policy.targets.as_ref().map_or_else(Vec::new, |rules| {
            share.ours.iter().filter_map(|pod| target_of(&policy.id.name, rules, pod, addresses)).collect()
        });
        let taken = share.taken.iter().map(|(pod, owner)| ((*pod).clone(), (*owner).clone())).collect();
        let keys = targets.iter().map(|target| target.key.clone()).collect();
        self.targets = Some(Targets {
            policy: policy.clone(),
            pods: snapshot.pods.clone(),
            claims: snapshot.claims.clone(),
            targets,
            keys,
            taken,
        });
    }

    /// The digest of the copy of the proven content, where there is one.
    pub fn active_copy(&mut self, snapshot: &Snapshot) -> Option<Digest> {
        let SourceSeen::ConfigMap(Some(facts)) = &snapshot.active_copy else { return None };
        if !self.copy.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, facts)) {
            let digest =
                facts.documents.as_ref().ok().map(|documents| Digest::of(&Documents::join([documents.clone()])));
            self.copy = Some((facts.clone(), digest));
        }
        self.copy.as_ref().and_then(|(_, digest)| *digest)
    }

    /// What was worked out, for one observation; none until everything was.
    pub fn worked_out(&self) -> Option<WorkedOut<'_>> {
        let (assessed, targets) = (self.assessed.as_ref()?, self.targets.as_ref()?);
        Some(WorkedOut {
            assessment: &assessed.assessment,
            active: self.active.as_ref().map(|active| &active.opened),
            targets: &targets.targets,
            keys: &targets.keys,
            taken: &targets.taken,
        })
    }
}

/// The derived facts, borrowed for one round.
#[derive(Debug)]
pub struct WorkedOut<'a> {
    /// What the sources hold, judged.
    pub assessment: &'a Assessment,
    /// The newest version's configuration.
    pub active: Option<&'a Result<Arc<Configuration>, ActiveProblem>>,
    /// The targets.
    pub targets: &'a [Target],
    /// Their keys.
    pub keys: &'a std::collections::BTreeSet<TargetKey>,
    /// The pods that an older policy owns.
    pub taken: &'a BTreeMap<ObjectName, PolicyId>,
}

impl Assessed {
    /// Whether the judgment still holds: same policy, sources and schema, and compared with the same content. Once the
    /// judged content itself is active it need not be compared with itself.
    fn holds(&self, snapshot: &Snapshot, active: Option<Digest>) -> bool {
        let compared = self.before == active || (active.is_some() && self.assessment.digest() == active);
        compared
            && Arc::ptr_eq(&self.policy, &snapshot.policy)
            && same_schema(&self.schema, &snapshot.schema)
            && self.sources.len() == snapshot.sources.len()
            && self.sources.iter().zip(&snapshot.sources).all(|(one, other)| same_source(one, other))
    }
}

fn same_schema(one: &SchemaState, other: &SchemaState) -> bool {
    match (one, other) {
        (SchemaState::Ready(one), SchemaState::Ready(other)) => Arc::ptr_eq(one, other),
        (SchemaState::None, SchemaState::None)
        | (SchemaState::Missing, SchemaState::Missing)
        | (SchemaState::Broken, SchemaState::Broken) => true,
        _ => false,
    }
}

fn same_source(one: &SourceSeen, other: &SourceSeen) -> bool {
    match (one, other) {
        (SourceSeen::ConfigMap(Some(one)), SourceSeen::ConfigMap(Some(other))) => Arc::ptr_eq(one, other),
        (SourceSeen::ConfigMap(None), SourceSeen::ConfigMap(None)) => true,
        (SourceSeen::Files(one), SourceSeen::Files(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

fn dialect(schema: &SchemaState) -> Dialect {
    match schema {
        SchemaState::Ready(schema) => schema.dialect(),
        _ => Dialect::default(),
    }
}

fn state(source: &Source, seen: &SourceSeen) -> SourceState {
    match (source, seen) {
        (Source::ConfigMap { include, .. }, SourceSeen::ConfigMap(Some(facts))) => config_map_state(include, facts),
        (Source::Files { path }, SourceSeen::Files(files)) => match files.as_ref() {
            FilesSeen::Missing => SourceState::Missing,
            FilesSeen::Unreadable(findings) => SourceState::Unreadable(findings.clone()),
            FilesSeen::Read(documents) => SourceState::Read {
                documents: Arc::new(documents.clone()),
                seen: SeenSource { config_map: false, name: path.clone(), resource_version: None, field_manager: None },
            },
        },
        _ => SourceState::Missing,
    }
}

fn config_map_state(include: &Include, facts: &ConfigMapFacts) -> SourceState {
    match &facts.documents {
        Err(findings) => SourceState::Unreadable(findings.clone()),
        Ok(documents) => {
            let taken = documents.iter().filter(|(name, _)| include.takes(name));
            SourceState::Read {
                documents: Arc::new(taken.map(|(name, content)| (name.clone(), content.clone())).collect()),
                seen: SeenSource {
                    config_map: true,
                    name: facts.name.to_string(),
                    resource_version: Some(facts.resource_version.clone()),
                    field_manager: facts.field_manager.clone(),
                },
            }
        }
    }
}
