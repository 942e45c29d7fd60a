//! What follows from an observation before anything is decided: the active version, last-good, who stands where.
//! Must not decide; each decision reads the same derived facts.

use super::ledger::{ATTEMPTS_THAT_COUNT, TargetRecord};
use super::observed::Observed;
use crate::breaker::{Breaker, Tally};
use crate::digest::Digest;
use crate::ids::VersionNumber;
use crate::record::{Origin, Recorded};
use crate::status::{Quarantined, SetAside, TargetCounts};
use crate::target::{Endpoint, Payload, Running, Target};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// What is shown of a target that runs something newer.
const AHEAD: &str = "it runs a newer version than the one that was pushed";
/// What is shown of a target that calls a push old, though nothing newer runs there.
const LED: &str = "it follows a newer leader: another operator works here, or this one's clock was set back";

/// The derived facts of one round.
#[derive(Debug)]
pub struct Situation<'a> {
    /// What was seen.
    pub seen: &'a Observed<'a>,
    /// The time.
    pub now: Timestamp,
    /// The version that targets are meant to run: the newest.
    pub active: Option<&'a Recorded>,
    /// The newest proven version that did not trip, the active one included.
    pub last_good: Option<&'a Recorded>,
    /// Whether the active version tripped.
    pub tripped: Option<&'a Quarantined>,
    /// The breaker at this time.
    pub breaker: Breaker,
    /// The targets in the order of their pods' names, each with where it stands.
    pub standings: Vec<(&'a Target, Standing<'a>)>,
}

/// Where a target stands toward the active version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It cannot be reached at all.
    Unusable(String),
    /// It proved that it runs it.
    Confirmed,
    /// It took the notice.
    Delivered,
    /// It refuses it.
    Refused(&'a str),
    /// It calls the push old, which says nothing about this version: why.
    Stale(&'static str),
    /// It did not answer in several attempts.
    Failed {
        /// What happened last.
        reason: &'a str,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// It did not answer, which does not count yet.
    Retrying {
        /// What happened last.
        reason: &'a str,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// A push is on its way.
    InFlight,
    /// It has not been asked.
    Waiting,
}

impl<'a> Situation<'a> {
    /// Derives the facts.
    #[must_use]
    pub fn of(seen: &'a Observed<'a>, now: Timestamp) -> Self {
        let active = seen.history.last_key_value().map(|(_, version)| version.as_ref());
        let ledger = seen.ledger;
        let tripped = active.and_then(|active| ledger.quarantined.iter().find(|entry| entry.version == active.number));
        let mut situation = Self {
            seen,
            now,
            active,
            last_good: None,
            tripped,
            breaker: ledger.breaker.at(now),
            standings: Vec::new(),
        };
        situation.last_good = seen
            .history
            .values()
            .rev()
            .map(AsRef::as_ref)
            .find(|version| situation.is_proven(version) && !situation.is_quarantined(version.digest));
        let mut targets: Vec<&Target> = seen.targets.iter().collect();
        targets.sort_by_key(|target| (&target.pod, &target.key));
        situation.standings = targets.into_iter().map(|target| (target, situation.standing(target))).collect();
        situation
    }

    /// Whether a version ran on every target without tripping.
    #[must_use]
    pub fn is_proven(&self, version: &Recorded) -> bool {
        version.proven || self.seen.ledger.proven.contains(&version.number)
    }

    /// Whether a digest tripped.
    #[must_use]
    pub fn is_quarantined(&self, digest: Digest) -> bool {
        self.seen.ledger.quarantined.iter().any(|entry| entry.digest == digest)
    }

    /// The number of the next version.
    #[must_use]
    pub fn next_number(&self) -> VersionNumber {
        let newest = self.active.map_or(VersionNumber::default(), |active| active.number);
        newest.max(self.seen.ledger.last_number).next()
    }

    fn standing(&self, target: &'a Target) -> Standing<'a> {
        let endpoint = match &target.endpoint {
            Ok(endpoint) => endpoint,
            Err(problem) => return Standing::Unusable(problem.to_string()),
        };
        let (Some(active), Some(record)) = (self.active, self.seen.ledger.targets.get(&target.key)) else {
            return Standing::Waiting;
        };
        standing_of(active, endpoint, record)
    }

    /// The endpoints of all targets that can be reached.
    pub fn endpoints(&self) -> impl Iterator<Item = &'a Endpoint> {
        self.standings.iter().filter_map(|(target, _)| target.endpoint.as_ref().ok())
    }

    /// Targets whose answers count: those that are ready and can be reached.
    pub fn counting(&self) -> impl Iterator<Item = &Standing<'a>> {
        self.standings
            .iter()
            .filter(|(target, standing)| target.ready && !matches!(standing, Standing::Unusable(_)))
            .map(|(_, standing)| standing)
    }

    /// How the pods answered the active version.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.count(verdict)
    }

    /// The same without pods that do not answer: they may only be starting.
    #[must_use]
    pub fn tally_of_answers(&self) -> Tally {
        self.count(verdict_of_answer)
    }

    fn count(&self, verdict: impl Fn(&Standing<'_>) -> Option<bool>) -> Tally {
        let mut tally = Tally::default();
        for standing in self.counting() {
            tally.targets = tally.targets.saturating_add(1);
            match verdict(standing) {
                Some(true) => tally.good = tally.good.saturating_add(1),
                Some(false) => tally.bad = tally.bad.saturating_add(1),
                None => {}
            }
        }
        tally.consecutive = self.bad_in_a_row(verdict);
        tally
    }

    /// The longest row of pods that count and turned bad one after the other, with none between that turned good.
    ///
    /// The same whether answers are looked at one by one or many at once.
    fn bad_in_a_row(&self, verdict: impl Fn(&Standing<'_>) -> Option<bool>) -> u32 {
        let ready = self.standings.iter().filter(|(target, _)| target.ready);
        let turned = ready.filter_map(|(target, standing)| {
            let bad = !verdict(standing)?;
            Some((self.seen.ledger.targets.get(&target.key)?.place, bad))
        });
        let mut turned: Vec<(u64, bool)> = turned.collect();
        turned.sort_unstable();
        let mut longest = 0_u32;
        let mut row = 0_u32;
        for (_, bad) in turned {
            row = if bad { row.saturating_add(1) } else { 0 };
            longest = longest.max(row);
        }
        longest
    }

    /// How many targets stand where.
    #[must_use]
    pub fn counts(&self) -> TargetCounts {
        let mut counts = TargetCounts::default();
        for (_, standing) in &self.standings {
            let counter = match standing {
                Standing::Unusable(_) => {
                    counts.unusable = counts.unusable.saturating_add(1);
                    continue;
                }
                Standing::Confirmed => &mut counts.confirmed,
                Standing::Delivered => &mut counts.delivered,
                Standing::Refused(_) | Standing::Stale(_) => &mut counts.refused,
                Standing::Failed { .. } => &mut counts.failed,
                Standing::Retrying { .. } | Standing::InFlight | Standing::Waiting => &mut counts.pending,
            };
            *counter = counter.saturating_add(1);
            counts.total = counts.total.saturating_add(1);
        }
        counts
    }

    /// Whether nobody can be asked: there is no target, or none that can be reached.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.standings.iter().all(|(_, standing)| matches!(standing, Standing::Unusable(_)))
    }

    /// Whether the active version is the one on which a half-open breaker waits: an author's, that did not trip.
    #[must_use]
    pub fn is_on_trial(&self) -> bool {
        let by_author = |active: &Recorded| matches!(active.origin, Origin::Edit(_) | Origin::File(_));
        self.breaker == Breaker::HalfOpen && self.tripped.is_none() && self.active.is_some_and(by_author)
    }

    /// Whether the active version goes to one pod first.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.is_on_trial() && !self.active.is_some_and(|active| self.is_proven(active))
    }

    /// Until when no record is tried, because the last one failed.
    #[must_use]
    pub fn record_waits(&self) -> Option<Timestamp> {
        let failure = self.seen.ledger.record_failure.as_ref();
        failure.map(|failure| failure.retry_at).filter(|retry_at| *retry_at > self.now)
    }

    /// What is set aside: nothing, once the sources moved on.
    #[must_use]
    pub fn set_aside(&self) -> &'a [SetAside] {
        if self.moved_on() { &[] } else { &self.seen.ledger.set_aside }
    }

    /// Whether the sources hold something else than what a person rolled back from.
    ///
    /// Each digest that was left is set aside, but the sources held only one of them; when they change to another,
    /// they moved on as well.
    #[must_use]
    pub fn moved_on(&self) -> bool {
        let aside = |digest: Digest| self.seen.ledger.set_aside.iter().any(|entry| entry.digest == digest);
        let Some(held) = self.seen.assessment.digest() else { return false };
        if self.seen.ledger.set_aside.is_empty() {
            return false;
        }
        let before = self.seen.ledger.last_edit.as_ref().and_then(|edit| edit.digest);
        !aside(held) || before.is_some_and(|before| before != held && aside(before))
    }
}

