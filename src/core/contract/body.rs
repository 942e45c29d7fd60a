//! The body of a push: encoded once for all targets, decoded within limits, its digest checked against its documents.
//! Must not know what is inside the documents, and no message of it may hold anything from them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::digest::{Digest, InvalidDigest};
use crate::document::{DocumentName, Documents, Format};
use crate::ids::{Epoch, InvalidName, Namespace, ObjectName, PolicyId, VersionNumber};

/// More changed paths than this are not sent: the list is left empty, which means that anything may have changed.
pub const MAX_CHANGED: usize = 1000;

/// Why a version is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Somebody edited a ConfigMap or Secret.
    Edit,
    /// A mounted file changed.
    File,
    /// A person asked for an older version.
    Rollback,
    /// The breaker took a version back.
    Revert,
    /// The target is new, was restarted, or missed the version.
    CatchUp,
}

impl Reason {
    /// The word for it in the body.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::File => "file",
            Self::Rollback => "rollback",
            Self::Revert => "revert",
            Self::CatchUp => "catch-up",
        }
    }
}

/// What one push carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// On whose behalf.
    pub policy: PolicyId,
    /// The version's number.
    pub version: VersionNumber,
    /// The digest of the documents.
    pub digest: Digest,
    /// The leader's epoch.
    pub epoch: Epoch,
    /// Why it is pushed.
    pub reason: Reason,
    /// Paths that differ from the version before; a hint, and when empty anything may have changed.
    pub changed: Vec<String>,
    /// The documents, in merge order.
    pub documents: Documents,
}

/// What a receiver is willing to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most documents. Default: 10,000.
    pub documents: usize,
    /// The most bytes that all contents may have together. Default: 4 MiB.
    pub contents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { documents: 10_000, contents: 4 << 20 }
    }
}

