//! A candidate at work: carries out what the election decides, and lets a term end in time.
//! Must not decide who leads, and must not know what a leader does.

use std::sync::Arc;

use rekindle_core::election::{Claim, Election, Moment, Step, Term, Timing};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::cluster::KubeLease;
use crate::leadership::{Leadership, Tenure};
use crate::metrics::{LeaderChange, Metrics};
use crate::ports::{Clock, ClusterError};
use crate::web::Health;

/// One of the replicas of which one leads.
pub struct Candidate {
    lease: KubeLease,
    election: Election,
    timing: Timing,
    clock: Arc<dyn Clock>,
    /// Moments are counted from here.
    origin: Instant,
    health: Arc<Health>,
    metrics: Metrics,
    /// What was last said of the Lease, so that it is not said again.
    said: Option<String>,
}

/// How standing for election ended.
pub enum Stood {
    /// This replica leads.
    Elected(Leadership, Tenure),
    /// What is known of the cluster may be old: it is to be looked at anew.
    StartOver,
    /// Somebody asked the operator to end.
    Stopped,
}

impl Candidate {
    /// A candidate that has not looked at the Lease yet.
    pub fn new(
        lease: KubeLease,
        (election, timing): (Election, Timing),
        clock: Arc<dyn Clock>,
        (health, metrics): (Arc<Health>, Metrics),
    ) -> Self {
        Self { lease, election, timing, clock, origin: Instant::now(), health, metrics, said: None }
    }

    /// The cluster was looked at anew.
    pub fn started_over(&mut self) {
        self.election.started_over();
    }

    /// Waits until this replica is elected.
    pub async fn stand(&mut self, stop: &CancellationToken) -> Stood {
        loop {
            if let Some(term) = self.election.term(self.now()) {
                return self.elected(term);
            }
            if stop.is_cancelled() {
                return Stood::Stopped;
            }
            if !self.advance(stop).await {
                self.health.rest();
                return Stood::StartOver;
            }
        }
    }

    /// Renews the term until it is done or lost; a term that is done is given back.
    ///
    /// Whoever acts on behalf of the term must have ended before `done` is set.
    pub async fn hold(&mut self, tenure: Tenure, done: &CancellationToken) {
        while let Some(term) = self.election.term(self.now()) {
            if done.is_cancelled() {
                tenure.end();
                self.metrics.leads(LeaderChange::Released);
                return self.release().await;
            }
            tenure.prolong(self.instant(term.until));
            self.advance(done).await;
        }
        tenure.end();
        self.metrics.leads(LeaderChange::Lost);
        tracing::warn!("this replica does not lead any more: it could not renew the Lease in time, or another took it");
    }

    fn elected(&mut self, term: Term) -> Stood {
        let epoch = term.epoch();
        tracing::info!(epoch = epoch.0, "this replica leads");
        self.metrics.leads(LeaderChange::Acquired);
        let (leadership, tenure) = Leadership::until(epoch, self.instant(term.until));
        Stood::Elected(leadership, tenure)
    }

    /// One step; false when there is none before the cluster was looked at anew. Only waiting is cut short by `end`: a
    /// write that is under way may be carried out, so its answer counts.
    async fn advance(&mut self, end: &CancellationToken) -> bool {
        let now = self.now();
        self.health.beats_until(self.instant(now.after(self.timing.lease())).into_std());
        match self.election.next(now) {
            Step::StartOver => return false,
            Step::Read => self.read().await,
            Step::Write(claim) => self.write(&claim).await,
            Step::Wait(until) => {
                let until = self.instant(until.min(now.after(self.timing.retry())));
                tokio::select! {
                    sighting = self.lease.changed() => {
                        let now = self.now();
                        self.election.saw(sighting, now);
                    }
                    () = sleep_until(until) => {}
                    () = end.cancelled() => {}
                }
            }
        }
        true
    }

    async fn read(&mut self) {
        match self.lease.read(self.timing.attempt()).await {
            Ok(sighting) => {
                self.all_is_well();
                let now = self.now();
                self.election.read(sighting, now);
            }
            Err(error) => self.failed(&error),
        }
    }

    async fn write(&mut self, claim: &Claim) {
        let sent = self.now();
        let written = self.lease.write(claim, self.clock.now(), self.timing.attempt()).await;
        let now = self.now();
        match written {
            Ok(lease) => {
                self.all_is_well();
                self.election.wrote(claim, sent, lease, now);
            }
            Err(ClusterError::Conflict { .. }) => self.election.conflicted(now),
            Err(error) => self.failed(&error),
        }
    }

    async fn release(&mut self) {
        let now = self.now();
        let Some(claim) = self.election.release(now) else { return };
        match self.lease.write(&claim, self.clock.now(), self.timing.attempt()).await {
            Ok(_) => tracing::info!("this replica gave the Lease back"),
            Err(error) => tracing::warn!(error = %error, "the Lease could not be given back; it runs out by itself"),
        }
    }

    fn failed(&mut self, error: &ClusterError) {
        self.metrics.api_error();
        let problem = error.to_string();
        if self.said.as_ref() != Some(&problem) {
            tracing::warn!(error = %problem, "the Lease could not be read or written; trying on");
            self.said = Some(problem);
        }
        let now = self.now();
        self.election.failed(now);
    }

    fn all_is_well(&mut self) {
        if self.said.take().is_some() {
            tracing::info!("the Lease can be read and written again");
        }
    }

    fn now(&self) -> Moment {
        Moment(self.origin.elapsed())
    }

    fn instant(&self, moment: Moment) -> Instant {
        self.origin + moment.0
    }
}
