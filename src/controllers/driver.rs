//! Owns the workers: one per policy, from its appearance to its end; and tends to what belongs to no worker.
//! Must not look into a policy.

use std::collections::BTreeMap;
use std::sync::Arc;

use rekindle_core::ids::{Namespace, ObjectName, PolicyId};
use rekindle_core::reason::Reason;
use rekindle_core::status::{RollbackStatus, Truth};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::errands::Errands;
use super::view::Change;
use super::worker::{Shared, Worker};
use crate::leadership::Leadership;
use crate::ports::{Clock, Cluster, ClusterError, ConfigMapFacts, Push};

pub use super::worker::Shared as Parts;

const UNUSABLE: &str = "telling that a policy cannot be used";

/// The controllers of all policies.
pub struct Controllers<C, P, K> {
    shared: Arc<Shared<C, P, K>>,
    changes: mpsc::UnboundedReceiver<Change>,
    workers: JoinSet<()>,
    running: BTreeMap<PolicyId, (Id, CancellationToken)>,
    errands: Errands,
}

impl<C: Cluster, P: Push, K: Clock> Controllers<C, P, K> {
    /// Controllers over a picture that the watches fill.
    #[must_use]
    pub fn new(shared: Shared<C, P, K>, changes: mpsc::UnboundedReceiver<Change>) -> Self {
        let shared = Arc::new(shared);
        Self { shared, changes, workers: JoinSet::new(), running: BTreeMap::new(), errands: Errands::default() }
    }

    /// Keeps the picture complete and decides nothing, as long as the picture is kept.
    pub async fn stand_by(&mut self) {
        loop {
            tokio::select! {
                change = self.changes.recv() => match change {
                    Some(change) => self.look(&change),
                    None => return,
                },
                () = self.errands.ended() => {}
            }
        }
    }

    /// Works until told to stop, then lets every worker finish what is under way; ends at once, whatever is under way,
    /// when the leadership is over. Begin when the picture is complete: a worker that starts before its versions were
    /// seen would count anew.
    pub async fn lead(&mut self, leadership: &Leadership, stop: &CancellationToken) {
        self.shared = Arc::new(self.shared.under(leadership.clone()));
        // What it told so far is part of everything that there is.
        while self.changes.try_recv().is_ok() {}
        for change in self.shared.view.everything() {
            self.take(change);
        }
        loop {
            tokio::select! {
                biased;
                () = leadership.over() => break,
                () = stop.cancelled() => break,
                change = self.changes.recv() => match change {
                    Some(change) => self.take(change),
                    None => break,
                },
                Some(ended) = self.workers.join_next_with_id(), if !self.workers.is_empty() => self.ended(ended),
                () = self.errands.ended() => {}
            }
        }
        for (_, token) in std::mem::take(&mut self.running).values() {
            token.cancel();
        }
        tokio::select! {
            biased;
            () = leadership.over() => {}
            () = async { while self.workers.join_next().await.is_some() {} } => {}
        }
        self.workers.shutdown().await;
        self.errands.shutdown().await;
        self.shared = Arc::new(self.shared.under(Leadership::none()));
        self.shared.metrics.policies(0);
    }

    /// What the picture itself needs, whoever leads.
    fn look(&mut self, change: &Change) {
        match change {
            Change::Policy(_) | Change::PolicyGone(_) | Change::Unusable(..) => {
                self.shared.files.want(self.shared.view.directories());
            }
            Change::Fetch(namespace, name) => self.fetch(namespace.clone(), name.clone()),
            Change::Schema(..) | Change::Labeled(_) | Change::Rollback(..) => {}
        }
    }

    fn take(&mut self, change: Change) {
        self.look(&change);
        match change {
            Change::Policy(id) => self.start(id),
            Change::PolicyGone(id) => self.stop(&id),
            Change::Unusable(id, generation, problem) => self.show_unusable(id, generation, problem),
            Change::Schema(namespace, name) => self.show_schema(namespace, name),
            Change::Fetch(..) => {}
            Change::Labeled(facts) => self.default_policy(*facts),
            Change::Rollback(policy, name) => self.judge_orphan(policy, name),
        }
    }