/// Why a body is refused. No message holds anything from a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not JSON, or not of the shape that the contract asks for.
    #[error("reading the body as JSON: {problem} at line {line}, column {column}")]
    Json {
        /// What is wrong, in words that hold no value.
        problem: String,
        /// Beginning with 1.
        line: usize,
        /// Beginning with 1.
        column: usize,
    },
    /// The policy is not `<namespace>/<name>`.
    #[error("reading the policy: it must be `<namespace>/<name>`")]
    Policy,
    /// A name that cannot be one.
    #[error("reading a name of the body")]
    Name(#[from] InvalidName),
    /// The digest is not one.
    #[error("reading the digest")]
    Digest(#[from] InvalidDigest),
    /// A document with both contents or none, or with base64 that is none.
    #[error("reading the document `{document}`: {problem}")]
    Document {
        /// Which one.
        document: DocumentName,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More than the receiver takes.
    #[error("the body holds more than {limit} {what}")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The documents are not those that the digest promises.
    #[error("the documents have the digest {actual}, and the body says {promised}")]
    Mismatch {
        /// What the body says.
        promised: Digest,
        /// What its documents have.
        actual: Digest,
    },
}

impl Body {
    /// The bytes to sign and to send; the same for every target.
    ///
    /// # Errors
    /// [`EncodeError`], which only a lack of memory could cause.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let changed = if self.changed.len() > MAX_CHANGED { &[] } else { self.changed.as_slice() };
        let wire = WireOut {
            policy: self.policy.to_string(),
            version: self.version,
            digest: self.digest,
            epoch: self.epoch,
            reason: self.reason,
            changed,
            documents: self.documents.iter().map(|(name, content)| DocumentOut::new(name, content)).collect(),
        };
        let mut buffer = Vec::with_capacity(self.documents.size() + self.documents.size() / 2 + 512);
        serde_json::to_writer(&mut buffer, &wire).map_err(EncodeError)?;
        Ok(buffer.into())
    }

    /// Reads the body of a push whose signature was verified.
    ///
    /// Unknown fields and format words are skipped: a later minor version of the contract may add some.
    ///
    /// # Errors
    /// [`BodyError`] says what is outside the contract or the limits.
    pub fn decode(bytes: &[u8], limits: Limits) -> Result<Self, BodyError> {
        let wire: WireIn = serde_json::from_slice(bytes).map_err(|error| describe(&error))?;
        let (namespace, name) = wire.policy.split_once('/').ok_or(BodyError::Policy)?;
        let policy = PolicyId { namespace: Namespace::parse(namespace)?, name: ObjectName::parse(name)? };
        let digest = Digest::parse(&wire.digest)?;
        if wire.documents.len() > limits.documents {
            return Err(BodyError::TooMuch { what: "documents", limit: limits.documents });
        }
        let mut entries = Vec::with_capacity(wire.documents.len());
        let mut left = limits.contents;
        for document in wire.documents {
            let (name, content) = document.read()?;
            left = left
                .checked_sub(content.len())
                .ok_or(BodyError::TooMuch { what: "bytes of content", limit: limits.contents })?;
            entries.push((name, content));
        }
        let documents = Documents::from_ordered(entries)?;
        let actual = Digest::of(&documents);
        if actual != digest {
            return Err(BodyError::Mismatch { promised: digest, actual });
        }
        let WireIn { version, epoch, reason, mut changed, .. } = wire;
        if changed.len() > MAX_CHANGED {
            changed.clear();
        }
        Ok(Self { policy, version, digest, epoch, reason, changed, documents })
    }
}

/// Why a body could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("writing the body of a push")]
pub struct EncodeError(#[source] serde_json::Error);

#[derive(Serialize)]
struct WireOut<'body> {
    policy: String,
    version: VersionNumber,
    digest: Digest,
    epoch: Epoch,
    reason: Reason,
    changed: &'body [String],
    documents: Vec<DocumentOut<'body>>,
}

#[derive(Serialize)]
struct DocumentOut<'body> {
    name: &'body str,
    format: Format,
    #[serde(flatten)]
    content: ContentOut<'body>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum ContentOut<'body> {
    Text(&'body str),
    Base64(String),
}

impl<'body> DocumentOut<'body> {
    fn new(name: &'body DocumentName, content: &'body [u8]) -> Self {
        let text = std::str::from_utf8(content).ok().filter(|text| !text.bytes().any(is_costly));
        let content_out = match text {
            Some(text) => ContentOut::Text(text),
            None => ContentOut::Base64(STANDARD.encode(content)),
        };
        Self { name: name.as_str(), format: Format::of(name, content), content: content_out }
    }
}

/// Control characters other than tab and the ends of lines take six bytes each in JSON; base64 bounds the growth.
fn is_costly(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

#[derive(Deserialize)]
struct WireIn {
    policy: String,
    version: VersionNumber,
    digest: String,
    epoch: Epoch,
    reason: Reason,
    #[serde(default)]
    changed: Vec<String>,
    documents: Vec<DocumentIn>,
}

/// The format word is not read: it is a hint for receivers that do not derive it from the name.
#[derive(Deserialize)]
struct DocumentIn {
    name: String,
    text: Option<String>,
    base64: Option<String>,
}

impl DocumentIn {
    fn read(self) -> Result<(DocumentName, Bytes), BodyError> {
        let name = DocumentName::parse(self.name)?;
        let content = match (self.text, self.base64) {
            (Some(text), None) => Bytes::from(text),
            (None, Some(encoded)) => match STANDARD.decode(encoded) {
                Ok(content) => content.into(),
                Err(_) => return Err(BodyError::Document { document: name, problem: "its base64 is not valid" }),
            },
            _ => return Err(BodyError::Document { document: name, problem: "it needs either `text` or `base64`" }),
        };
        Ok((name, content))
    }
}

/// Only messages that name a field of ours are passed on; any other may quote a value.
fn describe(error: &serde_json::Error) -> BodyError {
    let message = error.to_string();
    let names_a_field = message.starts_with("missing field") || message.starts_with("duplicate field");
    let problem = match message.split_once(" at line ") {
        Some((problem, _)) if names_a_field => problem.to_owned(),
        _ if error.is_data() => "a field is not what the contract asks for".to_owned(),
        _ => "it is not JSON, or it ends too early".to_owned(),
    };
    BodyError::Json { problem, line: error.line(), column: error.column() }
}
