//! Brings statuses to the cluster behind the worker's back: at most one write a second, none that says nothing new.
//! Must not hold up a push, and must not compute what is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::ids::{ObjectName, PolicyId, VersionNumber};
use rekindle_core::reconcile::plan::Shown;
use rekindle_core::retry;
use rekindle_core::status::{PolicyStatus, RollbackStatus, VersionStatus};
use rekindle_core::time::Timestamp;

use crate::ports::{Cluster, ClusterError};

/// The pause between two writes for one policy.
const PAUSE: Duration = Duration::from_secs(1);
const BACKOFF: retry::Backoff = retry::RECORD;

/// What one policy, its versions and its rollbacks are to show, and what they show already.
#[derive(Debug, Default)]
pub struct Reporter {
    wanted: Wanted,
    written: Wanted,
    busy: bool,
    failures: u32,
    not_before: Timestamp,
    waiting_since: Option<Timestamp>,
}

/// A set of statuses.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    policy: Option<PolicyStatus>,
    versions: BTreeMap<VersionNumber, VersionStatus>,
    rollbacks: BTreeMap<ObjectName, RollbackStatus>,
}

impl Reporter {
    /// Takes what the last plan wants shown.
    pub fn want(&mut self, shown: Shown, now: Timestamp) {
        if let Some(policy) = shown.policy {
            self.wanted.policy = Some(policy);
        }
        self.wanted.versions = shown.versions.into_iter().collect();
        self.wanted.rollbacks = shown.rollbacks.into_iter().collect();
        // One of the same name may come again, and nothing was written of that.
        self.written.rollbacks.retain(|name, _| self.wanted.rollbacks.contains_key(name));
        if self.wanted == self.written {
            self.waiting_since = None;
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
    }

    /// The writes that are due, or when to ask again; nothing when all is shown.
    ///
    /// While pushes are on their way the write waits up to a second for their end, so that a rollout costs one write
    /// and not two.
    pub fn due(&mut self, pushing: bool, now: Timestamp) -> Result<Wanted, Option<Timestamp>> {
        let Some(since) = self.waiting_since else { return Err(None) };
        if self.busy {
            return Err(None);
        }
        let settled = if pushing { since.after(PAUSE) } else { since };
        let time = settled.max(self.not_before);
        if now < time {
            return Err(Some(time));
        }
        self.busy = true;
        self.waiting_since = None;
        Ok(self.news())
    }

    /// What is not shown yet when the worker ends.
    pub fn last_words(&self) -> Option<Wanted> {
        (self.wanted != self.written).then(|| self.news())
    }

    fn news(&self) -> Wanted {
        let mut news = self.wanted.clone();
        news.versions.retain(|number, status| self.written.versions.get(number) != Some(status));
        news.rollbacks.retain(|name, status| self.written.rollbacks.get(name) != Some(status));
        if news.policy == self.written.policy {
            news.policy = None;
        }
        news
    }

    /// A write ended.
    pub fn wrote(&mut self, written: Wanted, succeeded: bool, now: Timestamp) {
        self.busy = false;
        if succeeded {
            self.failures = 0;
            self.not_before = now.after(PAUSE);
            if written.policy.is_some() {
                self.written.policy = written.policy;
            }
            self.written.versions.extend(written.versions);
            self.written.versions.retain(|number, _| self.wanted.versions.contains_key(number));
            self.written.rollbacks.extend(written.rollbacks);
            self.written.rollbacks.retain(|name, _| self.wanted.rollbacks.contains_key(name));
        } else {
            self.failures = self.failures.saturating_add(1);
            self.not_before = now.after(PAUSE.max(BACKOFF.pause(self.failures, u64::from(self.failures))));
        }
        if self.wanted != self.written && self.waiting_since.is_none() {
            self.waiting_since = Some(now);
        }
    }
}

/// Writes the statuses: versions first, for their confirmations are what a restart reads, then the policy.
///
/// # Errors
/// The first write that failed; an object that is gone meanwhile is no failure. A right that is missing for one kind,
/// or one object that is refused, keeps nothing back from the others.
pub async fn write<C: Cluster>(cluster: Arc<C>, policy: PolicyId, statuses: &Wanted) -> Result<(), ClusterError> {
    let mut lack = None;
    for (number, status) in &statuses.versions {
        passed(cluster.show_version(&policy, *number, status).await, &mut lack)?;
    }
    if let Some(status) = &statuses.policy {
        passed(cluster.show_policy(&policy, status).await, &mut lack)?;
    }
    for (name, status) in &statuses.rollbacks {
        passed(cluster.show_rollback(&policy.namespace, name, status).await, &mut lack)?;
    }
    lack.map_or(Ok(()), Err)
}

/// Whether to go on after a write.
fn passed(result: Result<(), ClusterError>, lack: &mut Option<ClusterError>) -> Result<(), ClusterError> {
    match result {
        Err(ClusterError::Missing { .. }) => Ok(()),
        Err(error @ (ClusterError::Forbidden { .. } | ClusterError::Refused { .. })) => {
            lack.get_or_insert(error);
            Ok(())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use rekindle_core::reason::Reason;
    use rekindle_core::status::Truth;

    use super::*;

    const NOW: Timestamp = Timestamp(0);

    fn refused(name: &str) -> Shown {
        let status = RollbackStatus {
            complete: Truth::False,
            reason: Reason::NothingToDo,
            message: "there is nothing to do".to_owned(),
            from: None,
            to: None,
            version: None,
            pods: None,
        };
        Shown { rollbacks: vec![(ObjectName::parse(name).unwrap(), status)], ..Shown::default() }
    }

    #[test]
    fn a_rollback_that_is_asked_for_again_is_answered_again() {
        let mut reporter = Reporter::default();
        let name = ObjectName::parse("back").unwrap();
        let mut now = NOW;
        for _ in 0..2 {
            reporter.want(refused("back"), now);
            let statuses = reporter.due(false, now).unwrap();
            assert!(statuses.rollbacks.contains_key(&name));
            reporter.wrote(statuses, true, now);
            assert_eq!(reporter.due(false, now), Err(None), "what is written is not written again");
            // It is finished, then deleted.
            reporter.want(Shown::default(), now);
            assert_eq!(reporter.due(false, now), Err(None), "that nothing is left to show is no news");
            now = now.after(PAUSE);
        }
    }
}
