//! Versions across restarts: what is served, held back and returned to; what the clock does; what they cost.
//! Must not repeat what the core's journal is tested for.

use bytes::Bytes;
use rekindle_core::document::DocumentName;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

use super::*;

fn documents(text: &str) -> Documents {
    let name = DocumentName::parse("app.yaml").unwrap();
    Documents::from_ordered(vec![(name, Bytes::from(text.to_owned()))]).unwrap()
}

fn open(folder: &TempDir) -> Versions {
    let (versions, incidents) = Versions::on_disk(Settings::new(folder.path()), Limits::default()).unwrap();
    assert!(incidents.is_empty(), "{incidents:?}");
    versions
}

/// Takes up what the source holds, as an owner does.
fn edit(versions: &Versions, text: &str) -> Admission {
    let admission = versions.admit(Digest::of(&documents(text)));
    if admission == Admission::New {
        versions.record(&documents(text), LocalOrigin::Source, Cause::default()).unwrap().disk.unwrap();
    }
    admission
}

fn back(versions: &Versions, to: RollbackTo) -> Recorded {
    let cause = Cause::because("latency doubled").asked_by("eve");
    versions.rollback(to, cause, |_| Ok::<_, std::convert::Infallible>(())).unwrap()
}

fn text_of(versions: &Versions, number: u64) -> Documents {
    versions.documents(VersionNumber(number)).unwrap().unwrap()
}

#[test]
fn a_start_without_a_source_serves_the_last_good_version() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(open(&folder).start(Err::<Documents, _>("gone")), Err("gone"), "there is none yet");
    edit(&open(&folder), "size: 1\n");
    edit(&open(&folder), "size: 2\n");
    let versions = open(&folder);
    let Ok(Start::LastGood { version, documents: content, because }) = versions.start(Err::<Documents, _>("gone"))
    else {
        panic!("the last good version is not served")
    };
    assert_eq!(
        (version.number, content, because),
        (VersionNumber(2), documents("size: 2\n"), NotFromSource::Unreachable("gone"))
    );
    assert_eq!(versions.start(Ok::<_, ()>(documents("size: 3\n"))), Ok(Start::Source(documents("size: 3\n"))));
}

#[test]
fn a_rollback_lasts_across_restarts_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["size: 1\n", "size: 2\n"] {
        edit(&open(&folder), text);
    }
    let recorded = back(&open(&folder), RollbackTo::Steps(1));
    assert_eq!((recorded.version.number.0, recorded.disk.is_ok()), (3, true));
    let versions = open(&folder);
    assert_eq!(edit(&versions, "size: 2\n"), Admission::SetAside { version: VersionNumber(2) });
    let started = versions.start(Ok::<_, ()>(documents("size: 2\n"))).unwrap();
    assert!(matches!(
        started,
        Start::LastGood { documents: content, because: NotFromSource::SetAside, .. } if content == documents("size: 1\n")
    ));
    let done = versions.rollbacks();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].from.0, done[0].of.0, &done[0].cause.asked_by), (2, 1, &Some("eve".to_owned())));
    assert_eq!(edit(&versions, "size: 4\n"), Admission::New);
    drop(versions);
    assert_eq!(edit(&open(&folder), "size: 2\n"), Admission::New, "somebody wrote it anew");
}

#[test]
fn a_rollback_that_is_refused_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["size: 1\n", "size: 2\n"] {
        edit(&open(&folder), text);
    }
    let versions = open(&folder);
    let refused = versions.rollback(RollbackTo::Version(VersionNumber(1)), Cause::because("slow"), |plan| {
        assert_eq!((&plan.documents, &plan.cause), (&documents("size: 1\n"), &Cause::because("slow")));
        Err(std::io::Error::other("size is below the minimum"))
    });
    assert!(matches!(refused, Err(RollbackFailed::Refused { of: VersionNumber(1), .. })));
    let nowhere = versions.rollback(RollbackTo::Steps(9), Cause::default(), |_| Ok::<_, std::io::Error>(()));
    assert!(matches!(nowhere, Err(RollbackFailed::Plan(PlanError::Choose(RollbackError::TooManySteps { .. })))));
    assert_eq!(versions.active().unwrap().number, VersionNumber(2));
    assert!(versions.rollbacks().is_empty());
    assert_eq!(edit(&versions, "size: 2\n"), Admission::Active(VersionNumber(2)));
    drop(versions);
    assert_eq!(open(&folder).list().len(), 2);
}

