//! What is remembered of a policy between two rounds: answers of targets, quarantine, breaker.
//! Must not decide: it only takes in what happened. All of it can be rebuilt from the cluster after a crash.

mod restore;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::plan::Note;
use crate::breaker::Breaker;
use crate::ids::{Uid, VersionNumber};
use crate::record::Recorded;
use crate::retry;
use crate::status::{LastEdit, Quarantined, RollbackStatus, SetAside};
use crate::target::{Answer, Running, TargetKey};
use crate::time::Timestamp;

/// How many quarantined digests are kept; the oldest goes first.
pub const MAX_QUARANTINED: usize = 50;

/// After so many attempts in a row without an answer a pod counts as failed.
pub const ATTEMPTS_THAT_COUNT: u32 = 3;

/// The memory of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// The breaker.
    pub breaker: Breaker,
    /// Digests that tripped, oldest first.
    pub quarantined: Vec<Quarantined>,
    /// Digests that a person rolled back from, oldest first.
    pub set_aside: Vec<SetAside>,
    /// The highest number ever given, also to versions that are gone.
    pub last_number: VersionNumber,
    /// What each target answered.
    pub targets: BTreeMap<TargetKey, TargetRecord>,
    /// How many answers were taken in; it orders them.
    pub answers: u64,
    /// Versions found proven whose record does not say so yet.
    pub proven: BTreeSet<VersionNumber>,
    /// Rollbacks that ended without a version, and what they are to show until they do.
    pub ended_rollbacks: BTreeMap<Uid, RollbackStatus>,
    /// What became of the last edit.
    pub last_edit: Option<LastEdit>,
    /// The last failed write of a record, until one succeeds.
    pub record_failure: Option<RecordFailure>,
}

/// A record that could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFailure {
    /// Failures in a row.
    pub attempts: u32,
    /// What happened and what to do.
    pub message: String,
    /// When to try again.
    pub retry_at: Timestamp,
}

/// What is known of one life of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TargetRecord {
    /// What it proved to run.
    pub runs: Option<Running>,
    /// The version whose notice it took.
    pub delivered: Option<VersionNumber>,
    /// The version that is on its way to it.
    pub in_flight: Option<VersionNumber>,
    /// The version that it refuses, and why.
    pub refused: Option<(VersionNumber, String)>,
    /// The version that does not get through; of a refused one, when its notice may be repeated.
    pub failing: Option<Failing>,
    /// The version that it calls older than what it runs; it says nothing about the version itself.
    pub stale: Option<VersionNumber>,
    /// What it runs that is newer than what was pushed.
    pub ahead: Option<Running>,
    /// Whether numbering already went on above what it runs: once, or two that push to one pod would race for ever.
    pub overtaken: bool,
    /// When it became what it is, good or bad, as a place among all answers.
    pub place: u64,
}

/// A version that does not get through to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The version.
    pub version: VersionNumber,
    /// Attempts so far.
    pub attempts: u32,
    /// What happened last.
    pub reason: String,
    /// When to try again.
    pub retry_at: Timestamp,
}

impl Failing {
    /// One attempt more than before, and when the next is due.
    fn again(key: &TargetKey, version: VersionNumber, before: Option<Self>, reason: String, now: Timestamp) -> Self {
        let attempts = before.map_or(1, |failing| failing.attempts.saturating_add(1));
        let seed = retry::seed_of([key.uid.as_str().as_bytes()]);
        Self { version, attempts, reason, retry_at: now.after(retry::PUSH.pause(attempts, seed)) }
    }
}

impl Default for VersionNumber {
    /// Before the first version.
    fn default() -> Self {
        Self(0)
    }
}

impl Ledger {
    fn quarantine(&mut self, entry: Quarantined) {
        self.quarantined.retain(|known| known.digest != entry.digest);
        self.quarantined.push(entry);
        let excess = self.quarantined.len().saturating_sub(MAX_QUARANTINED);
        self.quarantined.drain(..excess);
    }

