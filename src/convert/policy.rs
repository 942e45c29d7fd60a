//! ReloadPolicy's specification in the core's form.
//! What the API server checks is checked again: an object may be older than the rules that it is served under.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use rekindle_api as api;
use rekindle_core::breaker::BreakerRules;
use rekindle_core::ids::{Namespace, ObjectName, PolicyId, Uid};
use rekindle_core::policy::{Include, Mode, Policy, RevertRules, Source};
use rekindle_core::target::Payload;
use rekindle_core::target::endpoint::{LONGEST_TIMEOUT, PortRef, PushPath, SHORTEST_TIMEOUT, TargetRules};
use rekindle_core::target::select::{LabelSelector, Requirement};
use rekindle_core::time::Timestamp;

use super::duration::parse_duration;
use super::time::timestamp_of;
use super::{InField, Unusable};

const SHORTEST_OPEN: Duration = Duration::from_secs(1);
const LONGEST_OPEN: Duration = Duration::from_secs(24 * 3600);
/// With more characters, the names of versions would not fit.
const LONGEST_NAME: usize = 240;

/// What says that an object belongs to a policy and goes with it.
#[must_use]
pub fn owned_by(policy: &Policy) -> OwnerReference {
    OwnerReference {
        api_version: format!("{}/{}", api::names::GROUP, api::names::VERSION),
        kind: "ReloadPolicy".to_owned(),
        name: policy.id.name.to_string(),
        uid: policy.uid.to_string(),
        controller: Some(true),
        ..Default::default()
    }
}

/// The place of a namespaced object that is a policy, or that is named like one.
///
/// # Errors
/// The part of the name that Kubernetes would not have given.
pub fn policy_id(metadata: &ObjectMeta) -> Result<PolicyId, Unusable> {
    let namespace = Namespace::parse(metadata.namespace.clone().unwrap_or_default()).in_field("metadata.namespace")?;
    let name = ObjectName::parse(metadata.name.clone().unwrap_or_default()).in_field("metadata.name")?;
    Ok(PolicyId { namespace, name })
}

/// When an object was created, and the beginning of time when nobody says.
pub(super) fn created(metadata: &ObjectMeta) -> Timestamp {
    metadata.creation_timestamp.as_ref().map_or(Timestamp(0), |time| timestamp_of(&time.0))
}

/// The policy that an object describes.
///
/// # Errors
/// [`Unusable`] names the first field that cannot be used, and what is allowed there.
pub fn policy(object: &api::ReloadPolicy) -> Result<Policy, Unusable> {
    let id = policy_id(&object.metadata)?;
    if id.name.as_str().len() > LONGEST_NAME {
        return Err(Unusable::new(
            "metadata.name",
            "it must have at most 240 characters, so that versions can be named",
        ));
    }
    let spec = &object.spec;
    Ok(Policy {
        id,
        uid: Uid::parse(object.metadata.uid.clone().unwrap_or_default()).in_field("metadata.uid")?,
        created: created(&object.metadata),
        generation: object.metadata.generation.unwrap_or(0),
        sources: sources(&spec.sources)?,
        schema: spec.schema_ref.as_ref().map(|schema| name(&schema.name, "spec.schemaRef.name")).transpose()?,
        targets: spec.targets.as_ref().map(targets).transpose()?,
        breaker: breaker(&spec.breaker)?,
        revert: RevertRules {
            automatic: spec.revert.automatic,
            restore_source: spec.revert.source == api::RestoreSource::Restore,
        },
        active_copy: active_copy(spec)?,
        history_limit: usize::try_from(in_bounds(spec.history.limit, 2, 100, "spec.history.limit")?).unwrap_or(100),
        mode: match spec.mode {
            api::Mode::Enforce => Mode::Enforce,
            api::Mode::Observe => Mode::Observe,
            api::Mode::Paused => Mode::Paused,
        },
    })
}

fn name(text: &str, field: &str) -> Result<ObjectName, Unusable> {
    ObjectName::parse(text).in_field(field)
}

fn in_bounds(number: u32, min: u32, max: u32, field: &str) -> Result<u32, Unusable> {
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    Err(Unusable::new(field, format!("it must be a number from {min} to {max}")))
}

fn sources(sources: &[api::Source]) -> Result<Vec<Source>, Unusable> {
    if sources.is_empty() || sources.len() > 8 {
        return Err(Unusable::new("spec.sources", "there must be 1 to 8 sources"));
    }
    for (index, one) in sources.iter().enumerate() {
        let same = |other: &api::Source| match (&one.config_map, &other.config_map, &one.files, &other.files) {
            (Some(one), Some(other), ..) => one.name == other.name,
            (.., Some(one), Some(other)) => one.path == other.path,
            _ => false,
        };
        if sources.iter().take(index).any(same) {
            return Err(Unusable::new(format!("spec.sources[{index}]"), "it is named twice; name each source once"));
        }
    }
    let convert = |(index, one): (usize, &api::Source)| source(one, &format!("spec.sources[{index}]"));
    sources.iter().enumerate().map(convert).collect()
}

