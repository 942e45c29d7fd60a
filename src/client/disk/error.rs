//! What can go wrong on the disk: errors, which stop what was asked for, and incidents, which are told of.
//! Must not hold anything from a version.

use std::io;
use std::path::{Path, PathBuf};

use rekindle_core::version::stored::{DecodeError, EncodeError};

use super::files::{Step, is_denied, is_full};

/// Why something could not be done on the disk. What was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process keeps its versions there.
    #[error(
        "the directory {} is in use by {}",
        directory.display(),
        holder.map_or("another process".to_owned(), |id| format!("process {id}"))
    )]
    Held {
        /// The directory.
        directory: PathBuf,
        /// The process's id as it sees it itself, which in another container is another number.
        holder: Option<u32>,
    },
    /// Nothing could be written there when it was opened.
    #[error("the directory {} was opened for reading only: nothing could be written in it", directory.display())]
    ReadOnly {
        /// The directory.
        directory: PathBuf,
    },
    /// The disk, or what the user may have of it, is full.
    #[error("{step} {}: no space is left", path.display())]
    Full {
        /// What was being done.
        step: Step,
        /// With what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The permissions, or a file system that is mounted for reading only, do not allow it.
    #[error("{step} {}: it is not allowed", path.display())]
    Denied {
        /// What was being done.
        step: Step,
        /// With what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Anything else that the system refuses.
    #[error("{step} {}", path.display())]
    Io {
        /// What was being done.
        step: Step,
        /// With what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The version cannot be written down.
    #[error("writing a version down")]
    Encode(#[from] EncodeError),
}

impl DiskError {
    pub(super) fn io(step: Step, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_full(&source) {
            Self::Full { step, path, source }
        } else if is_denied(&source) {
            Self::Denied { step, path, source }
        } else {
            Self::Io { step, path, source }
        }
    }
}

/// Something that was not as it should be when a directory was opened. The versions that are whole are in use.
#[derive(Debug, thiserror::Error)]
pub enum Incident {
    /// A file is no whole version.
    #[error("{} is damaged and {}", file.display(), kept(.kept_as))]
    Damaged {
        /// Where it was.
        file: PathBuf,
        /// Where it is now; none if it could not be moved, so that it is still where it was.
        kept_as: Option<PathBuf>,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A file holds another version than its name says.
    #[error("{} holds version {found} and {}", file.display(), kept(.kept_as))]
    Misnamed {
        /// Where it was.
        file: PathBuf,
        /// Where it is now; none if it could not be moved.
        kept_as: Option<PathBuf>,
        /// The number in it.
        found: u64,
    },
    /// A file is of a later release; it stays, and its number is not given again.
    #[error("{} is not used", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// What it says of itself.
        source: DecodeError,
    },
    /// A file cannot be read, or something is not a file; it stays.
    #[error("{} cannot be read", file.display())]
    Unreadable {
        /// What it is.
        file: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A version was being written when the process ended; it is removed.
    #[error("{} was being written when the process ended, and is removed", file.display())]
    Unfinished {
        /// The file.
        file: PathBuf,
    },
    /// Nothing can be written: no version is kept from now on.
    #[error("nothing can be written in {}", directory.display())]
    ReadOnly {
        /// The directory.
        directory: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Others can read the directory, and that could not be changed. The files in it are closed to them.
    #[error("{} is open to others (mode {mode:o})", directory.display())]
    OpenToOthers {
        /// The directory.
        directory: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

fn kept(kept_as: &Option<PathBuf>) -> String {
    match kept_as {
        Some(path) => format!("is kept as {}", path.display()),
        None => "could not be moved".to_owned(),
    }
}
