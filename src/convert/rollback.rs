//! ConfigRollback: what a person asks for, and the record of what was done.
//! Must not judge whether it can be done.

use rekindle_api as api;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use rekindle_core::record::RollbackRequest;
use rekindle_core::status::{RollbackStatus, Truth};
use rekindle_core::time::Timestamp;
use rekindle_core::version::history::RollbackTo;

use super::conditions::{Statement, merged, truth_of};
use super::policy::created;
use super::text::bounded;
use super::time::micro_time_of;
use super::{InField, Unusable};

const COMPLETE: &str = "Complete";
/// The specification never changes, so there is one generation.
const GENERATION: i64 = 1;

/// The request and the policy that it is about.
///
/// # Errors
/// [`Unusable`] names the field that the API server should have refused.
pub fn rollback_request(object: &api::ConfigRollback) -> Result<(PolicyId, RollbackRequest), Unusable> {
    let (metadata, spec) = (&object.metadata, &object.spec);
    let policy = PolicyId {
        namespace: Namespace::parse(metadata.namespace.clone().unwrap_or_default()).in_field("metadata.namespace")?,
        name: ObjectName::parse(spec.policy_ref.name.clone()).in_field("spec.policyRef.name")?,
    };
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let complete = conditions.iter().find(|condition| condition.type_ == COMPLETE).map(truth_of);
    let request = RollbackRequest {
        name: ObjectName::parse(metadata.name.clone().unwrap_or_default()).in_field("metadata.name")?,
        uid: Uid::parse(metadata.uid.clone().unwrap_or_default()).in_field("metadata.uid")?,
        created: created(metadata),
        to: goal(&spec.to)?,
        reason: spec.reason.clone(),
        force: spec.force,
        finished: matches!(complete, Some(Truth::True | Truth::False)),
    };
    Ok((policy, request))
}

fn goal(to: &api::RollbackTo) -> Result<RollbackTo, Unusable> {
    match (to.version, to.steps, to.last_good) {
        (Some(number), None, None) if number > 0 => Ok(RollbackTo::Version(VersionNumber(number))),
        (None, Some(steps), None) if steps > 0 => Ok(RollbackTo::Steps(steps)),
        (None, None, Some(true)) => Ok(RollbackTo::LastGood),
        _ => Err(Unusable::new("spec.to", "give exactly one of version, steps and lastGood, from 1 or true")),
    }
}

/// The status of a rollback. The times of its beginning and end are those when they were first said; it equals
/// `before` when there is nothing new to say, so that nothing is written.
#[must_use]
pub fn rollback_status(
    status: &RollbackStatus,
    before: Option<&api::ConfigRollbackStatus>,
    now: Timestamp,
) -> api::ConfigRollbackStatus {
    let complete =
        Statement { kind: COMPLETE, truth: status.complete, reason: status.reason, message: status.message.clone() };
    let finished = status.complete != Truth::Unknown;
    let started_at = before.and_then(|before| before.started_at.clone());
    let finished_at = before.and_then(|before| before.finished_at.clone());
    let conditions = before.map(|before| before.conditions.as_slice()).unwrap_or_default();
    api::ConfigRollbackStatus {
        conditions: merged(conditions, [complete], Some(GENERATION), now),
        from: status.from.map(|number| number.0),
        to: status.to.map(|number| number.0),
        version: status.version.map(|number| number.0),
        started_at: Some(started_at.unwrap_or_else(|| micro_time_of(now))),
        finished_at: finished.then(|| finished_at.unwrap_or_else(|| micro_time_of(now))),
        pods: status.pods.map(|(acked, total)| api::RollbackPods { total, acked }),
        outcome: finished.then(|| bounded(&status.message, 1024)),
    }
}

#[cfg(test)]
mod tests {
    use rekindle_core::reason::Reason;
    use serde_json::{Value, json};

    use super::*;

    fn object(to: Value) -> api::ConfigRollback {
        let object = json!({
            "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigRollback",
            "metadata": {"namespace": "shop", "name": "undo", "uid": "r-1",
                         "creationTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"policyRef": {"name": "checkout"}, "to": to, "reason": "slow", "force": true},
        });
        serde_json::from_value(object).unwrap()
    }

    fn status(complete: Truth) -> RollbackStatus {
        RollbackStatus {
            complete,
            reason: Reason::RolledBack,
            message: "version 8 is active".to_owned(),
            from: Some(VersionNumber(7)),
            to: Some(VersionNumber(5)),
            version: Some(VersionNumber(8)),
            pods: Some((2, 3)),
        }
    }

    #[test]
    fn each_way_to_name_a_version_reaches_the_core() {
        let cases = [
            (json!({"version": 5}), RollbackTo::Version(VersionNumber(5))),
            (json!({"steps": 2}), RollbackTo::Steps(2)),
            (json!({"lastGood": true}), RollbackTo::LastGood),
        ];
        for (to, goal) in cases {
            let (policy, request) = rollback_request(&object(to)).unwrap();
            assert_eq!(policy.to_string(), "shop/checkout");
            assert_eq!((request.name.as_str(), request.uid.as_str(), request.to), ("undo", "r-1", goal));
            assert_eq!((request.reason.as_deref(), request.force, request.finished), (Some("slow"), true, false));
            assert_eq!(request.created, Timestamp(1_767_323_045_000));
        }
        for to in [json!({}), json!({"version": 1, "steps": 1}), json!({"lastGood": false}), json!({"version": 0})] {
            assert!(rollback_request(&object(to.clone())).is_err(), "{to}");
        }
    }

    #[test]
    fn it_is_finished_once_it_is_done_or_refused() {
        for (complete, finished) in [(Truth::Unknown, false), (Truth::True, true), (Truth::False, true)] {
            let mut object = object(json!({"steps": 1}));
            object.status = Some(rollback_status(&status(complete), None, Timestamp(0)));
            assert_eq!(rollback_request(&object).unwrap().1.finished, finished, "{complete:?}");
        }
    }

    #[test]
    fn beginning_and_end_are_noted_once() {
        let begun = rollback_status(&status(Truth::Unknown), None, Timestamp(1_000));
        let done = rollback_status(&status(Truth::True), Some(&begun), Timestamp(2_000));

        assert_eq!((&begun.started_at, &begun.finished_at), (&Some(micro_time_of(Timestamp(1_000))), &None));
        assert_eq!(done.started_at, begun.started_at);
        assert_eq!(done.finished_at, Some(micro_time_of(Timestamp(2_000))));
        assert_eq!((done.from, done.to, done.version), (Some(7), Some(5), Some(8)));
        assert_eq!(done.pods, Some(api::RollbackPods { total: 3, acked: 2 }));
        assert_eq!((begun.outcome, done.outcome.as_deref()), (None, Some("version 8 is active")));
        assert_eq!(rollback_status(&status(Truth::True), Some(&done), Timestamp(9_000)), done);
    }
}
