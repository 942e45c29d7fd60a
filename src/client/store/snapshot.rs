//! One version of the configuration, whole and unchangeable, and how values are read from it.
//! Must not know that there are other versions.

use std::fmt;

use rekindle_core::digest::Digest;
use rekindle_core::ids::VersionNumber;
use rekindle_core::tree::{ReadError, Tree};
use serde::de::DeserializeOwned;

/// A version of the configuration: its tree, its number and its digest, which belong together.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    tree: Tree,
    version: VersionNumber,
    digest: Digest,
}

/// Number and digest, never a value.
impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} ({})", self.version, self.digest)
    }
}

impl Snapshot {
    pub(crate) fn new(tree: Tree, version: VersionNumber, digest: Digest) -> Self {
        Self { tree, version, digest }
    }

    /// The value at a path, or the whole section below it, as `T`; the empty path is the whole tree.
    ///
    /// Paths look like `database.pools[0].size`; a key with special characters is written `["a.b"]`. A text is taken
    /// where a number or a boolean is asked for, if it reads as one. A path that is missing is none to an `Option`.
    ///
    /// # Errors
    /// [`ReadError`] names the path and the type that was expected there, never a value.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ReadError> {
        self.tree.read(path)
    }

    /// The same, or `default` where nothing is set. What is set but does not fit is an error still.
    ///
    /// # Errors
    /// As for [`Self::get`], but not for what is missing.
    pub fn get_or<T: DeserializeOwned>(&self, path: &str, default: T) -> Result<T, ReadError> {
        Ok(self.tree.read::<Option<T>>(path)?.unwrap_or(default))
    }

    /// Whether there is a value at a path; null is one.
    #[must_use]
    pub fn contains(&self, path: &str) -> bool {
        matches!(self.tree.find_text(path), Ok(Some(_)))
    }

    /// The whole tree.
    #[must_use]
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The number; rises with every change in this process.
    #[must_use]
    pub fn version(&self) -> VersionNumber {
        self.version
    }

    /// What makes two configurations the same.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}
