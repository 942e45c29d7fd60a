//! A directory of versions after everything that can happen to it: cuts, changed bytes, full disks, other processes.
//! What has a process or a mount of its own is in `processes`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use bytes::Bytes;
use rekindle_core::digest::Digest;
use rekindle_core::document::{DocumentName, Documents};
use rekindle_core::time::Timestamp;
use rekindle_core::version::local::{Cause, LocalOrigin, LocalVersion};
use tempfile::TempDir;

use super::*;

mod processes;

pub(super) fn documents(text: &str) -> Documents {
    let name = DocumentName::parse("app.yaml").unwrap();
    Documents::from_ordered(vec![(name, Bytes::from(text.to_owned()))]).unwrap()
}

pub(super) fn stored(number: u64, text: &str) -> Stored {
    let documents = documents(text);
    let version = LocalVersion {
        number: VersionNumber(number),
        digest: Digest::of(&documents),
        parent: None,
        created: Timestamp(1),
        origin: LocalOrigin::Source,
        cause: Cause::default(),
        set_aside: BTreeMap::new(),
        source: None,
    };
    Stored { version, documents }
}

pub(super) fn open(folder: &Path) -> Opened {
    Disk::open(Settings::new(folder)).unwrap()
}

fn folder_of(count: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let disk = open(folder.path()).disk;
    for number in 1..=count {
        disk.save(&stored(number, &format!("size: {number}\nhost: host-{number}.example.net\n"))).unwrap();
    }
    folder
}

fn numbers(opened: &Opened) -> Vec<u64> {
    opened.versions.keys().map(|number| number.0).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_saved_is_there_after_a_restart_in_every_layout() {
    let folder = tempfile::tempdir().unwrap();
    let layouts = [Container::Json, Container::Yaml].map(|container| {
        [Compression::None, Compression::Zstd, Compression::Gzip].map(|compression| (container, compression))
    });
    for (number, (container, compression)) in (1..).zip(layouts.concat()) {
        let settings = Settings { container, compression, ..Settings::new(folder.path()) };
        let disk = Disk::open(settings).unwrap().disk;
        let size = disk.save(&stored(number, "a: 1\n")).unwrap();
        assert_eq!(size, fs::metadata(folder.path().join(names::version(VersionNumber(number)))).unwrap().len());
    }
    let opened = open(folder.path());
    assert_eq!(numbers(&opened), [1, 2, 3, 4, 5, 6]);
    assert_eq!(opened.versions.get(&VersionNumber(6)).unwrap().0, stored(6, "a: 1\n"));
    assert!(opened.incidents.is_empty(), "{:?}", opened.incidents);
}

#[test]
fn everything_is_closed_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("deep/versions");
    let disk = open(&directory).disk;
    disk.save(&stored(1, "password: x\n")).unwrap();
    disk.pin(VersionNumber(1), true).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for name in names(&directory) {
        assert_eq!(mode(&directory.join(&name)), 0o600, "{name}");
    }
    assert_eq!(mode(&directory), 0o700);
    drop(disk);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(open(&directory).incidents.is_empty());
    assert_eq!(mode(&directory), 0o700, "closed again");
}

#[test]
fn pins_last_and_go_with_their_versions() {
    let folder = folder_of(3);
    let opened = open(folder.path());
    opened.disk.pin(VersionNumber(1), true).unwrap();
    opened.disk.pin(VersionNumber(2), true).unwrap();
    opened.disk.pin(VersionNumber(2), false).unwrap();
    drop(opened);
    let opened = open(folder.path());
    assert_eq!(opened.pinned, BTreeSet::from([VersionNumber(1)]));
    opened.disk.remove(VersionNumber(1)).unwrap();
    opened.disk.remove(VersionNumber(1)).unwrap();
    drop(opened);
    let opened = open(folder.path());
    assert!(opened.pinned.is_empty());
    assert_eq!(numbers(&opened), [2, 3]);
}

