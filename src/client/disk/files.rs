//! Single steps on the file system: a file is there whole or not at all, and closed to others.
//! Must not know what is in the files.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::{DiskError, Incident};

/// What was being done when an error came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Making a directory.
    MakeDirectory,
    /// Taking the lock.
    Lock,
    /// Listing a directory.
    List,
    /// Reading a file.
    Read,
    /// Making a file.
    Create,
    /// Writing into a file.
    Write,
    /// Waiting until it is on the disk.
    Sync,
    /// Putting a file in its place.
    Rename,
    /// Removing a file.
    Remove,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MakeDirectory => "making the directory",
            Self::Lock => "locking the directory",
            Self::List => "listing the directory",
            Self::Read => "reading",
            Self::Create => "creating",
            Self::Write => "writing",
            Self::Sync => "syncing",
            Self::Rename => "putting in place",
            Self::Remove => "removing",
        })
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

pub(super) fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Makes a directory, or closes one that is there to others as far as that can be done.
pub(super) fn make_directory(directory: &Path, incidents: &mut Vec<Incident>) -> Result<(), DiskError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|source| DiskError::io(Step::MakeDirectory, directory, source))?;
    let found = fs::metadata(directory).map_err(|source| DiskError::io(Step::List, directory, source))?;
    let mode = found.mode() & 0o7777;
    if mode & 0o077 != 0 && fs::set_permissions(directory, Permissions::from_mode(0o700)).is_err() {
        incidents.push(Incident::OpenToOthers { directory: directory.to_owned(), mode });
    }
    Ok(())
}

/// Reads at most `most` bytes and one, so that what is too long is seen to be so.
pub(super) fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let most = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file under a name of its own and puts it in its place.
pub(super) fn write(directory: &Path, temporary: &str, name: &str, bytes: &[u8]) -> Result<(), DiskError> {
    let (from, to) = (directory.join(temporary), directory.join(name));
    let written = write_whole(&from, bytes).and_then(|()| {
        fs::rename(&from, &to).map_err(|source| DiskError::io(Step::Rename, &to, source))?;
        sync_directory(directory)
    });
    if written.is_err() {
        // Whatever could not be written is of no use; if even this fails, the next start removes it.
        let _ = fs::remove_file(&from);
    }
    written
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    // What an earlier attempt left has no owner any more: the lock is ours.
    let _ = fs::remove_file(path);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(|source| DiskError::io(Step::Create, path, source))?;
    file.write_all(bytes).map_err(|source| DiskError::io(Step::Write, path, source))?;
    file.sync_all().map_err(|source| DiskError::io(Step::Sync, path, source))
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove(directory: &Path, name: &str) -> Result<(), DiskError> {
    let path = directory.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(source) => Err(DiskError::io(Step::Remove, &path, source)),
        Ok(()) => sync_directory(directory),
    }
}

/// Waits until what was renamed and removed in a directory is on the disk.
pub(super) fn sync_directory(directory: &Path) -> Result<(), DiskError> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| DiskError::io(Step::Sync, directory, source))
}
