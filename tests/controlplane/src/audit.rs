//! What the API server was asked, one entry per request, from its audit log: so that a test can count requests.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// One line per request: a watch when it starts, anything else when it is answered.
pub(crate) const POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    verbs: [watch]
    omitStages: [RequestReceived, ResponseComplete]
  - level: Metadata
    omitStages: [RequestReceived, ResponseStarted]
"#;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Such as `admin` or `system:serviceaccount:<namespace>:<name>`.
    pub user: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; lower-case HTTP method otherwise.
    pub verb: String,
    /// Plural, such as `configmaps`; empty for paths such as `/readyz`.
    pub resource: String,
    /// Such as `status`; mostly empty.
    pub subresource: String,
    /// API group; empty for the core group.
    pub group: String,
    /// Empty for what has none.
    pub namespace: String,
    /// Empty for lists and the like.
    pub name: String,
    /// Path and query.
    pub uri: String,
    /// HTTP status of the answer.
    pub code: u16,
    /// RFC 3339 with microseconds: when the request came in.
    pub received: String,
}

impl Entry {
    /// Whether the request could change an object.
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete" | "deletecollection")
    }

    /// Whether a ServiceAccount made the request.
    pub fn is_by(&self, namespace: &str, service_account: &str) -> bool {
        let who = self.user.strip_prefix("system:serviceaccount:").and_then(|user| user.split_once(':'));
        who == Some((namespace, service_account))
    }
}

/// A place in the log, to count from.
#[derive(Debug, Clone, Copy)]
pub struct Mark(u64);

/// The audit log of one control plane.
#[derive(Debug, Clone)]
pub struct AuditLog {
    path: PathBuf,
}

impl AuditLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// The file itself: JSON lines.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every request so far.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        self.since(Mark(0))
    }

    /// Where the log ends now.
    pub fn mark(&self) -> Result<Mark> {
        let length = self.open()?.map_or(Ok(0), |file| file.metadata().map(|metadata| metadata.len()));
        Ok(Mark(length.with_context(|| format!("measure {}", self.path.display()))?))
    }

    /// The requests that were answered after a mark.
    ///
    /// Caveat: the server writes a request down just after its answer; see [`ControlPlane::settle_audit`].
    ///
    /// [`ControlPlane::settle_audit`]: crate::ControlPlane::settle_audit
    pub fn since(&self, mark: Mark) -> Result<Vec<Entry>> {
        let text = self.read_from(mark).with_context(|| format!("read {}", self.path.display()))?;
        // A line that the server is writing at this moment is left for the next call.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete.lines().map(parse).collect()
    }

    /// How many requests after a mark are such as described.
    pub fn count(&self, mark: Mark, such: impl Fn(&Entry) -> bool) -> Result<usize> {
        Ok(self.since(mark)?.iter().filter(|entry| such(entry)).count())
    }

    fn read_from(&self, mark: Mark) -> io::Result<String> {
        let mut bytes = Vec::new();
        if let Some(mut file) = self.open()? {
            file.seek(SeekFrom::Start(mark.0))?;
            file.read_to_end(&mut bytes)?;
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// `None` as long as the server has written nothing.
    fn open(&self) -> io::Result<Option<File>> {
        match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }
}

fn parse(line: &str) -> Result<Entry> {
    let Event { user, user_agent, verb, object_ref, request_uri, response_status, request_received_timestamp } =
        serde_json::from_str(line).with_context(|| format!("read the audit line {line}"))?;
    Ok(Entry {
        user: user.username,
        user_agent,
        verb,
        resource: object_ref.resource,
        subresource: object_ref.subresource,
        group: object_ref.api_group,
        namespace: object_ref.namespace,
        name: object_ref.name,
        uri: request_uri,
        code: response_status.code,
        received: request_received_timestamp,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    user: EventUser,
    #[serde(default)]
    user_agent: String,
    verb: String,
    #[serde(default)]
    object_ref: ObjectReference,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    response_status: ResponseStatus,
    request_received_timestamp: String,
}

#[derive(Deserialize)]
struct EventUser {
    username: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ObjectReference {
    resource: String,
    subresource: String,
    api_group: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize, Default)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}
