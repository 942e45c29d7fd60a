//! One request, one answer, one deadline. Nothing is repeated here: who asks decides whether to ask again.
//! Must not log: requests and answers carry configurations and keys.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::{Client, Resource};
use rekindle_api::names;
use rekindle_core::ids::Namespace;
use rekindle_core::policy::WRITE_DEADLINE;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::errors::Asked;
use crate::ports::ClusterError;

/// How long one request may take, from its first byte to the last one of its answer.
const DEADLINE: Duration = WRITE_DEADLINE;
/// An answer in this form bears the metadata alone, so that a large object does not come back.
const METADATA_ONLY: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
const JSON_PATCH: HeaderValue = HeaderValue::from_static("application/json-patch+json");

/// The metadata of an object that was written.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    /// As the server keeps it.
    pub metadata: ObjectMeta,
}

/// One page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct Page<T> {
    /// Where the next page begins.
    #[serde(default)]
    pub metadata: PageMetadata,
    /// The objects. A list of metadata without any has null here.
    #[serde(deserialize_with = "or_none")]
    pub items: Vec<T>,
}

#[derive(Default, Deserialize)]
pub(super) struct PageMetadata {
    /// None or empty on the last page.
    #[serde(rename = "continue")]
    pub next: Option<String>,
}

/// Makes requests about namespaced objects.
#[derive(Clone)]
pub(super) struct Requests {
    client: Client,
}

fn or_none<'de, T: DeserializeOwned, D: Deserializer<'de>>(items: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(items)?.unwrap_or_default())
}

type Built = Result<http::Request<Vec<u8>>, kube::core::request::Error>;

/// The requests about one kind in one namespace.
pub(super) fn of_kind<K>(namespace: &Namespace) -> Request
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    Request::new(K::url_path(&(), Some(namespace.as_str())))
}

impl Requests {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        name: &str,
    ) -> Result<T, ClusterError> {
        self.send(asked, kind.get(name, &GetParams::default())).await
    }

    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        params: &ListParams,
    ) -> Result<Page<T>, ClusterError> {
        self.send(asked, kind.list(params)).await
    }

    /// As [`Self::get`], the metadata alone.
    pub(super) async fn get_metadata<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        name: &str,
    ) -> Result<T, ClusterError> {
        self.send(asked, kind.get_metadata(name, &GetParams::default())).await
    }

    /// As [`Self::list`], the metadata alone.
    pub(super) async fn list_metadata<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        params: &ListParams,
    ) -> Result<Page<T>, ClusterError> {
        self.send(asked, kind.list_metadata(params)).await
    }

    /// Creates an object; only metadata comes back.
    pub(super) async fn create(
        &self,
        asked: &Asked,
        kind: &Request,
        object: &impl Serialize,
    ) -> Result<Written, ClusterError> {
        let body = serde_json::to_vec(object).map_err(|error| asked.unreadable(&error))?;
        self.send(asked, with_header(kind.create(&posted_by_us(), body), ACCEPT, METADATA_ONLY)).await
    }

    /// Creates an object; all of it comes back.
    pub(super) async fn create_whole<T: Serialize + DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        object: &T,
    ) -> Result<T, ClusterError> {
        let body = serde_json::to_vec(object).map_err(|error| asked.unreadable(&error))?;
        self.send(asked, kind.create(&posted_by_us(), body)).await
    }

    /// Makes an object exactly this, if it is still at the resource version that it bears.
    pub(super) async fn replace<T: Serialize + DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        (name, object): (&str, &T),
    ) -> Result<T, ClusterError> {
        let body = serde_json::to_vec(object).map_err(|error| asked.unreadable(&error))?;
        self.send(asked, kind.replace(name, &posted_by_us(), body)).await
    }

    /// Changes the named fields of an object, and nothing else.
    pub(super) async fn merge<T: DeserializeOwned>(
        &self,
        asked: &Asked,
        kind: &Request,
        (name, patch): (&str, &serde_json::Value),
    ) -> Result<T, ClusterError> {
        self.send(asked, kind.patch(name, &written_by_us(), &Patch::Merge(patch))).await
    }

    /// Makes the status exactly this, whatever it was, if the object is still at the resource version that is named.
    pub(super) async fn set_status(
        &self,
        asked: &Asked,
        kind: &Request,
        (name, status, seen): (&str, &impl Serialize, Option<u64>),
    ) -> Result<Written, ClusterError> {
        // A merge would leave standing what is no longer said; to `add` a member is to set it.
        let mut operations = vec![serde_json::json!({"op": "add", "path": "/status", "value": status})];
        // The server compares this one with what it holds, as with every write that bears one.
        operations.extend(seen.map(
            |seen| serde_json::json!({"op": "add", "path": "/metadata/resourceVersion", "value": seen.to_string()}),
        ));
        let request = kind.patch_subresource("status", name, &written_by_us(), &Patch::Merge(&operations));
        let request = with_header(request, CONTENT_TYPE, JSON_PATCH);
        self.send(asked, with_header(request, ACCEPT, METADATA_ONLY)).await
    }

    pub(super) async fn delete(&self, asked: &Asked, kind: &Request, name: &str) -> Result<(), ClusterError> {
        let request = kind.delete(name, &DeleteParams::default());
        self.text(asked, request).await.map(drop)
    }

    async fn send<T: DeserializeOwned>(&self, asked: &Asked, request: Built) -> Result<T, ClusterError> {
        let text = self.text(asked, request).await?;
        // The client's own reading would log the whole answer when it fails.
        serde_json::from_str(&text).map_err(|error| asked.unreadable(&error))
    }

    async fn text(&self, asked: &Asked, request: Built) -> Result<String, ClusterError> {
        let request = request.map_err(|error| asked.failed(&kube::Error::BuildRequest(error)))?;
        match tokio::time::timeout(DEADLINE, self.client.request_text(request)).await {
            Ok(answer) => answer.map_err(|error| asked.failed(&error)),
            Err(_) => Err(asked.unavailable(format!("it gave no answer within {} s", DEADLINE.as_secs()))),
        }
    }
}

fn posted_by_us() -> PostParams {
    PostParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..Default::default() }
}

fn written_by_us() -> PatchParams {
    PatchParams { field_manager: Some(names::FIELD_MANAGER.to_owned()), ..Default::default() }
}

fn with_header(request: Built, name: http::header::HeaderName, value: HeaderValue) -> Built {
    request.map(|mut request| {
        request.headers_mut().insert(name, value);
        request
    })
}
