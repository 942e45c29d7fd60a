//! Which pods a policy means: its label selector, the pod's own consent and the one policy that a pod may name.
//! Must not know addresses or ports; what a pod lacks to be reached is the business of `endpoint`.

use std::collections::{BTreeMap, BTreeSet};

use super::{PodFacts, annotation};
use crate::ids::ObjectName;

/// A selector over labels, with the meaning that Kubernetes gives it: all parts must hold, and the empty one selects
/// everything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelSelector {
    /// Labels that must be there with exactly this value.
    pub match_labels: BTreeMap<String, String>,
    /// Further demands.
    pub match_expressions: Vec<Requirement>,
}

/// One demand on one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What is demanded of it.
    pub operator: Operator,
}

/// What a [`Requirement`] demands of its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    /// It is there and has one of these values.
    In(BTreeSet<String>),
    /// It has none of these values; a missing label is fine.
    NotIn(BTreeSet<String>),
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

/// Why a demand cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequirement {
    /// The operator is none of the four.
    #[error("`{0}` is not an operator: use In, NotIn, Exists or DoesNotExist")]
    Operator(String),
    /// In and NotIn compare with something.
    #[error("the operator {operator} on `{key}` needs at least one value")]
    NoValues {
        /// The label's key.
        key: String,
        /// The operator.
        operator: &'static str,
    },
    /// Exists and DoesNotExist compare with nothing.
    #[error("the operator {operator} on `{key}` takes no values")]
    Values {
        /// The label's key.
        key: String,
        /// The operator.
        operator: &'static str,
    },
}

impl Requirement {
    /// Reads a demand as Kubernetes writes it: key, operator's name, values.
    ///
    /// # Errors
    /// [`InvalidRequirement`] when the operator is unknown or the values do not go with it.
    pub fn parse(
        key: impl Into<String>,
        operator: &str,
        values: impl IntoIterator<Item = String>,
    ) -> Result<Self, InvalidRequirement> {
        let key = key.into();
        let values: BTreeSet<String> = values.into_iter().collect();
        let some = |operator| match values.is_empty() {
            true => Err(InvalidRequirement::NoValues { key: key.clone(), operator }),
            false => Ok(values.clone()),
        };
        let none = |operator| match values.is_empty() {
            true => Ok(()),
            false => Err(InvalidRequirement::Values { key: key.clone(), operator }),
        };
        let operator = match operator {
            "In" => Operator::In(some("In")?),
            "NotIn" => Operator::NotIn(some("NotIn")?),
            "Exists" => none("Exists").map(|()| Operator::Exists)?,
            "DoesNotExist" => none("DoesNotExist").map(|()| Operator::DoesNotExist)?,
            other => return Err(InvalidRequirement::Operator(other.chars().take(40).collect())),
        };
        Ok(Self { key, operator })
    }

    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl LabelSelector {
    /// Whether these labels satisfy every part of the selector.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.holds(labels))
    }
}

/// Whether the pod takes part at all: its annotation `rekindle.dev/reload` is exactly `true`.
#[must_use]
pub fn opted_in(pod: &PodFacts) -> bool {
    pod.annotations.get(annotation::RELOAD).is_some_and(|value| value == "true")
}

/// Whether the pod's owner lets this policy push to it.
///
/// A pod that names a policy in `rekindle.dev/policy` accepts that one only, and a name that no policy has accepts
/// none: consent is never widened by a typing error.
#[must_use]
pub fn accepts(pod: &PodFacts, policy: &ObjectName) -> bool {
    pod.annotations.get(annotation::POLICY).is_none_or(|named| named == policy.as_str())
}

/// Whether the policy means this pod: consent, the policy that the pod names, and the selector.
#[must_use]
pub fn selects(policy: &ObjectName, selector: &LabelSelector, pod: &PodFacts) -> bool {
    opted_in(pod) && accepts(pod, policy) && selector.matches(&pod.labels)
}
