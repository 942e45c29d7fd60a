//! Versions as the core handles them: what is to be recorded, and what was.
//! Must not know where records are kept.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::contract::body as contract;
use crate::diff::Summary;
use crate::digest::Digest;
use crate::document::Documents;
use crate::ids::{ObjectName, Uid, VersionNumber};
use crate::target::{Running, TargetKey};
use crate::time::Timestamp;
use crate::version::content::{self, Encoding, Packed, UnpackError};
use crate::version::history::RollbackTo;

/// What a version came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Origin {
    /// Somebody edited a ConfigMap.
    Edit(Vec<SeenSource>),
    /// A mounted file changed.
    File(Vec<SeenSource>),
    /// A person asked for an older version.
    Rollback {
        /// The ConfigRollback's name.
        name: ObjectName,
        /// Its unique id: one such object is carried out once.
        uid: Uid,
        /// The version that was active.
        from: VersionNumber,
        /// The version whose content this is.
        of: VersionNumber,
        /// Whether today's schema was skipped.
        forced: bool,
        /// Why, in the person's words.
        reason: Option<String>,
    },
    /// A version tripped.
    Revert {
        /// The version that tripped.
        from: VersionNumber,
        /// The version whose content this is.
        of: VersionNumber,
        /// Why it tripped.
        reason: String,
    },
}

/// A source object as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenSource {
    /// Whether it is a ConfigMap, else a directory of files.
    pub config_map: bool,
    /// Its name or path.
    pub name: String,
    /// The resource version seen; none for files.
    pub resource_version: Option<String>,
    /// The field manager that last wrote it, as the API server noted it; never an invented user.
    pub field_manager: Option<String>,
}

impl Origin {
    /// The word for it in the reload contract.
    #[must_use]
    pub fn push_reason(&self) -> contract::Reason {
        match self {
            Self::Edit(_) => contract::Reason::Edit,
            Self::File(_) => contract::Reason::File,
            Self::Rollback { .. } => contract::Reason::Rollback,
            Self::Revert { .. } => contract::Reason::Revert,
        }
    }
}

/// A version that is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// The number, given once.
    pub number: VersionNumber,
    /// What identifies the content.
    pub digest: Digest,
    /// The version that was active before.
    pub parent: Option<VersionNumber>,
    /// The version that was last-good then. The record carries the proof of that one, whose status may come too late.
    pub last_good: Option<VersionNumber>,
    /// What it came from.
    pub origin: Origin,
    /// The content, compressed.
    pub content: Packed,
    /// The content, open.
    pub documents: Documents,
    /// How it differs from its parent.
    pub diff: Summary,
    /// Warnings of its validation, as text, bounded.
    pub warnings: Vec<crate::finding::Finding>,
}

/// A version that was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The number.
    pub number: VersionNumber,
    /// What identifies the content.
    pub digest: Digest,
    /// The version that was active before.
    pub parent: Option<VersionNumber>,
    /// The version that was last-good then: an older one that every target had proved.
    pub last_good: Option<VersionNumber>,
    /// What it came from.
    pub origin: Origin,
    /// The content as recorded; checked against the digest when it is opened.
    pub content: StoredContent,
    /// Which paths it changed.
    pub changed: Vec<String>,
    /// Whether it ran on every target without tripping.
    pub proven: bool,
    /// Which lives of which pods confirmed it, as far as that is durable.
    pub acks: BTreeMap<TargetKey, ObjectName>,
    /// When it was recorded.
    pub created: Timestamp,
}

/// Content as it was found in a record.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredContent {
    /// Its encoding, or why the word for it is not known.
    pub encoding: Result<Encoding, UnpackError>,
    /// The bytes.
    pub bytes: bytes::Bytes,
}

/// The size only: what is small is hardly compressed, and could be read.
impl fmt::Debug for StoredContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredContent({:?}, {} bytes)", self.encoding, self.bytes.len())
    }
}

impl Recorded {
    /// What a target that runs this version reports.
    #[must_use]
    pub fn running(&self) -> Running {
        Running { version: self.number, digest: self.digest }
    }

    /// The documents.
    ///
    /// # Errors
    /// The record is damaged: it does not decompress to documents of its digest.
    pub fn open(&self) -> Result<Documents, UnpackError> {
        let encoding = self.content.encoding.clone()?;
        content::unpack(encoding, &self.content.bytes, &self.digest)
    }
}

impl From<&NewVersion> for Recorded {
    fn from(new: &NewVersion) -> Self {
        Self {
            number: new.number,
            digest: new.digest,
            parent: new.parent,
            last_good: new.last_good,
            origin: new.origin.clone(),
            content: StoredContent { encoding: Ok(new.content.encoding), bytes: new.content.bytes.clone() },
            changed: new.diff.paths.clone(),
            proven: false,
            acks: BTreeMap::new(),
            created: Timestamp(0),
        }
    }
}

/// A person's wish to return to an older version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRequest {
    /// The ConfigRollback's name.
    pub name: ObjectName,
    /// Its unique id.
    pub uid: Uid,
    /// When it was created; the oldest unfinished one goes first.
    pub created: Timestamp,
    /// Where to.
    pub to: RollbackTo,
    /// Why.
    pub reason: Option<String>,
    /// Whether to skip today's schema.
    pub force: bool,
    /// Whether its status says that it is finished, one way or the other.
    pub finished: bool,
}
