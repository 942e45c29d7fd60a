//! Versions on disk: one directory of one process, one file per version, each file whole or put aside.
//! Must not decide which versions are kept, nor how a version reads as bytes: the core does both.
//!
//! # What is in the directory
//! | name | what it is |
//! |---|---|
//! | `version-<20 digits>.rekindle` | a version; see [`rekindle_core::version::stored`] for its format |
//! | `version-<20 digits>.pin` | an empty file: the version is kept whatever the limits |
//! | `damaged/` | files that were no whole versions, at most [`MAX_DAMAGED`] |
//! | `lock` | held by the process that uses the directory, whose id is in it |
//! | `.new-…` | a version that is being written; one that is left over is removed |
//!
//! # Guarantees
//! - A version is written to a file of its own, synced, renamed into place, and the directory is synced: it is there
//!   whole or not at all, whenever the power fails.
//! - What cannot be read back exactly as it was written is not used. It is put into `damaged/` and told of.
//! - Numbers are never given twice, also when the file with the highest one was damaged.
//! - Files have mode 0600 and directories 0700, since a configuration may hold secrets.
//!
//! # Assumptions
//! The file system renames within a directory atomically and knows `flock`. Unix only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rekindle_core::ids::VersionNumber;
use rekindle_core::version::stored::{Compression, Container, Stored, encode};

mod error;
mod files;
mod lock;
mod names;
mod recovery;

pub use error::{DiskError, Incident};
pub use files::Step;
pub use recovery::MAX_DAMAGED;

use lock::Lock;

/// Where and how versions are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The directory, of this process alone. Made if it is not there, with mode 0700.
    pub directory: PathBuf,
    /// How versions are written down. Both are read. Default: JSON.
    pub container: Container,
    /// How they are compressed. All are read. Default: Zstandard.
    pub compression: Compression,
}

impl Settings {
    /// This directory, and all else as it is by default.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), container: Container::default(), compression: Compression::default() }
    }
}

/// A directory of versions, held by this process until it is dropped.
#[derive(Debug)]
pub struct Disk {
    settings: Settings,
    /// None if nothing can be written there.
    lock: Option<Lock>,
}

/// What was found when a directory was opened.
#[derive(Debug)]
pub struct Opened {
    /// The directory.
    pub disk: Disk,
    /// The whole versions, each with the size of its file in bytes.
    pub versions: BTreeMap<VersionNumber, (Stored, u64)>,
    /// The versions that are kept whatever the limits.
    pub pinned: BTreeSet<VersionNumber>,
    /// The highest number that was ever seen there, also of a damaged file.
    pub highest: Option<VersionNumber>,
    /// What was not as it should be, and what was done about it.
    pub incidents: Vec<Incident>,
}

impl Disk {
    /// Opens a directory: takes its lock, reads every version, puts aside what is damaged.
    ///
    /// Where nothing can be written, the versions are read all the same, and [`Incident::ReadOnly`] says so.
    ///
    /// # Errors
    /// [`DiskError::Held`] with the holder's process id if another process (or this one) has it open;
    /// [`DiskError::Io`] if the directory cannot be made or read.
    ///
    /// ```
    /// use rekindle_client::disk::{Disk, DiskError, Settings};
    ///
    /// let folder = tempfile::tempdir().unwrap();
    /// let opened = Disk::open(Settings::new(folder.path().join("versions"))).unwrap();
    /// assert!(opened.versions.is_empty() && opened.incidents.is_empty());
    /// let again = Disk::open(Settings::new(folder.path().join("versions"))).unwrap_err();
    /// assert!(matches!(again, DiskError::Held { holder: Some(id), .. } if id == std::process::id()));
    /// ```
    pub fn open(settings: Settings) -> Result<Opened, DiskError> {
        let directory = settings.directory.clone();
        let mut incidents = Vec::new();
        files::make_directory(&directory, &mut incidents)?;
        let lock = match Lock::take(&directory.join(names::LOCK)) {
            Ok(lock) => Some(lock),
            Err(lock::NotTaken::Held(holder)) => return Err(DiskError::Held { directory, holder }),
            Err(lock::NotTaken::Io(source)) if files::is_denied(&source) || files::is_full(&source) => {
                incidents.push(Incident::ReadOnly { directory: directory.clone(), source });
                None
            }
            Err(lock::NotTaken::Io(source)) => return Err(DiskError::io(Step::Lock, &directory, source)),
        };
        let disk = Self { settings, lock };
        recovery::recover(disk, incidents)
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.settings.directory
    }

    /// Whether nothing can be written there.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Writes a version and says how many bytes its file has. When this returns, the version survives a power failure.
    ///
    /// # Errors
    /// [`DiskError`]; the directory is then as it was before.
    pub fn save(&self, stored: &Stored) -> Result<u64, DiskError> {
        self.writable()?;
        let bytes = encode(stored, self.settings.container, self.settings.compression)?;
        let number = stored.version.number;
        let directory = self.directory();
        files::write(directory, &names::temporary(number), &names::version(number), &bytes)?;
        Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    /// Removes a version and its pin; one that is not there is no error.
    ///
    /// # Errors
    /// [`DiskError`]
    pub fn remove(&self, number: VersionNumber) -> Result<(), DiskError> {
        self.writable()?;
        // The version first: a pin without a version is harmless.
        files::remove(self.directory(), &names::version(number))?;
        files::remove(self.directory(), &names::pin(number))
    }

    /// Says for all starts to come whether a version is kept whatever the limits.
    ///
    /// # Errors
    /// [`DiskError`]
    pub fn pin(&self, number: VersionNumber, pinned: bool) -> Result<(), DiskError> {
        self.writable()?;
        let pin = names::pin(number);
        if pinned {
            files::write(self.directory(), &names::temporary(number), &pin, b"")
        } else {
            files::remove(self.directory(), &pin)
        }
    }

    fn writable(&self) -> Result<(), DiskError> {
        match self.lock {
            Some(_) => Ok(()),
            None => Err(DiskError::ReadOnly { directory: self.settings.directory.clone() }),
        }
    }
}

#[cfg(test)]
mod tests;
