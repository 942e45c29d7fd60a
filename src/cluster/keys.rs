//! The push keys of namespaces: read from their Secret, made when it is missing, remembered for a minute.
//! Must not show a key to anybody: none is logged, and no error holds one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rekindle_api::names::{FIELD_MANAGER, PUSH_KEY_SECRET};
use rekindle_core::contract::signature::{PushKey, PushKeys};
use rekindle_core::ids::Namespace;
use rustls::crypto::ring::default_provider;

use super::errors::Asked;
use super::locked;
use super::requests::{Requests, of_kind};
use crate::ports::ClusterError;

/// How long keys are used before they are read again.
const FRESH: Duration = Duration::from_secs(60);
const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const NEW_KEY_BYTES: usize = 32;

type Remembered = Arc<tokio::sync::Mutex<Option<(Instant, PushKeys)>>>;

/// The keys that were read.
#[derive(Default)]
pub(super) struct Keys {
    namespaces: Mutex<BTreeMap<Namespace, Remembered>>,
}

impl Keys {
    /// The keys of a namespace. Of many that ask at once, one asks the API server.
    pub(super) async fn of(&self, requests: &Requests, namespace: &Namespace) -> Result<PushKeys, ClusterError> {
        let remembered = locked(&self.namespaces).entry(namespace.clone()).or_default().clone();
        let mut remembered = remembered.lock().await;
        if let Some((read, keys)) = remembered.as_ref()
            && read.elapsed() < FRESH
        {
            return Ok(keys.clone());
        }
        let keys = read_or_make(requests, namespace).await?;
        *remembered = Some((Instant::now(), keys.clone()));
        Ok(keys)
    }
}

fn asked(verb: &'static str, namespace: &Namespace) -> Asked {
    Asked { verb, resource: "secrets", what: format!("the Secret {namespace}/{PUSH_KEY_SECRET}") }
}

async fn read_or_make(requests: &Requests, namespace: &Namespace) -> Result<PushKeys, ClusterError> {
    if let Some(keys) = read(requests, namespace).await? {
        return Ok(keys);
    }
    let asked = asked("create", namespace);
    let secret = new_secret(&asked, namespace)?;
    match requests.create(&asked, &of_kind::<Secret>(namespace), &secret).await {
        Ok(_) => keys_in(&secret, namespace),
        // Somebody was faster, and theirs is the one that targets have.
        Err(ClusterError::Exists { .. }) => match read(requests, namespace).await? {
            Some(keys) => Ok(keys),
            None => Err(asked.unavailable("it is made and deleted at the same time".to_owned())),
        },
        Err(error) => Err(error),
    }
}

async fn read(requests: &Requests, namespace: &Namespace) -> Result<Option<PushKeys>, ClusterError> {
    let kind = of_kind::<Secret>(namespace);
    match requests.get::<Secret>(&asked("get", namespace), &kind, PUSH_KEY_SECRET).await {
        Ok(secret) => keys_in(&secret, namespace).map(Some),
        Err(ClusterError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn new_secret(asked: &Asked, namespace: &Namespace) -> Result<Secret, ClusterError> {
    let mut key = vec![0; NEW_KEY_BYTES];
    let random = default_provider().secure_random.fill(&mut key);
    random.map_err(|_| asked.unavailable("the operating system gives no random bytes".to_owned()))?;
    let managed_by = ("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned());
    Ok(Secret {
        metadata: ObjectMeta {
            name: Some(PUSH_KEY_SECRET.to_owned()),
            namespace: Some(namespace.to_string()),
            labels: Some(BTreeMap::from([managed_by])),
            ..Default::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(BTreeMap::from([(CURRENT.to_owned(), ByteString(key))])),
        ..Default::default()
    })
}

fn keys_in(secret: &Secret, namespace: &Namespace) -> Result<PushKeys, ClusterError> {
    let entry = |name: &str| secret.data.as_ref().and_then(|data| data.get(name));
    let key = |name: &str, bytes: &ByteString| {
        PushKey::new(&bytes.0).map_err(|error| unusable(namespace, &format!("its entry `{name}` is no key: {error}")))
    };
    let current = entry(CURRENT).ok_or_else(|| unusable(namespace, "it has no entry `current`"))?;
    Ok(PushKeys {
        current: key(CURRENT, current)?,
        previous: entry(PREVIOUS).map(|bytes| key(PREVIOUS, bytes)).transpose()?,
    })
}

fn unusable(namespace: &Namespace, problem: &str) -> ClusterError {
    ClusterError::Refused {
        what: format!("the use of the Secret {namespace}/{PUSH_KEY_SECRET}"),
        detail: format!("{problem}; put 32 random bytes there, or delete the Secret to have a new one made"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(entries: &[(&str, usize)]) -> Secret {
        let data = entries.iter().map(|(name, length)| ((*name).to_owned(), ByteString(vec![7; *length])));
        Secret { data: Some(data.collect()), ..Default::default() }
    }

    fn problem(entries: &[(&str, usize)]) -> String {
        let namespace = Namespace::parse("shop").unwrap();
        keys_in(&secret(entries), &namespace).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn keys_are_taken_as_they_are_and_others_are_explained() {
        assert_eq!(problem(&[("current", 32)]), "");
        assert_eq!(problem(&[("current", 32), ("previous", 64)]), "");
        assert!(problem(&[("previous", 32)]).contains("no entry `current`"));
        assert!(problem(&[("current", 31)]).contains("`current` is no key: a push key has 32 to 1024 bytes"));
        assert!(problem(&[("current", 32), ("previous", 1)]).contains("`previous` is no key"));
    }

    #[test]
    fn every_new_key_is_another() {
        let namespace = Namespace::parse("shop").unwrap();
        let made = || new_secret(&asked("create", &namespace), &namespace).unwrap().data;
        assert_ne!(made(), made());
    }
}