#[test]
fn old_versions_go_from_the_disk_and_pinned_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { count: 3, ..Limits::default() };
    let (versions, _) = Versions::on_disk(Settings::new(folder.path()), limits).unwrap();
    edit(&versions, "size: 0\n");
    assert!(versions.pin(VersionNumber(1), true).unwrap());
    assert!(!versions.pin(VersionNumber(77), true).unwrap());
    for size in 1..6 {
        edit(&versions, &format!("size: {size}\n"));
    }
    drop(versions);
    let (versions, _) = Versions::on_disk(Settings::new(folder.path()), limits).unwrap();
    let kept: Vec<_> = versions.list().into_iter().map(|(version, pinned)| (version.number.0, pinned)).collect();
    assert_eq!(kept, [(1, true), (5, false), (6, false)]);
    assert_eq!(text_of(&versions, 1), documents("size: 0\n"));
    versions.pin(VersionNumber(1), false).unwrap();
    edit(&versions, "size: 6\n");
    drop(versions);
    let numbers: Vec<_> = open(&folder).list().into_iter().map(|(version, _)| version.number.0).collect();
    assert_eq!(numbers, [5, 6, 7]);
}

#[test]
fn a_clock_that_jumps_back_is_told_of_and_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { age: Some(Duration::from_secs(60)), ..Limits::default() };
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let (versions, _) = Versions::on_disk(Settings::new(folder.path()), limits).unwrap();
    let reading = Arc::clone(&clock);
    let versions = versions.with_clock(move || Timestamp(reading.load(Ordering::SeqCst)));
    let record = |text: &str| versions.record(&documents(text), LocalOrigin::Update, Cause::default()).unwrap();
    assert_eq!(record("size: 1\n").clock_back, None);
    clock.store(400_000, Ordering::SeqCst);
    let back = record("size: 2\n");
    assert_eq!(back.clock_back, Some(Duration::from_secs(600)));
    assert_eq!((back.version.number.0, back.pruned.len(), back.disk.is_ok()), (2, 0, true));
    clock.store(1_070_000, Ordering::SeqCst);
    let ahead = record("size: 3\n");
    assert_eq!(ahead.clock_back, None);
    assert_eq!(ahead.pruned.keys().map(|number| number.0).collect::<Vec<_>>(), [1, 2], "by their age");
    drop(versions);
    assert_eq!(open(&folder).active().unwrap().number, VersionNumber(3), "the number counts, not the time");
}

/// A configuration of 100 keys as they come, one of which is `changed`.
fn hundred_keys(changed: usize) -> String {
    let line = |key: usize| {
        let value = if key == 50 { changed } else { key * 7919 };
        format!(
            "service_{key}:\n  url: https://service-{key}.example.net:{}/v1/path/{value}\n  timeout: {key}s\n",
            8000 + key
        )
    };
    (0..100).map(line).collect()
}

#[test]
fn a_version_with_one_of_a_hundred_keys_changed_takes_less_than_ten_kilobytes() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { count: 100, ..Limits::default() };
    let (versions, _) = Versions::on_disk(Settings::new(folder.path()), limits).unwrap();
    for changed in 0..50 {
        edit(&versions, &hundred_keys(changed));
    }
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap());
    let largest = files.map(|file| file.len()).max().unwrap();
    let memory = versions.memory() / 50;
    println!("{} bytes of configuration: {memory} in memory and {largest} on disk a version", hundred_keys(0).len());
    assert!(largest <= 4_000 && memory <= 4_000, "{largest} on disk, {memory} in memory");
}
