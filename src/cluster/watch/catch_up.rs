//! Waiting until the watches have told of everything that others wrote before: a watch may lag behind the one that told
//! that a leader is gone.
//! Must not know what is done with it, and asks for metadata alone.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Resource;
use kube::api::ListParams;
use kube::core::Request;
use rekindle_api as api;
use rekindle_core::ids::{Namespace, ObjectName};
use serde::Deserialize;

use super::super::errors::Asked;
use super::super::requests::{Page, Requests, of_kind};
use super::super::{config_maps, records};
use super::kinds::{Policies, Rollbacks, Watched as _};
use super::mark::{Marks, number};
use crate::ports::ClusterError;

/// A watch that is further behind than this is no longer trusted.
const DEADLINE: Duration = Duration::from_secs(10);
/// Objects on a page of metadata.
const PAGE: u32 = 500;
/// So many sources are asked for at once.
const AT_ONCE: usize = 16;

/// What is to be caught up with.
#[derive(Clone)]
pub struct CatchUp {
    pub(super) requests: Requests,
    pub(super) policies: Marks,
    pub(super) versions: Marks,
    pub(super) rollbacks: Marks,
    pub(super) config_maps: Marks,
}

#[derive(Deserialize)]
struct Bare {
    metadata: BareMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BareMetadata {
    resource_version: Option<String>,
}

impl CatchUp {
    /// Returns when the sink was told of every policy, version and rollback that exists now, and of these ConfigMaps, as
    /// they are now or later.
    ///
    /// # Errors
    /// The API server does not answer, or a watch is too far behind.
    pub async fn with_everything(&self, sources: BTreeSet<(Namespace, ObjectName)>) -> Result<(), ClusterError> {
        let catching_up = async {
            tokio::try_join!(
                self.kind::<api::ReloadPolicy>(Policies::RESOURCE, &self.policies),
                self.kind::<api::ConfigVersion>(records::RESOURCE, &self.versions),
                self.kind::<api::ConfigRollback>(Rollbacks::RESOURCE, &self.rollbacks),
                self.sources(sources),
            )
        };
        match tokio::time::timeout(DEADLINE, catching_up).await {
            Ok(result) => result.map(drop),
            Err(_) => Err(ClusterError::Unavailable {
                what: "the watches".to_owned(),
                detail: format!("they are more than {} s behind", DEADLINE.as_secs()),
            }),
        }
    }

    async fn kind<K>(&self, resource: &'static str, marks: &Marks) -> Result<(), ClusterError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        for (place, mark) in marks {
            let kind = Request::new(K::url_path(&(), place.as_ref().map(Namespace::as_str)));
            mark.reached(self.newest(resource, &kind).await?).await;
        }
        Ok(())
    }

    /// The highest resource version of what exists.
    async fn newest(&self, resource: &'static str, kind: &Request) -> Result<u64, ClusterError> {
        let asked = Asked { verb: "list", resource, what: format!("the metadata of {resource}") };
        let mut params = ListParams::default().limit(PAGE);
        let mut newest = 0;
        loop {
            let page: Page<Bare> = self.requests.list_metadata(&asked, kind, &params).await?;
            let versions = page.items.iter().map(|item| number(item.metadata.resource_version.as_deref()));
            newest = versions.fold(newest, u64::max);
            match page.metadata.next.filter(|next| !next.is_empty()) {
                Some(next) => params = params.continue_token(&next),
                None => return Ok(newest),
            }
        }
    }

    async fn sources(&self, sources: BTreeSet<(Namespace, ObjectName)>) -> Result<(), ClusterError> {
        let reads = sources.into_iter().map(|(namespace, name)| async move { self.source(&namespace, &name).await });
        let mut reads = futures::stream::iter(reads).buffer_unordered(AT_ONCE);
        while let Some(read) = reads.next().await {
            read?;
        }
        Ok(())
    }

    async fn source(&self, namespace: &Namespace, name: &ObjectName) -> Result<(), ClusterError> {
        let what = format!("the ConfigMap {namespace}/{name}");
        let asked = Asked { verb: "get", resource: config_maps::RESOURCE, what };
        let found = self.requests.get_metadata::<Bare>(&asked, &of_kind::<ConfigMap>(namespace), name.as_str()).await;
        let found = match found {
            // Of its end the watch will tell; nothing is pushed for want of a source.
            Err(ClusterError::Missing { .. }) => return Ok(()),
            found => number(found?.metadata.resource_version.as_deref()),
        };
        let here = |place: &Option<Namespace>| place.as_ref().is_none_or(|place| place == namespace);
        if let Some((_, mark)) = self.config_maps.iter().find(|(place, _)| here(place)) {
            mark.reached(found).await;
        }
        Ok(())
    }
}