/// Whether a pod speaks for the version or against it; none while it does neither.
fn verdict(standing: &Standing<'_>) -> Option<bool> {
    match standing {
        Standing::Confirmed | Standing::Delivered => Some(true),
        Standing::Refused(_) | Standing::Failed { .. } => Some(false),
        _ => None,
    }
}

fn verdict_of_answer(standing: &Standing<'_>) -> Option<bool> {
    verdict(standing).filter(|_| !matches!(standing, Standing::Failed { .. }))
}

fn standing_of<'a>(active: &Recorded, endpoint: &Endpoint, record: &'a TargetRecord) -> Standing<'a> {
    if record.in_flight.is_some() {
        return Standing::InFlight;
    }
    match endpoint.payload {
        Payload::Content if record.runs == Some(active.running()) => return Standing::Confirmed,
        Payload::Notice if record.delivered == Some(active.number) => return Standing::Delivered,
        _ => {}
    }
    if record.stale == Some(active.number) {
        let older = |running: Running| running.version < active.number || running == active.running();
        let led = record.ahead.is_none_or(older);
        return Standing::Stale(if led { LED } else { AHEAD });
    }
    let refused = record.refused.as_ref().filter(|(version, _)| *version == active.number);
    let failing = record.failing.as_ref().filter(|failing| failing.version == active.number);
    match (refused, failing) {
        // Software that reads a file refuses the notice of the way back too, until somebody brought the file back.
        (Some(_), Some(failing)) if file_may_lag(active, endpoint) => {
            Standing::Retrying { reason: &failing.reason, retry_at: failing.retry_at }
        }
        (Some((_, reason)), _) => Standing::Refused(reason),
        (None, Some(failing)) if failing.attempts >= ATTEMPTS_THAT_COUNT => {
            Standing::Failed { reason: &failing.reason, retry_at: failing.retry_at }
        }
        (None, Some(failing)) => Standing::Retrying { reason: &failing.reason, retry_at: failing.retry_at },
        (None, None) => Standing::Waiting,
    }
}

fn file_may_lag(active: &Recorded, endpoint: &Endpoint) -> bool {
    endpoint.payload == Payload::Notice && matches!(active.origin, Origin::Revert { .. } | Origin::Rollback { .. })
}
