//! A policy's status, as users see it and as the core remembers it after a restart.
//! Must not decide what it says; it cuts texts and lists to what the fields hold.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use rekindle_api as api;
use rekindle_core::breaker::Breaker;
use rekindle_core::digest::Digest;
use rekindle_core::finding::{Finding, Severity};
use rekindle_core::ids::{ObjectName, VersionNumber};
use rekindle_core::reason::Reason;
use rekindle_core::status::{
    ConditionKind, LastEdit, PolicyStatus, Quarantined, SetAside, TargetCounts, TargetFailure, Truth,
};
use rekindle_core::target::Running;
use rekindle_core::time::Timestamp;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as WordError;

use super::conditions::{Statement, merged};
use super::text::bounded;
use super::time::{micro_time_of, timestamp_of};

const MAX_FAILURES: usize = 20;
const MAX_LISTED: usize = 50;
const MAX_SENTENCE: usize = 1024;

/// The status as users see it. It equals `before` when there is nothing new to say, so that nothing is written.
#[must_use]
pub fn policy_status(
    status: &PolicyStatus,
    before: Option<&api::ReloadPolicyStatus>,
    now: Timestamp,
) -> api::ReloadPolicyStatus {
    let statements = status.conditions.iter().map(|condition| Statement {
        kind: kind_word(condition.kind),
        truth: condition.truth,
        reason: condition.reason,
        message: condition.message.clone(),
    });
    let (quarantined, set_aside) = (newest(&status.quarantined), newest(&status.set_aside));
    api::ReloadPolicyStatus {
        observed_generation: Some(status.generation),
        conditions: merged(conditions_of(before), statements, Some(status.generation), now),
        active: status.active.map(reference),
        last_good: status.last_good.map(reference),
        last_number: status.last_number.map(|number| number.0),
        targets: Some(target_counts(&status.targets)),
        failures: status.failures.iter().take(MAX_FAILURES).map(failure).collect(),
        breaker: Some(breaker(&status.breaker)),
        quarantined: quarantined.iter().map(quarantined_digest).collect(),
        set_aside: set_aside.iter().map(set_aside_digest).collect(),
        findings: findings(&status.findings, MAX_LISTED),
        last_edit: Some(api::LastEdit {
            digest: status.last_edit.digest.map(|digest| digest.to_string()),
            outcome: status.last_edit.outcome.to_string(),
            message: bounded(&status.last_edit.message, MAX_SENTENCE),
        }),
    }
}

/// The status of a policy whose specification cannot be used: it is not ready, and all else stays as it was.
#[must_use]
pub fn unusable_policy_status(
    generation: i64,
    problem: &str,
    before: Option<&api::ReloadPolicyStatus>,
    now: Timestamp,
) -> api::ReloadPolicyStatus {
    let ready = Statement {
        kind: kind_word(ConditionKind::Ready),
        truth: Truth::False,
        reason: Reason::SpecInvalid,
        message: problem.to_owned(),
    };
    let mut conditions = merged(conditions_of(before), [ready], Some(generation), now);
    conditions.extend(conditions_of(before).iter().filter(|old| old.type_ != "Ready").cloned());
    api::ReloadPolicyStatus { observed_generation: Some(generation), conditions, ..before.cloned().unwrap_or_default() }
}

/// What the core needs of a status to go on after a restart: versions, breaker, quarantine, what was set aside and
/// the last edit. What is computed afresh each time (conditions, counts, failures, findings) comes back empty.
/// An entry that cannot be read is passed over: another hand wrote it.
#[must_use]
pub fn read_policy_status(status: &api::ReloadPolicyStatus) -> PolicyStatus {
    PolicyStatus {
        generation: status.observed_generation.unwrap_or(0),
        conditions: Vec::new(),
        active: status.active.as_ref().and_then(running),
        last_good: status.last_good.as_ref().and_then(running),
        last_number: status.last_number.map(VersionNumber),
        targets: TargetCounts::default(),
        failures: Vec::new(),
        breaker: status.breaker.as_ref().map(read_breaker).unwrap_or_default(),
        quarantined: status.quarantined.iter().filter_map(read_quarantined).collect(),
        set_aside: status.set_aside.iter().filter_map(read_set_aside).collect(),
        findings: Vec::new(),
        last_edit: read_last_edit(status.last_edit.as_ref()),
    }
}

fn conditions_of(status: Option<&api::ReloadPolicyStatus>) -> &[Condition] {
    status.map(|status| status.conditions.as_slice()).unwrap_or_default()
}

fn kind_word(kind: ConditionKind) -> &'static str {
    match kind {
        ConditionKind::Ready => "Ready",
        ConditionKind::SourceReady => "SourceReady",
        ConditionKind::SchemaReady => "SchemaReady",
        ConditionKind::Valid => "Valid",
        ConditionKind::TargetsReady => "TargetsReady",
        ConditionKind::BreakerClosed => "BreakerClosed",
    }
}

