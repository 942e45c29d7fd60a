//! ConfigVersions: made by one POST, read back, deleted.
//! Must not open a content.

use kube::api::ListParams;
use rekindle_api as api;
use rekindle_api::names;
use rekindle_core::ids::{PolicyId, VersionNumber};
use rekindle_core::policy::Policy;
use rekindle_core::record::{NewVersion, Recorded};
use tracing::warn;

use super::errors::Asked;
use super::loose::Loose;
use super::requests::{Requests, of_kind};
use super::statuses::Shown;
use crate::convert::timestamp_of;
use crate::convert::version::{recorded, version_name, version_object};
use crate::ports::ClusterError;

pub(super) const RESOURCE: &str = "configversions.rekindle.dev";
/// A label's value has at most 63 characters.
const MAX_LABEL: usize = 63;
/// A version can be 1.5 MB large.
pub(super) const PAGE: u32 = 20;

fn asked(verb: &'static str, policy: &PolicyId, number: VersionNumber) -> Asked {
    let name = version_name(&policy.name, number);
    Asked { verb, resource: RESOURCE, what: format!("the ConfigVersion {}/{name}", policy.namespace) }
}

/// Creates the record. One that exists already and says the same is this one: an answer got lost.
pub(super) async fn record(
    (requests, shown): (&Requests, &Shown),
    policy: &Policy,
    version: &NewVersion,
) -> Result<Recorded, ClusterError> {
    let asked = asked("create", &policy.id, version.number);
    let mut object = version_object(policy, version);
    if policy.id.name.as_str().len() <= MAX_LABEL {
        let label = (names::POLICY.to_owned(), policy.id.name.to_string());
        object.metadata.labels.get_or_insert_default().extend([label]);
    }
    let kind = of_kind::<api::ConfigVersion>(&policy.id.namespace);
    match requests.create(&asked, &kind, &object).await {
        Ok(written) => {
            shown.versions.know(&written.metadata, None);
            let created = written.metadata.creation_timestamp.map(|time| timestamp_of(&time.0));
            let new = Recorded::from(version);
            Ok(Recorded { created: created.unwrap_or(new.created), ..new })
        }
        Err(ClusterError::Exists { what }) => {
            let found = find(requests, &policy.id, version.number).await?;
            let same = |found: &Loose<api::ConfigVersion>| found.read_spec().is_ok_and(|spec| object.spec == spec);
            let found = found.filter(same).ok_or(ClusterError::Exists { what: what.clone() })?;
            read(found).map(|(_, recorded)| recorded).map_err(|_| ClusterError::Exists { what })
        }
        Err(error) => Err(error),
    }
}

/// The object of one version; none when it is not there.
async fn find(
    requests: &Requests,
    policy: &PolicyId,
    number: VersionNumber,
) -> Result<Option<Loose<api::ConfigVersion>>, ClusterError> {
    let kind = of_kind::<api::ConfigVersion>(&policy.namespace);
    let name = version_name(&policy.name, number);
    match requests.get(&asked("get", policy, number), &kind, &name).await {
        Ok(object) => Ok(Some(object)),
        Err(ClusterError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The version that an object records, or why it cannot be read.
pub(super) fn read(object: Loose<api::ConfigVersion>) -> Result<(PolicyId, Recorded), String> {
    let version =
        api::ConfigVersion { spec: object.read_spec()?, status: object.read_status(), metadata: object.metadata };
    recorded(&version).map_err(|error| error.to_string())
}

/// All records of a policy, page by page.
pub(super) async fn versions(requests: &Requests, policy: &PolicyId) -> Result<Vec<Recorded>, ClusterError> {
    let what = format!("the ConfigVersions of {policy}");
    let asked = Asked { verb: "list", resource: RESOURCE, what };
    let kind = of_kind::<api::ConfigVersion>(&policy.namespace);
    let mut params = ListParams::default().fields(&format!("spec.policy={}", policy.name)).limit(PAGE);
    let mut versions = Vec::new();
    loop {
        let page = requests.list::<Loose<api::ConfigVersion>>(&asked, &kind, &params).await?;
        for object in page.items {
            let name = object.metadata.name.clone().unwrap_or_default();
            match read(object) {
                Ok((owner, recorded)) if owner == *policy => versions.push(recorded),
                Ok(_) => {}
                Err(problem) => warn!(namespace = %policy.namespace, name, problem, "passed over a ConfigVersion"),
            }
        }
        match page.metadata.next.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(versions),
        }
    }
}

/// Deletes a record; one that is gone is fine.
pub(super) async fn prune(requests: &Requests, policy: &PolicyId, number: VersionNumber) -> Result<(), ClusterError> {
    let kind = of_kind::<api::ConfigVersion>(&policy.namespace);
    let name = version_name(&policy.name, number);
    match requests.delete(&asked("delete", policy, number), &kind, &name).await {
        Err(ClusterError::Missing { .. }) => Ok(()),
        done => done,
    }
}
