//! A version as one process keeps it for itself: what is known of it beside its content.
//! Must not know where it is kept. The operator's records are `crate::record`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ids::VersionNumber;
use crate::time::Timestamp;

/// The longest reason and the longest name of who asked, in characters; longer ones are cut and end with `…`.
pub const MAX_WORDS: usize = 1024;

/// What a version in a process came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LocalOrigin {
    /// The files or variables that the process reads changed.
    Source,
    /// The operator pushed it.
    Push,
    /// The program set values itself.
    Update,
    /// Somebody asked for an older version.
    Rollback {
        /// The version that was active.
        from: VersionNumber,
        /// The version whose content this is.
        of: VersionNumber,
    },
}

/// Why a version comes to be, and who wants it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cause {
    /// Why, in somebody's words; at most [`MAX_WORDS`] characters are kept.
    pub reason: Option<String>,
    /// Who asked: a person, a program, a subcommand; at most [`MAX_WORDS`] characters are kept.
    pub asked_by: Option<String>,
}

impl Cause {
    /// A cause that names its reason only.
    #[must_use]
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), asked_by: None }
    }

    /// The same cause, with who asked.
    #[must_use]
    pub fn asked_by(self, who: impl Into<String>) -> Self {
        Self { asked_by: Some(who.into()), ..self }
    }

    /// The same cause within [`MAX_WORDS`].
    #[must_use]
    pub fn bounded(self) -> Self {
        Self { reason: self.reason.map(bounded), asked_by: self.asked_by.map(bounded) }
    }
}

fn bounded(text: String) -> String {
    match text.char_indices().nth(MAX_WORDS) {
        None => text,
        Some(_) => text.chars().take(MAX_WORDS - 1).chain(['…']).collect(),
    }
}

/// What is known of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalVersion {
    /// The number, given once.
    pub number: VersionNumber,
    /// What identifies the content.
    pub digest: Digest,
    /// The version that was active before.
    pub parent: Option<VersionNumber>,
    /// When it was recorded, by the clock of that time.
    pub created: Timestamp,
    /// What it came from.
    pub origin: LocalOrigin,
    /// Why, and who asked.
    pub cause: Cause,
    /// What was rolled back from and is not taken from its source again, with the version that it was.
    pub set_aside: BTreeMap<Digest, VersionNumber>,
    /// What the source held when the version was recorded, if that was known.
    pub source: Option<Digest>,
}
