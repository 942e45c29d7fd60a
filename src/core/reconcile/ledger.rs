//! What is remembered of a policy between two rounds: answers of targets, quarantine, breaker.
//! Must not decide: it only takes in what happened. All of it can be rebuilt from the cluster after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::plan::Note;
use crate::breaker::Breaker;
use crate::ids::{Uid, VersionNumber};
use crate::record::{Origin, Recorded};
use crate::retry;
use crate::status::{LastEdit, PolicyStatus, Quarantined, SetAside};
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
    /// Whether numbering already continued above what targets report.
    pub renumbered: bool,
    /// What each target answered.
    pub targets: BTreeMap<TargetKey, TargetRecord>,
    /// Bad pods in a row, and for which version.
    pub streak: (VersionNumber, u32),
    /// Versions found proven whose record does not say so yet.
    pub proven: BTreeSet<VersionNumber>,
    /// Rollbacks that ended without a version.
    pub ended_rollbacks: BTreeSet<Uid>,
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
    /// What it runs that is newer than what was pushed.
    pub ahead: Option<Running>,
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
    /// The memory as the cluster holds it: the policy's last status and the recorded versions.
    ///
    /// A crash may have come between the record of a revert or rollback and the status that tells of it; the record
    /// is the truth, so what it implies is added.
    #[must_use]
    pub fn restore(status: Option<&PolicyStatus>, history: &BTreeMap<VersionNumber, Arc<Recorded>>) -> Self {
        let mut ledger = Self::default();
        if let Some(status) = status {
            ledger.breaker = status.breaker.clone();
            ledger.quarantined.clone_from(&status.quarantined);
            ledger.set_aside.clone_from(&status.set_aside);
            ledger.last_number = status.last_number.unwrap_or_default();
            ledger.last_edit = Some(status.last_edit.clone());
        }
        for version in history.values() {
            ledger.last_number = ledger.last_number.max(version.number);
            ledger.imply(version, history);
            for key in version.acks.keys() {
                let record = ledger.targets.entry(key.clone()).or_default();
                // Later versions come later in the map and take the place of earlier ones.
                record.runs = Some(version.running());
                record.delivered = Some(version.number);
            }
        }
        ledger
    }

    fn imply(&mut self, version: &Recorded, history: &BTreeMap<VersionNumber, Arc<Recorded>>) {
        match &version.origin {
            Origin::Revert { from, reason, .. } => {
                if let Some(left) = history.get(from)
                    && !self.quarantined.iter().any(|entry| entry.version == *from)
                {
                    self.quarantine(Quarantined {
                        digest: left.digest,
                        version: *from,
                        reason: reason.clone(),
                        at: version.created,
                        restored: false,
                    });
                }
            }
            Origin::Rollback { from, name, .. } => {
                let newest = history.last_key_value().is_some_and(|(number, _)| *number == version.number);
                if newest
                    && let Some(left) = history.get(from)
                    && left.digest != version.digest
                    && self.set_aside.is_empty()
                {
                    self.set_aside.push(SetAside {
                        digest: left.digest,
                        version: *from,
                        rollback: name.clone(),
                        at: version.created,
                    });
                }
            }
            Origin::Edit(_) | Origin::File(_) => {}
        }
    }

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
            Note::RollbackEnded(uid) => {
                self.ended_rollbacks.insert(uid.clone());
            }
            Note::Restored(number) => {
                for entry in self.quarantined.iter_mut().filter(|entry| entry.version == *number) {
                    entry.restored = true;
                }
            }
            Note::LastEdit(edit) => self.last_edit = Some(edit.clone()),
            Note::Renumber(number) => {
                self.last_number = self.last_number.max(*number);
                self.renumbered = true;
            }
        }
    }

    /// A record was written.
    pub fn recorded(&mut self, number: VersionNumber) {
        self.last_number = self.last_number.max(number);
        self.record_failure = None;
        self.streak = (number, 0);
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
        let record = self.targets.entry(key.clone()).or_default();
        record.in_flight = None;
        let failures_before = record.failing.take().filter(|failing| failing.version == pushed.version);
        let bad = match answer {
            Answer::Ack => {
                record.runs = Some(pushed);
                record.refused = None;
                record.ahead = None;
                false
            }
            Answer::Delivered => {
                record.delivered = Some(pushed.version);
                record.refused = None;
                false
            }
            Answer::Nack { reason } => {
                record.refused = Some((pushed.version, reason.clone()));
                record.failing = Some(Failing::again(key, pushed.version, failures_before, reason, now));
                true
            }
            Answer::Stale { running } => {
                record.ahead = running;
                let reason = "it runs a newer version than the one that was pushed".to_owned();
                record.refused = Some((pushed.version, reason));
                false
            }
            Answer::Failed { reason } => {
                let failing = Failing::again(key, pushed.version, failures_before, reason, now);
                let counts = failing.attempts == ATTEMPTS_THAT_COUNT;
                record.failing = Some(failing);
                if !counts {
                    return;
                }
                true
            }
        };
        let streak = if self.streak.0 == pushed.version { self.streak.1 } else { 0 };
        self.streak = (pushed.version, if bad { streak.saturating_add(1) } else { 0 });
    }

    /// Forgets targets that are gone, and what the records say by now.
    pub fn forget(&mut self, present: &BTreeSet<TargetKey>, history: &BTreeMap<VersionNumber, Arc<Recorded>>) {
        self.targets.retain(|key, record| present.contains(key) || record.in_flight.is_some());
        self.proven.retain(|number| history.get(number).is_some_and(|version| !version.proven));
    }
}