    /// Takes in what a plan wants remembered.
    pub fn remember(&mut self, note: &Note) {
        match note {
            Note::Tripped { entry, open_until } => {
                self.breaker = Breaker::Open { until: *open_until, reason: entry.reason.clone() };
                self.quarantine(entry.clone());
            }
            Note::SetAside(entry) => {
                self.set_aside.retain(|known| known.digest != entry.digest);
                self.set_aside.push(entry.clone());
            }
            Note::ClearSetAside => self.set_aside.clear(),
            Note::CloseBreaker => self.breaker = Breaker::Closed,
            Note::Proven(number) => {
                self.proven.insert(*number);
            }
            Note::RollbackEnded(uid, shown) => {
                self.ended_rollbacks.insert(uid.clone(), shown.clone());
            }
            Note::Restored(number) => {
                for entry in self.quarantined.iter_mut().filter(|entry| entry.version == *number) {
                    entry.restored = true;
                }
            }
            Note::LastEdit(edit) => self.last_edit = Some(edit.clone()),
            Note::Renumber => {
                for record in self.targets.values_mut().filter(|record| record.ahead.is_some()) {
                    record.overtaken = true;
                }
            }
        }
    }

    /// A record was written.
    pub fn recorded(&mut self, number: VersionNumber) {
        self.last_number = self.last_number.max(number);
        self.record_failure = None;
    }

    /// A record could not be written.
    pub fn record_failed(&mut self, message: String, now: Timestamp) {
        let attempts = self.record_failure.as_ref().map_or(1, |failure| failure.attempts.saturating_add(1));
        let pause = retry::RECORD.pause(attempts, retry::seed_of([message.as_bytes()]));
        self.record_failure = Some(RecordFailure { attempts, message, retry_at: now.after(pause) });
    }

    /// Whether this version is on its way to this target.
    #[must_use]
    pub fn is_in_flight(&self, key: &TargetKey, version: VersionNumber) -> bool {
        self.targets.get(key).is_some_and(|record| record.in_flight == Some(version))
    }

    /// Whether anything is on its way.
    #[must_use]
    pub fn is_pushing(&self) -> bool {
        self.targets.values().any(|record| record.in_flight.is_some())
    }

    /// A push began.
    pub fn pushed(&mut self, key: &TargetKey, version: VersionNumber) {
        self.targets.entry(key.clone()).or_default().in_flight = Some(version);
    }

    /// A push ended.
    pub fn answered(&mut self, key: &TargetKey, pushed: Running, answer: Answer, now: Timestamp) {
        self.answers = self.answers.saturating_add(1);
        let record = self.targets.entry(key.clone()).or_default();
        record.in_flight = None;
        let failures_before = record.failing.take().filter(|failing| failing.version == pushed.version);
        let refused_before = record.refused.as_ref().is_some_and(|(version, _)| *version == pushed.version);
        // A pod that stays bad keeps its place: it is one bad pod, however often it is asked.
        let mut turned = true;
        match answer {
            Answer::Ack => {
                record.runs = Some(pushed);
                record.refused = None;
                record.stale = None;
                record.ahead = None;
            }
            Answer::Delivered => {
                record.delivered = Some(pushed.version);
                record.refused = None;
            }
            Answer::Nack { reason } => {
                turned = !refused_before;
                record.refused = Some((pushed.version, reason.clone()));
                record.failing = Some(Failing::again(key, pushed.version, failures_before, reason, now));
            }
            Answer::Stale { running } => {
                record.ahead = running;
                record.stale = Some(pushed.version);
            }
            Answer::Failed { reason } => {
                let failing = Failing::again(key, pushed.version, failures_before, reason, now);
                turned = failing.attempts == ATTEMPTS_THAT_COUNT;
                record.failing = Some(failing);
            }
        }
        if turned {
            record.place = self.answers;
        }
    }

    /// Forgets targets that are gone, and what the records say by now.
    pub fn forget(&mut self, present: &BTreeSet<TargetKey>, history: &BTreeMap<VersionNumber, Arc<Recorded>>) {
        self.targets.retain(|key, record| present.contains(key) || record.in_flight.is_some());
        self.proven.retain(|number| history.get(number).is_some_and(|version| !version.proven));
    }
}