/// The last entries of a list that is ordered by age.
fn newest<T>(entries: &[T]) -> &[T] {
    entries.get(entries.len().saturating_sub(MAX_LISTED)..).unwrap_or_default()
}

fn reference(running: Running) -> api::VersionReference {
    api::VersionReference { version: running.version.0, digest: running.digest.to_string() }
}

fn running(reference: &api::VersionReference) -> Option<Running> {
    Some(Running { version: VersionNumber(reference.version), digest: Digest::parse(&reference.digest).ok()? })
}

fn target_counts(counts: &TargetCounts) -> api::TargetCounts {
    let TargetCounts { total, confirmed, delivered, refused, failed, pending, unusable } = *counts;
    let summary = format!("{}/{total}", confirmed.saturating_add(delivered));
    api::TargetCounts { total, confirmed, delivered, refused, failed, pending, unusable, summary }
}

fn failure(failure: &TargetFailure) -> api::PodFailure {
    api::PodFailure { pod: failure.pod.to_string(), version: failure.version.0, reason: bounded(&failure.reason, 512) }
}

fn breaker(breaker: &Breaker) -> api::BreakerStatus {
    match breaker {
        Breaker::Closed => api::BreakerStatus::default(),
        Breaker::HalfOpen => api::BreakerStatus { state: api::BreakerState::HalfOpen, ..Default::default() },
        Breaker::Open { until, reason } => api::BreakerStatus {
            state: api::BreakerState::Open,
            open_until: Some(micro_time_of(*until)),
            reason: Some(bounded(reason, MAX_SENTENCE)),
        },
    }
}

/// An open breaker whose end cannot be read has come to it: the next version is then tried with care.
fn read_breaker(status: &api::BreakerStatus) -> Breaker {
    match (status.state, &status.open_until) {
        (api::BreakerState::Closed, _) => Breaker::Closed,
        (api::BreakerState::Open, Some(until)) => {
            Breaker::Open { until: timestamp_of(&until.0), reason: status.reason.clone().unwrap_or_default() }
        }
        (api::BreakerState::Open, None) | (api::BreakerState::HalfOpen, _) => Breaker::HalfOpen,
    }
}

fn quarantined_digest(entry: &Quarantined) -> api::QuarantinedDigest {
    api::QuarantinedDigest {
        digest: entry.digest.to_string(),
        version: entry.version.0,
        reason: bounded(&entry.reason, MAX_SENTENCE),
        at: micro_time_of(entry.at),
        restored: entry.restored,
    }
}

fn read_quarantined(entry: &api::QuarantinedDigest) -> Option<Quarantined> {
    Some(Quarantined {
        digest: Digest::parse(&entry.digest).ok()?,
        version: VersionNumber(entry.version),
        reason: entry.reason.clone(),
        at: timestamp_of(&entry.at.0),
        restored: entry.restored,
    })
}

fn set_aside_digest(entry: &SetAside) -> api::SetAsideDigest {
    api::SetAsideDigest {
        digest: entry.digest.to_string(),
        version: entry.version.0,
        rollback: entry.rollback.to_string(),
        at: micro_time_of(entry.at),
    }
}

fn read_set_aside(entry: &api::SetAsideDigest) -> Option<SetAside> {
    Some(SetAside {
        digest: Digest::parse(&entry.digest).ok()?,
        version: VersionNumber(entry.version),
        rollback: ObjectName::parse(entry.rollback.clone()).ok()?,
        at: timestamp_of(&entry.at.0),
    })
}

fn read_last_edit(edit: Option<&api::LastEdit>) -> LastEdit {
    let outcome = edit.and_then(|edit| read_reason(&edit.outcome));
    LastEdit {
        digest: edit.and_then(|edit| Digest::parse(edit.digest.as_deref()?).ok()),
        outcome: outcome.unwrap_or(Reason::NothingRecorded),
        message: edit.map(|edit| edit.message.clone()).unwrap_or_default(),
    }
}

fn read_reason(word: &str) -> Option<Reason> {
    let words: serde::de::value::StrDeserializer<'_, WordError> = word.into_deserializer();
    Reason::deserialize(words).ok()
}

/// Findings as users see them, the first `max`.
pub(super) fn findings(findings: &[Finding], max: usize) -> Vec<api::Finding> {
    findings.iter().take(max).map(finding).collect()
}

fn finding(finding: &Finding) -> api::Finding {
    let path = Some(&finding.path).filter(|path| !path.is_root());
    api::Finding {
        severity: match finding.severity {
            Severity::Error => api::Severity::Error,
            Severity::Warning => api::Severity::Warning,
        },
        document: finding.document.as_ref().map(ToString::to_string),
        line: finding.position.map(|position| position.line.max(1)),
        column: finding.position.map(|position| position.column.max(1)),
        path: path.map(|path| bounded(&path.to_string(), 512)),
        rule: finding.rule.to_string(),
        message: bounded(&finding.message, 512),
        hint: finding.hint.as_deref().map(|hint| bounded(hint, 512)),
    }
}

#[cfg(test)]
mod tests;