    fn start(&mut self, id: PolicyId) {
        self.errands.cancel(&(UNUSABLE, id.namespace.clone(), id.name.clone()));
        if self.running.contains_key(&id) {
            return;
        }
        let token = CancellationToken::new();
        let worker = Worker::run(id.clone(), self.shared.clone(), token.clone());
        let task = self.workers.spawn(worker).id();
        self.running.insert(id, (task, token));
        self.shared.metrics.policies(self.running.len());
    }

    fn stop(&mut self, id: &PolicyId) {
        if let Some((_, token)) = self.running.remove(id) {
            token.cancel();
            self.shared.metrics.policies(self.running.len());
        }
    }

    /// A worker ends when it was stopped; one that ended otherwise is started again, and that is said loudly.
    fn ended(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let (task, fault) = match ended {
            Ok((task, ())) => (task, None),
            Err(error) => (error.id(), Some(error)),
        };
        let Some(id) = self.running.iter().find(|(_, (known, _))| *known == task).map(|(id, _)| id.clone()) else {
            return;
        };
        self.running.remove(&id);
        if let Some(error) = fault {
            tracing::error!(policy = %id, error = %error, "a worker ended unexpectedly and is started again");
        }
        if self.shared.view.has_policy(&id) {
            self.start(id);
        }
    }

    fn show_unusable(&mut self, id: PolicyId, generation: i64, problem: String) {
        tracing::warn!(policy = %id, problem = %problem, "a policy cannot be used");
        self.stop(&id);
        let cluster = self.shared.cluster.clone();
        self.errands.run((UNUSABLE, id.namespace.clone(), id.name.clone()), move || {
            let (cluster, id, problem) = (cluster.clone(), id.clone(), problem.clone());
            async move { cluster.show_unusable(&id, generation, &problem).await }
        });
    }

    fn show_schema(&mut self, namespace: Namespace, name: ObjectName) {
        let shared = self.shared.clone();
        let about = ("telling whether a schema can be used", namespace.clone(), name.clone());
        self.errands.run(about, move || {
            let (shared, namespace, name) = (shared.clone(), namespace.clone(), name.clone());
            async move {
                let Some((generation, faults)) = shared.view.schema_faults(&namespace, &name) else { return Ok(()) };
                shared.cluster.show_schema(&namespace, &name, generation, &faults).await
            }
        });
    }

    fn fetch(&mut self, namespace: Namespace, name: ObjectName) {
        let shared = self.shared.clone();
        self.errands.run(("reading a ConfigMap", namespace.clone(), name.clone()), move || {
            let (shared, namespace, name) = (shared.clone(), namespace.clone(), name.clone());
            async move {
                let facts = shared.cluster.config_map(&namespace, &name).await?;
                shared.view.fetched(namespace, name, facts);
                Ok(())
            }
        });
    }

    fn default_policy(&mut self, facts: ConfigMapFacts) {
        let id = PolicyId { namespace: facts.namespace.clone(), name: facts.name.clone() };
        if self.shared.view.is_named(&facts.namespace, &facts.name) || self.shared.view.has_policy(&id) {
            return;
        }
        tracing::info!(policy = %id, "a labeled ConfigMap gets a default policy");
        let cluster = self.shared.cluster.clone();
        self.errands.run(("creating a default policy", id.namespace, id.name), move || {
            let (cluster, facts) = (cluster.clone(), facts.clone());
            async move {
                match cluster.create_default_policy(&facts).await {
                    Err(ClusterError::Exists { .. }) => Ok(()),
                    other => other,
                }
            }
        });
    }

    /// A rollback whose policy does not exist has no worker that could answer it.
    fn judge_orphan(&mut self, policy: PolicyId, name: ObjectName) {
        if self.shared.view.has_policy(&policy) || !self.shared.view.has_open_rollback(&policy, &name) {
            return;
        }
        let status = RollbackStatus {
            complete: Truth::False,
            reason: Reason::NoSuchPolicy,
            message: format!("there is no ReloadPolicy {} in the namespace {}", policy.name, policy.namespace),
            from: None,
            to: None,
            version: None,
            pods: None,
        };
        let cluster = self.shared.cluster.clone();
        self.errands.run(("answering a rollback", policy.namespace.clone(), name.clone()), move || {
            let (cluster, namespace, name, status) =
                (cluster.clone(), policy.namespace.clone(), name.clone(), status.clone());
            async move { cluster.show_rollback(&namespace, &name, &status).await }
        });
    }
}
