//! The names of the files in a directory of versions.
//! Must not touch the disk.

use rekindle_core::ids::VersionNumber;

/// Held while a process uses the directory.
pub(super) const LOCK: &str = "lock";
/// Where damaged files are put.
pub(super) const DAMAGED: &str = "damaged";

const VERSION: &str = "version-";
const TEMPORARY: &str = ".new-";

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Version(VersionNumber),
    Pin(VersionNumber),
    Temporary,
    /// Ours, and nothing to read.
    Other,
    /// Not ours.
    Foreign,
}

pub(super) fn version(number: VersionNumber) -> String {
    format!("{VERSION}{:020}.rekindle", number.0)
}

pub(super) fn pin(number: VersionNumber) -> String {
    format!("{VERSION}{:020}.pin", number.0)
}

pub(super) fn temporary(number: VersionNumber) -> String {
    format!("{TEMPORARY}{:020}", number.0)
}

/// Says what a name stands for.
pub(super) fn parse(name: &str) -> Name {
    if name.starts_with(TEMPORARY) {
        return Name::Temporary;
    }
    if name == LOCK || name == DAMAGED {
        return Name::Other;
    }
    let Some((digits, extension)) = name.strip_prefix(VERSION).and_then(|rest| rest.split_once('.')) else {
        return Name::Foreign;
    };
    let number = Some(digits).filter(|digits| digits.len() == 20).and_then(|digits| digits.parse().ok());
    match (number.map(VersionNumber), extension) {
        (Some(number), "rekindle") => Name::Version(number),
        (Some(number), "pin") => Name::Pin(number),
        _ => Name::Foreign,
    }
}

/// The number of a file in `damaged/`, whose name begins as it did before.
pub(super) fn damaged(name: &str) -> Option<VersionNumber> {
    let digits = name.strip_prefix(VERSION)?.split('.').next()?;
    digits.parse().ok().map(VersionNumber)
}