#[test]
fn every_cut_of_every_file_leads_to_the_newest_whole_version() {
    let folder = folder_of(3);
    for number in 1..=3 {
        let file = folder.path().join(names::version(VersionNumber(number)));
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            let opened = open(folder.path());
            let intact: Vec<_> = (1..=3).filter(|other| *other != number).collect();
            assert_eq!(numbers(&opened), intact, "version {number} cut to {length} bytes");
            assert_eq!(opened.highest, Some(VersionNumber(3)), "its number is not given again");
            let [Incident::Damaged { file: told, kept_as: Some(kept), .. }] = opened.incidents.as_slice() else {
                panic!("{:?}", opened.incidents)
            };
            assert_eq!((told, fs::read(kept).unwrap().len()), (&file, length));
            drop(opened);
            fs::remove_dir_all(folder.path().join(names::DAMAGED)).unwrap();
        }
        fs::write(&file, whole).unwrap();
    }
}

/// Random numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 1).unwrap() % sides.max(1)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    /// Damages bytes in one of the ways in which disks, crashes and people do.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let from = self.roll(bytes.len());
        let to = (from + 1 + self.roll(40)).min(bytes.len());
        match self.roll(7) {
            0 => bytes[from] ^= 1 << self.roll(8),
            1 => bytes[from..to].fill(0),
            2 => bytes[from..].fill(0),
            3 => bytes[from..to].fill_with(|| self.byte()),
            4 => bytes.truncate(from),
            5 => drop(bytes.drain(from..to)),
            _ => bytes.extend((0..=self.roll(20)).map(|_| self.byte()).collect::<Vec<_>>()),
        }
    }
}

#[test]
fn a_thousand_corruptions_lead_to_the_newest_whole_version() {
    let folder = folder_of(4);
    let file = |number: u64| folder.path().join(names::version(VersionNumber(number)));
    let whole: Vec<Vec<u8>> = (1..=4).map(|number| fs::read(file(number)).unwrap()).collect();
    let mut dice = Dice(2026);
    for round in 0..1000 {
        let mut expected = BTreeMap::new();
        for (number, whole) in (1..=4).zip(&whole) {
            let mut bytes = whole.clone();
            // The newest more often than the others, and sometimes more than one.
            for _ in 0..dice.roll(if number == 4 { 4 } else { 2 }) {
                if !bytes.is_empty() {
                    dice.damage(&mut bytes);
                }
            }
            fs::write(file(number), &bytes).unwrap();
            expected.insert(number, bytes);
        }
        let opened = open(folder.path());
        let intact: Vec<u64> = expected
            .iter()
            .zip(&whole)
            .filter(|((_, bytes), whole)| bytes == whole)
            .map(|((number, _), _)| *number)
            .collect();
        assert_eq!(numbers(&opened), intact, "round {round}");
        for (number, (read, _)) in &opened.versions {
            assert_eq!(*read, stored(number.0, &format!("size: {number}\nhost: host-{number}.example.net\n")));
        }
        let aside: BTreeMap<PathBuf, PathBuf> = opened
            .incidents
            .iter()
            .map(|incident| match incident {
                Incident::Damaged { file, kept_as: Some(kept), .. } => (file.clone(), kept.clone()),
                other => panic!("round {round}: {other:?}"),
            })
            .collect();
        assert_eq!(aside.len(), 4 - intact.len(), "round {round}: each damaged file is told of");
        for (number, bytes) in expected.iter().filter(|(number, _)| !intact.contains(number)) {
            assert_eq!(&fs::read(&aside[&file(*number)]).unwrap(), bytes, "round {round}: kept as it was found");
        }
        drop(opened);
        if round % 2 == 0 {
            fs::remove_dir_all(folder.path().join(names::DAMAGED)).ok();
        }
    }
    assert!(names(&folder.path().join(names::DAMAGED)).len() <= MAX_DAMAGED);
}

#[test]
fn what_a_crash_left_half_written_is_removed_and_harms_nothing() {
    let folder = folder_of(2);
    let whole = fs::read(folder.path().join(names::version(VersionNumber(2)))).unwrap();
    for length in 0..=whole.len() {
        fs::write(folder.path().join(names::temporary(VersionNumber(3))), &whole[..length]).unwrap();
        let opened = open(folder.path());
        assert_eq!(numbers(&opened), [1, 2]);
        assert!(matches!(opened.incidents.as_slice(), [Incident::Unfinished { .. }]));
        assert_eq!(names(folder.path()).len(), 3, "two versions and the lock");
    }
}