fn source(source: &api::Source, field: &str) -> Result<Source, Unusable> {
    match (&source.config_map, &source.files) {
        (Some(config_map), None) => Ok(Source::ConfigMap {
            name: name(&config_map.name, &format!("{field}.configMap.name"))?,
            include: Include::parse(config_map.include.iter().map(String::as_str))
                .in_field(&format!("{field}.configMap.include"))?,
        }),
        (None, Some(files)) => Ok(Source::Files { path: relative_path(&files.path, &format!("{field}.files.path"))? }),
        _ => Err(Unusable::new(field, "give exactly one of configMap and files")),
    }
}

fn relative_path(path: &str, field: &str) -> Result<String, Unusable> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let sound = |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(allowed);
    if path.len() <= 512 && path.split('/').all(sound) {
        return Ok(path.to_owned());
    }
    let problem = "it must be a relative path of letters, digits, `.`, `_` and `-`, without `.` or `..` as a part";
    Err(Unusable::new(field, problem))
}

fn targets(targets: &api::Targets) -> Result<TargetRules, Unusable> {
    let port = match &targets.port {
        IntOrString::Int(number) => PortRef::parse(&number.to_string()),
        IntOrString::String(text) => PortRef::parse(text),
    };
    Ok(TargetRules {
        selector: selector(&targets.selector)?,
        port: port.in_field("spec.targets.port")?,
        path: PushPath::parse(&targets.path).in_field("spec.targets.path")?,
        payload: match targets.payload {
            api::Payload::Content => Payload::Content,
            api::Payload::Notice => Payload::Notice,
        },
        timeout: parse_duration(&targets.timeout, SHORTEST_TIMEOUT..=LONGEST_TIMEOUT)
            .in_field("spec.targets.timeout")?,
        host_network: targets.host_network,
    })
}

fn selector(selector: &api::LabelSelector) -> Result<LabelSelector, Unusable> {
    let requirement = |(index, one): (usize, &api::LabelRequirement)| {
        let operator = match one.operator {
            api::LabelOperator::In => "In",
            api::LabelOperator::NotIn => "NotIn",
            api::LabelOperator::Exists => "Exists",
            api::LabelOperator::DoesNotExist => "DoesNotExist",
        };
        Requirement::parse(one.key.clone(), operator, one.values.iter().cloned())
            .in_field(&format!("spec.targets.selector.matchExpressions[{index}]"))
    };
    Ok(LabelSelector {
        match_labels: selector.match_labels.clone(),
        match_expressions: selector.match_expressions.iter().enumerate().map(requirement).collect::<Result<_, _>>()?,
    })
}

fn breaker(breaker: &api::Breaker) -> Result<BreakerRules, Unusable> {
    let failures = in_bounds(breaker.consecutive_failures, 1, 1000, "spec.breaker.consecutiveFailures")?;
    Ok(BreakerRules {
        consecutive_failures: failures,
        failure_percent: in_bounds(breaker.failure_percent, 1, 100, "spec.breaker.failurePercent")?,
        minimum_pods: in_bounds(breaker.minimum_pods, 1, 1000, "spec.breaker.minimumPods")?,
        open_for: parse_duration(&breaker.open_for, SHORTEST_OPEN..=LONGEST_OPEN).in_field("spec.breaker.openFor")?,
    })
}

fn active_copy(spec: &api::ReloadPolicySpec) -> Result<Option<ObjectName>, Unusable> {
    let Some(copy) = &spec.active_copy else { return Ok(None) };
    let field = "spec.activeCopy.name";
    let is_source = |source: &api::Source| source.config_map.as_ref().is_some_and(|source| source.name == copy.name);
    if spec.sources.iter().any(is_source) {
        return Err(Unusable::new(field, "it is one of the sources; the copy would feed on itself"));
    }
    name(&copy.name, field).map(Some)
}

/// The policy that a labeled ConfigMap gets: everything by default, for the pods of the namespace that opted in and
/// name no other policy, and gone with the ConfigMap.
///
/// # Errors
/// The name is too long for a policy.
pub fn default_policy(
    config_map: &ObjectName,
    uid: &Uid,
    namespace: &Namespace,
) -> Result<api::ReloadPolicy, Unusable> {
    if config_map.as_str().len() > LONGEST_NAME {
        return Err(Unusable::new(
            "metadata.name",
            "a policy's name has at most 240 characters; write one of another name",
        ));
    }
    let source = api::ConfigMapSource { name: config_map.to_string(), include: Vec::new() };
    let spec = api::ReloadPolicySpec {
        sources: vec![api::Source { config_map: Some(source), files: None }],
        targets: Some(api::Targets::default()),
        ..Default::default()
    };
    let mut policy = api::ReloadPolicy::new(config_map.as_str(), spec);
    policy.metadata.namespace = Some(namespace.to_string());
    policy.metadata.owner_references = Some(vec![OwnerReference {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        name: config_map.to_string(),
        uid: uid.to_string(),
        ..Default::default()
    }]);
    Ok(policy)
}

#[cfg(test)]
mod tests;
