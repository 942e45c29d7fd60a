//! ConfigVersion: the object that records a version, and the version that an object records.
//! Must not open the content; whether it is what its digest says is found where it is opened.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rekindle_api as api;
use rekindle_core::diff::Summary;
use rekindle_core::digest::Digest;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid, VersionNumber};
use rekindle_core::policy::Policy;
use rekindle_core::reason::Reason;
use rekindle_core::record::{NewVersion, Origin, Recorded, SeenSource, StoredContent};
use rekindle_core::status::{Acknowledged, Truth, VersionStatus};
use rekindle_core::target::TargetKey;
use rekindle_core::time::Timestamp;
use rekindle_core::version::content::{Encoding, UnpackError};

use super::conditions::{Statement, holds, merged};
use super::policy::{created, owned_by};
use super::status::findings;
use super::text::bounded;
use super::time::{micro_time_of, timestamp_of};
use super::{InField, Unusable};

/// Ten of the longest still fit beside the largest content.
const MAX_WARNINGS: usize = 10;
const MAX_ACKS: usize = 5000;
/// The specification never changes, so there is one generation.
const GENERATION: i64 = 1;

/// The name of the object that records a version: giving a number twice is refused by the API server.
#[must_use]
pub fn version_name(policy: &ObjectName, number: VersionNumber) -> String {
    format!("{policy}-v{number}")
}

/// The object that records a version, owned by its policy.
#[must_use]
pub fn version_object(policy: &Policy, version: &NewVersion) -> api::ConfigVersion {
    let spec = api::ConfigVersionSpec {
        policy: policy.id.name.to_string(),
        number: version.number.0,
        digest: version.digest.to_string(),
        parent: version.parent.map(|number| number.0),
        last_good: version.last_good.map(|number| number.0),
        origin: origin(&version.origin),
        verdict: match version.origin {
            Origin::Rollback { forced: true, .. } => api::Verdict::Forced,
            _ => api::Verdict::Valid,
        },
        findings: findings(&version.warnings, MAX_WARNINGS),
        diff: diff(&version.diff),
        content: api::Content {
            encoding: match version.content.encoding {
                Encoding::Zstd => api::Encoding::Zstd,
            },
            data: BASE64_STANDARD.encode(&version.content.bytes),
            size: u64::try_from(version.content.size).unwrap_or(u64::MAX),
        },
    };
    let mut object = api::ConfigVersion::new(&version_name(&policy.id.name, version.number), spec);
    object.metadata.namespace = Some(policy.id.namespace.to_string());
    object.metadata.owner_references = Some(vec![owned_by(policy)]);
    object
}

fn origin(origin: &Origin) -> api::Origin {
    let empty = |type_| api::Origin { type_, sources: Vec::new(), rollback: None, from: None, of: None, reason: None };
    match origin {
        Origin::Edit(sources) => {
            api::Origin { sources: sources.iter().map(seen).collect(), ..empty(api::OriginType::Edit) }
        }
        Origin::File(sources) => {
            api::Origin { sources: sources.iter().map(seen).collect(), ..empty(api::OriginType::File) }
        }
        // `forced` is the record's verdict: one fact, one place.
        Origin::Rollback { name, uid, from, of, forced: _, reason } => api::Origin {
            rollback: Some(api::RollbackReference { name: name.to_string(), uid: uid.to_string() }),
            from: Some(from.0),
            of: Some(of.0),
            reason: reason.as_deref().map(|reason| bounded(reason, 1024)),
            ..empty(api::OriginType::Rollback)
        },
        Origin::Revert { from, of, reason } => api::Origin {
            from: Some(from.0),
            of: Some(of.0),
            reason: Some(bounded(reason, 1024)),
            ..empty(api::OriginType::Revert)
        },
    }
}

fn seen(source: &SeenSource) -> api::SeenSource {
    api::SeenSource {
        kind: if source.config_map { api::SourceKind::ConfigMap } else { api::SourceKind::Files },
        name: source.name.clone(),
        resource_version: source.resource_version.clone(),
        field_manager: source.field_manager.as_deref().map(|manager| bounded(manager, 256)),
    }
}

fn diff(summary: &Summary) -> api::DiffSummary {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    api::DiffSummary {
        added: count(summary.added),
        removed: count(summary.removed),
        changed: count(summary.changed),
        summary: format!("+{} -{} ~{}", summary.added, summary.removed, summary.changed),
        paths: summary.paths.iter().map(|path| bounded(path, 1024)).collect(),
        truncated: summary.truncated,
    }
}