#[test]
fn numbers_go_on_above_what_was_damaged_even_when_only_that_is_left() {
    let folder = folder_of(1);
    fs::write(folder.path().join(names::version(VersionNumber(9))), "x").unwrap();
    drop(open(folder.path()));
    fs::remove_file(folder.path().join(names::version(VersionNumber(1)))).unwrap();
    let opened = open(folder.path());
    assert!(opened.versions.is_empty() && opened.incidents.is_empty());
    assert_eq!(opened.highest, Some(VersionNumber(9)));
}

#[test]
fn a_file_under_another_number_is_not_believed() {
    let folder = folder_of(2);
    let file = |number| folder.path().join(names::version(VersionNumber(number)));
    fs::rename(file(1), file(7)).unwrap();
    let opened = open(folder.path());
    assert_eq!(numbers(&opened), [2]);
    assert!(matches!(opened.incidents.as_slice(), [Incident::Misnamed { found: 1, kept_as: Some(_), .. }]));
}

#[test]
fn what_is_of_a_later_release_stays_where_it_is() {
    let folder = folder_of(1);
    let later = folder.path().join(names::version(VersionNumber(5)));
    fs::write(&later, "rekindle-version 2 cbor none 0 blake3:00\n").unwrap();
    let opened = open(folder.path());
    assert_eq!((numbers(&opened), opened.highest), (vec![1], Some(VersionNumber(5))));
    assert!(matches!(opened.incidents.as_slice(), [Incident::Newer { .. }]));
    assert!(later.exists());
}

#[test]
fn what_is_no_file_is_told_of_and_nobody_waits_for_it() {
    let folder = folder_of(1);
    let place = |number| folder.path().join(names::version(VersionNumber(number)));
    fs::create_dir(place(2)).unwrap();
    symlink("nowhere", place(3)).unwrap();
    symlink(place(1), place(4)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place(5)).status().unwrap();
    assert!(made.success());
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let opened = open(folder.path());
    assert_eq!(numbers(&opened), [1]);
    let unreadable = opened.incidents.iter().filter(|it| matches!(it, Incident::Unreadable { .. })).count();
    assert_eq!((unreadable, opened.incidents.len()), (4, 4));
    assert!(folder.path().join("notes.txt").exists());
}

#[test]
fn a_directory_that_is_a_file_is_a_clear_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Disk::open(Settings::new(file.path())).unwrap_err();
    assert!(matches!(error, DiskError::Io { step: Step::MakeDirectory, .. }), "{error:?}");
    assert!(error.to_string().starts_with("making the directory /"), "{error}");
}

#[test]
fn a_directory_that_goes_away_is_an_error_and_no_panic() {
    let folder = folder_of(1);
    let disk = open(folder.path()).disk;
    fs::remove_dir_all(folder.path()).unwrap();
    let error = disk.save(&stored(2, "a: 1\n")).unwrap_err();
    assert!(matches!(error, DiskError::Io { step: Step::Create, .. }), "{error:?}");
    disk.remove(VersionNumber(1)).unwrap();
}

#[test]
fn what_the_system_says_becomes_the_error_that_helps() {
    use std::io::{Error, ErrorKind};
    let error = |kind: ErrorKind| DiskError::io(Step::Write, Path::new("a"), Error::from(kind)).to_string();
    assert_eq!(error(ErrorKind::StorageFull), "writing a: no space is left");
    assert_eq!(error(ErrorKind::QuotaExceeded), "writing a: no space is left");
    assert_eq!(error(ErrorKind::PermissionDenied), "writing a: it is not allowed");
    assert_eq!(error(ErrorKind::ReadOnlyFilesystem), "writing a: it is not allowed");
    assert_eq!(error(ErrorKind::BrokenPipe), "writing a");
}
