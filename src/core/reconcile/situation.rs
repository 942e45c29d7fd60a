//! What follows from an observation before anything is decided: the active version, last-good, who stands where.
//! Must not decide; each decision reads the same derived facts.

use super::ledger::{ATTEMPTS_THAT_COUNT, TargetRecord};
use super::observed::Observed;
use crate::breaker::{Breaker, Tally};
use crate::digest::Digest;
use crate::ids::VersionNumber;
use crate::record::{Origin, Recorded};
use crate::status::{Quarantined, TargetCounts};
use crate::target::{Endpoint, Payload, Target};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

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
    /// It did not answer in several attempts.
    Failed {
        /// What happened last.
        reason: &'a str,
        /// When it is tried again.
        retry_at: Timestamp,
    },
    /// It did not answer, which does not count yet.
    Retrying {
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

    /// Whether a person rolled back from a digest.
    #[must_use]
    pub fn is_set_aside(&self, digest: Digest) -> bool {
        self.seen.ledger.set_aside.iter().any(|entry| entry.digest == digest)
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
        let mut tally = Tally::default();
        for standing in self.counting() {
            tally.targets = tally.targets.saturating_add(1);
            match standing {
                Standing::Confirmed | Standing::Delivered => tally.good = tally.good.saturating_add(1),
                Standing::Refused(_) | Standing::Failed { .. } => tally.bad = tally.bad.saturating_add(1),
                _ => {}
            }
        }
        let (version, streak) = self.seen.ledger.streak;
        tally.consecutive = if self.active.is_some_and(|active| active.number == version) { streak } else { 0 };
        tally
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
                Standing::Refused(_) => &mut counts.refused,
                Standing::Failed { .. } => &mut counts.failed,
                Standing::Retrying { .. } | Standing::InFlight | Standing::Waiting => &mut counts.pending,
            };
            *counter = counter.saturating_add(1);
            counts.total = counts.total.saturating_add(1);
        }
        counts
    }

    /// Whether the active version came from an author, so that a half-open breaker tries it on one pod first.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        let by_author = |active: &Recorded| matches!(active.origin, Origin::Edit(_) | Origin::File(_));
        self.breaker == Breaker::HalfOpen
            && self.active.is_some_and(|active| by_author(active) && !self.is_proven(active))
    }
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
    // Software that reads a file refuses the notice of the way back too, until somebody has brought the file back.
    let file_may_lag =
        endpoint.payload == Payload::Notice && matches!(active.origin, Origin::Revert { .. } | Origin::Rollback { .. });
    if let Some((version, reason)) = &record.refused
        && *version == active.number
        && !file_may_lag
    {
        return Standing::Refused(reason);
    }
    match &record.failing {
        Some(failing) if failing.version != active.number => Standing::Waiting,
        Some(failing) if failing.attempts >= ATTEMPTS_THAT_COUNT => {
            Standing::Failed { reason: &failing.reason, retry_at: failing.retry_at }
        }
        Some(failing) => Standing::Retrying { retry_at: failing.retry_at },
        None => Standing::Waiting,
    }
}