/// The version that an object records, and whose it is.
///
/// Data that is not even base64 is a damaged record and not an error: the policy has to report it.
///
/// # Errors
/// [`Unusable`] names the field that a hand must have put there.
pub fn recorded(object: &api::ConfigVersion) -> Result<(PolicyId, Recorded), Unusable> {
    let (metadata, spec) = (&object.metadata, &object.spec);
    let name = ObjectName::parse(spec.policy.clone()).in_field("spec.policy")?;
    let namespace = Namespace::parse(metadata.namespace.clone().unwrap_or_default()).in_field("metadata.namespace")?;
    let number = VersionNumber(spec.number);
    if metadata.name.as_deref() != Some(version_name(&name, number).as_str()) {
        return Err(Unusable::new("metadata.name", "it is not `<policy>-v<number>` of its specification"));
    }
    let status = object.status.as_ref();
    let recorded = Recorded {
        number,
        digest: Digest::parse(&spec.digest).in_field("spec.digest")?,
        parent: spec.parent.map(VersionNumber),
        last_good: spec.last_good.map(VersionNumber),
        origin: read_origin(spec)?,
        content: stored(&spec.content),
        changed: spec.diff.paths.clone(),
        proven: status.is_some_and(|status| holds(&status.conditions, "Proven")),
        acks: status.map(read_acks).unwrap_or_default(),
        created: created(metadata),
    };
    Ok((PolicyId { namespace, name }, recorded))
}

fn stored(content: &api::Content) -> StoredContent {
    match BASE64_STANDARD.decode(&content.data) {
        Ok(bytes) => {
            let encoding = match content.encoding {
                api::Encoding::Zstd => Encoding::Zstd,
            };
            StoredContent { encoding: Ok(encoding), bytes: bytes.into() }
        }
        Err(_) => StoredContent {
            encoding: Err(UnpackError::Container("its data is not base64")),
            bytes: bytes::Bytes::new(),
        },
    }
}

fn read_origin(spec: &api::ConfigVersionSpec) -> Result<Origin, Unusable> {
    let origin = &spec.origin;
    let from = || origin.from.map(VersionNumber).in_field("spec.origin.from");
    let of = || origin.of.map(VersionNumber).in_field("spec.origin.of");
    let sources = || origin.sources.iter().map(read_seen).collect();
    Ok(match origin.type_ {
        api::OriginType::Edit => Origin::Edit(sources()),
        api::OriginType::File => Origin::File(sources()),
        api::OriginType::Rollback => {
            let rollback = origin.rollback.as_ref().in_field("spec.origin.rollback")?;
            Origin::Rollback {
                name: ObjectName::parse(rollback.name.clone()).in_field("spec.origin.rollback.name")?,
                uid: Uid::parse(rollback.uid.clone()).in_field("spec.origin.rollback.uid")?,
                from: from()?,
                of: of()?,
                forced: spec.verdict == api::Verdict::Forced,
                reason: origin.reason.clone(),
            }
        }
        api::OriginType::Revert => {
            Origin::Revert { from: from()?, of: of()?, reason: origin.reason.clone().unwrap_or_default() }
        }
    })
}

fn read_seen(source: &api::SeenSource) -> SeenSource {
    SeenSource {
        config_map: source.kind == api::SourceKind::ConfigMap,
        name: source.name.clone(),
        resource_version: source.resource_version.clone(),
        field_manager: source.field_manager.clone(),
    }
}

/// An ack without a usable name or id is passed over: its pod is then brought to the version once more.
fn read_acks(status: &api::ConfigVersionStatus) -> std::collections::BTreeMap<TargetKey, ObjectName> {
    let read = |ack: &api::Acknowledgement| {
        let key = TargetKey { uid: Uid::parse(ack.uid.clone()).ok()?, started: timestamp_of(&ack.started.0) };
        Some((key, ObjectName::parse(ack.pod.clone()).ok()?))
    };
    status.acks.iter().filter_map(read).collect()
}

/// The status of a version. It equals `before` when there is nothing new to say, so that nothing is written.
#[must_use]
pub fn version_status(
    status: &VersionStatus,
    before: Option<&api::ConfigVersionStatus>,
    now: Timestamp,
) -> api::ConfigVersionStatus {
    let say = |kind, holds, (reason, message): (Reason, &str)| Statement {
        kind,
        truth: if holds { Truth::True } else { Truth::False },
        reason,
        message: message.to_owned(),
    };
    let active = match status.active {
        true => (Reason::Active, "targets are meant to run it"),
        false => (Reason::Superseded, "a newer version took its place"),
    };
    let proven = match status.proven {
        true => (Reason::Proven, "every target ran it"),
        false => (Reason::Pending, "not every target ran it"),
    };
    let mut statements = vec![say("Active", status.active, active), say("Proven", status.proven, proven)];
    if let Some(reason) = &status.tripped {
        statements.push(say("Tripped", true, (Reason::Tripped, reason)));
    }
    let old = before.map(|before| before.conditions.as_slice()).unwrap_or_default();
    api::ConfigVersionStatus {
        conditions: merged(old, statements, Some(GENERATION), now),
        summary: Some(summary(status).to_owned()),
        acks: status.acks.iter().take(MAX_ACKS).map(ack).collect(),
    }
}

fn summary(status: &VersionStatus) -> &'static str {
    match (status.tripped.is_some(), status.active, status.proven) {
        (true, true, _) => "active, tripped",
        (true, false, _) => "tripped",
        (false, true, true) => "active, proven",
        (false, true, false) => "active, rolling out",
        (false, false, true) => "proven",
        (false, false, false) => "superseded",
    }
}

fn ack(ack: &Acknowledged) -> api::Acknowledgement {
    api::Acknowledgement { pod: ack.pod.to_string(), uid: ack.uid.to_string(), started: micro_time_of(ack.started) }
}

#[cfg(test)]
mod tests;
