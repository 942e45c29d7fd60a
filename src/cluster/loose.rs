//! A custom resource as it came, read no further than its metadata, so that no object can stop a watch or a list.
//! Must not know what a specification holds.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use rekindle_core::ids::{Namespace, ObjectName};
use serde::Deserialize;
use serde_json::Value;

/// An object of kind `K` whose specification and status are still to be read.
#[derive(Clone, Deserialize)]
#[serde(bound = "")]
pub(super) struct Loose<K> {
    /// What the API server itself keeps, and so surely well-formed.
    pub metadata: ObjectMeta,
    /// What a person wrote.
    #[serde(default)]
    pub spec: Value,
    /// What is said about it.
    #[serde(default)]
    pub status: Value,
    #[serde(skip)]
    kind: PhantomData<fn() -> K>,
}

/// Where it is and in which state: a version's specification holds content.
impl<K> fmt::Debug for Loose<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectMeta { namespace, name, resource_version, .. } = &self.metadata;
        f.debug_tuple("Loose").field(namespace).field(name).field(resource_version).finish()
    }
}

impl<K> Loose<K> {
    /// Its place; none for a name that is no name, which the API server would not have stored.
    pub(super) fn place(&self) -> Option<(Namespace, ObjectName)> {
        place(&self.metadata)
    }

    /// The status, as far as it can be read.
    pub(super) fn read_status<S: for<'de> Deserialize<'de>>(&self) -> Option<S> {
        if self.status.is_null() { None } else { S::deserialize(&self.status).ok() }
    }

    /// The specification, or what is wrong with it.
    pub(super) fn read_spec<S: for<'de> Deserialize<'de>>(&self) -> Result<S, String> {
        S::deserialize(&self.spec).map_err(|error| format!("the specification cannot be read: {error}"))
    }
}

/// Where an object is.
pub(super) fn place(metadata: &ObjectMeta) -> Option<(Namespace, ObjectName)> {
    let namespace = Namespace::parse(metadata.namespace.as_deref()?).ok()?;
    Some((namespace, ObjectName::parse(metadata.name.as_deref()?).ok()?))
}

impl<K: Resource<DynamicType = ()>> Resource for Loose<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind(dynamic: &()) -> Cow<'_, str> {
        K::kind(dynamic)
    }

    fn group(dynamic: &()) -> Cow<'_, str> {
        K::group(dynamic)
    }

    fn version(dynamic: &()) -> Cow<'_, str> {
        K::version(dynamic)
    }

    fn plural(dynamic: &()) -> Cow<'_, str> {
        K::plural(dynamic)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
