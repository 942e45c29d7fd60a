//! Reads a directory of versions as it is found, whatever happened to it.
//! Must not remove anything that could be of use: what is damaged is moved, what is not ours stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rekindle_core::ids::VersionNumber;
use rekindle_core::version::stored::{MAX_STORED, Stored, decode};

use super::files::{self, Step};
use super::names::{self, Name};
use super::{Disk, DiskError, Incident, Opened};

/// How many damaged files are kept; then the one that was put aside first goes.
pub const MAX_DAMAGED: usize = 16;

pub(super) fn recover(disk: Disk, incidents: Vec<Incident>) -> Result<Opened, DiskError> {
    let found = list(disk.directory())?;
    let mut recovery = Recovery {
        directory: disk.directory().to_owned(),
        writable: !disk.is_read_only(),
        versions: BTreeMap::new(),
        pinned: BTreeSet::new(),
        highest: None,
        incidents,
    };
    for (name, is_file) in found {
        recovery.take(&name, is_file);
    }
    recovery.highest = recovery.highest.max(recovery.highest_damaged());
    let Recovery { mut pinned, versions, highest, incidents, .. } = recovery;
    pinned.retain(|number| versions.contains_key(number));
    Ok(Opened { disk, versions, pinned, highest, incidents })
}

struct Recovery {
    directory: PathBuf,
    writable: bool,
    versions: BTreeMap<VersionNumber, (Stored, u64)>,
    pinned: BTreeSet<VersionNumber>,
    highest: Option<VersionNumber>,
    incidents: Vec<Incident>,
}

impl Recovery {
    fn take(&mut self, name: &str, is_file: bool) {
        let file = self.directory.join(name);
        match names::parse(name) {
            Name::Version(number) => {
                self.highest = self.highest.max(Some(number));
                if is_file {
                    self.read(number, file);
                } else {
                    // A pipe would keep whoever opens it waiting.
                    let source = io::Error::new(ErrorKind::InvalidInput, "it is not a regular file");
                    self.incidents.push(Incident::Unreadable { file, source });
                }
            }
            Name::Pin(number) => {
                self.pinned.insert(number);
            }
            Name::Temporary if is_file && self.writable => {
                if fs::remove_file(&file).is_ok() {
                    self.incidents.push(Incident::Unfinished { file });
                }
            }
            Name::Temporary | Name::Other | Name::Foreign => {}
        }
    }

    fn read(&mut self, number: VersionNumber, file: PathBuf) {
        let bytes = match files::read(&file, MAX_STORED) {
            Ok(bytes) => bytes,
            Err(source) => return self.incidents.push(Incident::Unreadable { file, source }),
        };
        match decode(&bytes) {
            Ok(stored) if stored.version.number == number => {
                let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.versions.insert(number, (stored, size));
            }
            Ok(stored) => {
                let kept_as = self.put_aside(&file);
                self.incidents.push(Incident::Misnamed { file, kept_as, found: stored.version.number.0 });
            }
            Err(source) if source.is_damage() => {
                let kept_as = self.put_aside(&file);
                self.incidents.push(Incident::Damaged { file, kept_as, source });
            }
            Err(source) => self.incidents.push(Incident::Newer { file, source }),
        }
    }

    /// Moves a file into `damaged/` and says where it is then.
    fn put_aside(&self, file: &Path) -> Option<PathBuf> {
        if !self.writable {
            return None;
        }
        let folder = self.directory.join(names::DAMAGED);
        files::make_directory(&folder, &mut Vec::new()).ok()?;
        let name = file.file_name()?.to_str()?;
        let free = (0..=MAX_DAMAGED).map(|count| folder.join(format!("{name}.{count}"))).find(|path| !path.exists())?;
        fs::rename(file, &free).ok()?;
        self.forget_oldest(&folder, &free);
        files::sync_directory(&folder).ok()?;
        files::sync_directory(&self.directory).ok()?;
        Some(free)
    }

    /// Numbers rise, so the first by name is the oldest. What was just put aside stays.
    fn forget_oldest(&self, folder: &Path, newest: &Path) {
        let Ok(mut kept) = list(folder) else { return };
        kept.sort();
        let excess = kept.len().saturating_sub(MAX_DAMAGED);
        let oldest = kept.iter().map(|(name, _)| folder.join(name)).filter(|path| path != newest).take(excess);
        for path in oldest {
            let _ = fs::remove_file(path);
        }
    }

    fn highest_damaged(&self) -> Option<VersionNumber> {
        let kept = list(&self.directory.join(names::DAMAGED)).unwrap_or_default();
        kept.iter().filter_map(|(name, _)| names::damaged(name)).max()
    }
}

/// The names in a directory that are text, and whether each is a regular file; links are not followed.
fn list(directory: &Path) -> Result<Vec<(String, bool)>, DiskError> {
    let failed = |source| DiskError::io(Step::List, directory, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        found.push((name, entry.file_type().is_ok_and(|kind| kind.is_file())));
    }
    // In the order of their numbers, whatever the file system's is.
    found.sort();
    Ok(found)
}
