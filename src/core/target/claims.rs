//! Whose a pod is when several policies mean it: the oldest policy's, so that a new one takes nothing away.
//! Must not know what the policies push; a pod is only ever brought to one policy's versions.

use std::collections::BTreeMap;

use super::PodFacts;
use super::select::{LabelSelector, selects};
use crate::ids::{ObjectName, PolicyId};
use crate::time::Timestamp;

/// A policy's wish for pods of its namespace.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Whose it is.
    pub policy: &'a PolicyId,
    /// When the policy was created.
    pub created: Timestamp,
    /// Which pods it wishes for.
    pub selector: &'a LabelSelector,
}

/// The claim that wins the pod: the oldest one that selects it and that the pod accepts; of equal age, the first by
/// name. Hand in claims and a pod of one namespace; the order of the claims does not matter.
#[must_use]
pub fn owner_of<'a>(pod: &PodFacts, claims: &[Claim<'a>]) -> Option<&'a PolicyId> {
    claims
        .iter()
        .filter(|claim| selects(&claim.policy.name, claim.selector, pod))
        .min_by_key(|claim| (claim.created, claim.policy))
        .map(|claim| claim.policy)
}

/// What a policy gets of the pods that it selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<'pods, 'claims> {
    /// The pods that it may push to, in the order in which they were given.
    pub ours: Vec<&'pods PodFacts>,
    /// The pods that it selects and an older policy owns, each with that policy: the conflict to report.
    pub taken: BTreeMap<&'pods ObjectName, &'claims PolicyId>,
}

/// Splits the pods that `policy` selects into its own and those that an older policy owns.
///
/// Claims of other namespaces are passed over: a policy never reaches beyond its own.
#[must_use]
pub fn share_of<'pods, 'claims>(
    policy: &PolicyId,
    pods: impl IntoIterator<Item = &'pods PodFacts>,
    claims: &[Claim<'claims>],
) -> Share<'pods, 'claims> {
    let claims: Vec<Claim<'claims>> =
        claims.iter().filter(|claim| claim.policy.namespace == policy.namespace).copied().collect();
    let mut share = Share { ours: Vec::new(), taken: BTreeMap::new() };
    let Some(own) = claims.iter().find(|claim| claim.policy == policy) else { return share };
    for pod in pods {
        if !selects(&policy.name, own.selector, pod) {
            continue;
        }
        match owner_of(pod, &claims) {
            Some(owner) if owner != policy => {
                share.taken.insert(&pod.name, owner);
            }
            _ => share.ours.push(pod),
        }
    }
    share
}
