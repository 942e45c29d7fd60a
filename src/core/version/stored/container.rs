//! What stands in a version's file: its members, as JSON or YAML, and back.
//! Must not know of files or compression. Problems are told by place and kind, never in words that hold a value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Container, DecodeError, EncodeError, Stored};
use crate::digest::Digest;
use crate::document::{DocumentName, Documents};
use crate::ids::VersionNumber;
use crate::time::Timestamp;
use crate::version::local::{Cause, LocalOrigin, LocalVersion};

/// The members of a version, in the order in which they are written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Members<'text> {
    version: VersionNumber,
    digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<VersionNumber>,
    /// Milliseconds since 1970, UTC.
    created: Timestamp,
    origin: LocalOrigin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<SetAside>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    documents: Vec<Document<'text>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetAside {
    version: VersionNumber,
    digest: String,
}

/// A document has a text, or base64 if its bytes are no text that every reader gives back the same.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'text> {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'text, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

pub(super) fn write(stored: &Stored, container: Container) -> Result<Vec<u8>, EncodeError> {
    let version = &stored.version;
    let documents = stored.documents.iter().map(|(name, content)| {
        let text = std::str::from_utf8(content).ok().filter(|text| container == Container::Json || is_plain(text));
        let base64 = if text.is_none() { Some(STANDARD.encode(content)) } else { None };
        Document { name: name.to_string(), text: text.map(Cow::Borrowed), base64 }
    });
    let set_aside = version.set_aside.iter();
    let members = Members {
        version: version.number,
        digest: version.digest.to_string(),
        parent: version.parent,
        created: version.created,
        origin: version.origin,
        reason: version.cause.reason.clone(),
        asked_by: version.cause.asked_by.clone(),
        set_aside: set_aside
            .map(|(digest, version)| SetAside { version: *version, digest: digest.to_string() })
            .collect(),
        source: version.source.map(|digest| digest.to_string()),
        documents: documents.collect(),
    };
    let written = match container {
        Container::Json => serde_json::to_vec(&members).map_err(|problem| problem.to_string()),
        Container::Yaml => {
            serde_yaml::to_string(&members).map(String::into_bytes).map_err(|problem| problem.to_string())
        }
    };
    written.map_err(|problem| EncodeError::Write { container, problem })
}

/// Whether YAML gives the text back as it is: printable characters and line feeds, which it never folds or drops.
fn is_plain(text: &str) -> bool {
    text.chars()
        .all(|c| c == '\n' || c == '\t' || !(c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')))
}

pub(super) fn read(text: &[u8], container: Container) -> Result<Stored, DecodeError> {
    let members: Members<'_> = match container {
        Container::Json => serde_json::from_slice(text).map_err(|error| DecodeError::Shape {
            problem: match error.classify() {
                serde_json::error::Category::Data => "a member is missing, unknown, or of another type",
                _ => "it is not JSON",
            },
            line: error.line(),
            column: error.column(),
        }),
        Container::Yaml => serde_yaml::from_slice(text).map_err(|error| DecodeError::Shape {
            problem: "it is not YAML, or a member is missing, unknown, or of another type",
            line: error.location().map_or(0, |place| place.line()),
            column: error.location().map_or(0, |place| place.column()),
        }),
    }?;
    let digest = |text: &str, member| Digest::parse(text).map_err(|_| DecodeError::Member(member));
    let mut set_aside = BTreeMap::new();
    for entry in &members.set_aside {
        set_aside.insert(digest(&entry.digest, "setAside")?, entry.version);
    }
    let documents = members.documents.into_iter().map(content).collect::<Result<Vec<_>, _>>()?;
    let version = LocalVersion {
        number: members.version,
        digest: digest(&members.digest, "digest")?,
        parent: members.parent,
        created: members.created,
        origin: members.origin,
        cause: Cause { reason: members.reason, asked_by: members.asked_by },
        set_aside,
        source: members.source.map(|text| digest(&text, "source")).transpose()?,
    };
    Ok(Stored { version, documents: Documents::from_ordered(documents).map_err(DecodeError::Name)? })
}

fn content(document: Document<'_>) -> Result<(DocumentName, Bytes), DecodeError> {
    let name = DocumentName::parse(document.name).map_err(DecodeError::Name)?;
    let content = match (document.text, document.base64) {
        (Some(text), None) => Bytes::from(text.into_owned()),
        (None, Some(base64)) => {
            Bytes::from(STANDARD.decode(base64).map_err(|_| DecodeError::Member("documents: base64"))?)
        }
        _ => return Err(DecodeError::Member("documents: each has either a text or base64")),
    };
    Ok((name, content))
}
