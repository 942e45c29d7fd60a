//! Reads a directory as a set of documents, with everything that can be wrong with it as findings.
//! Must not wait on anything but the file system, and must never leave the root that it was given.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{ErrorKind, Read as _};
#[cfg(feature = "watch")]
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bytes::Bytes;
use rekindle_core::document::DocumentName;
use rekindle_core::finding::{Finding, Rule};

mod names;

use names::is_passing;

/// How much of a directory is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest file, in bytes. Default: 4 MiB.
    pub file: u64,
    /// The most files. Default: 1000.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 4 << 20, files: 1000 }
    }
}

/// What a directory holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// It does not exist.
    Missing,
    /// It holds something that is not a set of documents, or cannot be read.
    Unreadable(Vec<Finding>),
    /// Its files.
    Read(BTreeMap<DocumentName, Bytes>),
}

/// What tells one directory from another that took its place.
#[cfg(feature = "watch")]
pub(crate) type Identity = (u64, u64);

#[cfg(feature = "watch")]
pub(crate) fn identity(directory: &Path) -> Option<Identity> {
    let metadata = fs::metadata(directory).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Reads the regular files of a directory, without those below it.
///
/// Temporary and backup files of editors are passed over. A link is followed when it ends below `root`; anything else
/// that is no regular file, a name that is not a document name, and a file beyond the limits is a finding.
#[must_use]
pub fn read(root: &Path, directory: &Path, limits: Limits) -> Contents {
    read_wanted(root, directory, limits, &|_| true)
}

/// The same for the files whose names are wanted; whatever else lies there is not looked at.
#[must_use]
pub fn read_wanted(root: &Path, directory: &Path, limits: Limits, wanted: &dyn Fn(&str) -> bool) -> Contents {
    let root = match root.canonicalize() {
        Ok(root) => root,
        Err(error) => return of_error("the files root", &error),
    };
    let directory = match directory.canonicalize() {
        Ok(directory) if directory.starts_with(&root) => directory,
        Ok(_) => return unreadable("the directory is a link that leads out of the files root"),
        Err(error) => return of_error("the directory", &error),
    };
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) => return of_error("the directory", &error),
    };
    let mut documents = BTreeMap::new();
    let mut findings = Vec::new();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return of_error("the directory", &error),
        };
        match read_entry(&root, &entry, limits, wanted) {
            Ok(Some((name, content))) => {
                documents.insert(name, content);
            }
            Ok(None) => {}
            Err(finding) => findings.push(finding),
        }
        if documents.len() > limits.files {
            let message = format!("the directory holds more than {} files", limits.files);
            return Contents::Unreadable(vec![Finding::error(Rule::TooLarge, message)]);
        }
    }
    findings.sort();
    if findings.is_empty() { Contents::Read(documents) } else { Contents::Unreadable(findings) }
}

fn unreadable(message: &str) -> Contents {
    Contents::Unreadable(vec![Finding::error(Rule::Unsupported, message)])
}

fn of_error(what: &str, error: &std::io::Error) -> Contents {
    match error.kind() {
        ErrorKind::NotFound => Contents::Missing,
        kind => unreadable(&format!("{what} cannot be read: {kind}")),
    }
}

fn read_entry(
    root: &Path,
    entry: &DirEntry,
    limits: Limits,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Option<(DocumentName, Bytes)>, Finding> {
    let shown = entry.file_name().to_string_lossy().into_owned();
    if is_passing(&shown) || !wanted(&shown) {
        return Ok(None);
    }
    let problem = |rule, message: String| Finding::error(rule, format!("the file {shown:?} {message}"));
    let path = match entry.path().canonicalize() {
        Ok(path) => path,
        // Gone since the directory was listed; a dangling link stays listed and is told.
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(entry.path()).is_err() => {
            return Ok(None);
        }
        Err(error) => return Err(problem(Rule::Unsupported, format!("cannot be followed: {}", error.kind()))),
    };
    if !path.starts_with(root) {
        return Err(problem(Rule::Unsupported, "is a link that leads out of the files root".to_owned()));
    }
    let cannot = |error: std::io::Error| problem(Rule::Unsupported, format!("cannot be read: {}", error.kind()));
    let metadata = fs::metadata(&path).map_err(cannot)?;
    if metadata.is_dir() {
        return Ok(None);
    }
    if !metadata.is_file() {
        return Err(problem(Rule::Unsupported, "is no regular file".to_owned()));
    }
    let name = DocumentName::parse(shown.clone()).map_err(|error| problem(Rule::DocumentName, error.problem.into()))?;
    let too_large = || problem(Rule::TooLarge, format!("has more than {} bytes", limits.file)).in_document(&name);
    if metadata.len() > limits.file {
        return Err(too_large());
    }
    let content = read_file(&path, &metadata, limits).map_err(|error| cannot(error).in_document(&name))?;
    if content.len() as u64 > limits.file { Err(too_large()) } else { Ok(Some((name, content.into()))) }
}

/// Opened without waiting, should a pipe have taken the file's place, and never read beyond the limit.
fn read_file(path: &Path, metadata: &Metadata, limits: Limits) -> std::io::Result<Vec<u8>> {
    /// `O_NONBLOCK` of Linux.
    const NONBLOCK: i32 = 0o4000;
    let file = File::options().read(true).custom_flags(NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut content = Vec::with_capacity(usize::try_from(metadata.len().min(limits.file)).unwrap_or_default());
    file.take(limits.file.saturating_add(1)).read_to_end(&mut content)?;
    Ok(content)
}
