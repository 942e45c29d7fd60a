//! Two processes at one directory, a process that is killed while it writes, a disk that is full or only for reading.
//! Each starts this program again, for one test alone; the child does what the variable `REKINDLE_CHILD` says.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use rekindle_core::version::retention::Limits;

use super::*;
use crate::versions::{Cause, LocalOrigin, Versions};

const CHILD: &str = "REKINDLE_CHILD";
/// What the shell ends with if it may not mount.
const NO_MOUNT: i32 = 77;
const DIRECTORY: &str = "REKINDLE_CHILD_DIRECTORY";

/// The directory to work in, if this is the child that is to do this.
fn child(what: &str) -> Option<PathBuf> {
    let asked = env::var(CHILD).is_ok_and(|asked| asked == what);
    asked.then(|| PathBuf::from(env::var(DIRECTORY).unwrap()))
}

fn again(mut command: Command, test: &str, what: &str, directory: &Path) -> Command {
    command.args(["--exact", &format!("disk::tests::processes::{test}"), "--nocapture"]);
    command.env(CHILD, what).env(DIRECTORY, directory);
    command
}

fn start(test: &str, what: &str, directory: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = again(Command::new(env::current_exe().unwrap()), test, what, directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn wait_for(output: &mut impl BufRead, wanted: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended without {wanted:?}");
        if let Some(at) = line.find(wanted) {
            return line[at..].trim_end().to_owned();
        }
    }
}

#[test]
fn a_second_process_is_told_who_holds_the_directory() {
    if let Some(directory) = child("hold") {
        let _held = open(&directory);
        println!("held");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let folder = folder_of(1);
    let (mut holder, mut output) = start("a_second_process_is_told_who_holds_the_directory", "hold", folder.path());
    wait_for(&mut output, "held");
    let error = Disk::open(Settings::new(folder.path())).unwrap_err();
    assert!(matches!(error, DiskError::Held { holder: Some(id), .. } if id == holder.id()), "{error:?}");
    assert!(error.to_string().ends_with(&format!("is in use by process {}", holder.id())), "{error}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(numbers(&open(folder.path())), [1], "the lock went with the process");
}

#[test]
fn a_process_that_is_killed_while_it_writes_loses_nothing_that_it_was_told_is_kept() {
    if let Some(directory) = child("write") {
        let opened = open(&directory);
        let next = opened.highest.map_or(1, |highest| highest.0 + 1);
        for number in next.. {
            opened.disk.save(&stored(number, &format!("size: {number}\n"))).unwrap();
            opened.disk.remove(VersionNumber(number.saturating_sub(5))).unwrap();
            println!("kept {number}");
            std::io::stdout().flush().unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "a_process_that_is_killed_while_it_writes_loses_nothing_that_it_was_told_is_kept";
    for round in 1..=10 {
        let (mut writer, mut output) = start(test, "write", folder.path());
        let mut told = 0;
        for _ in 0..round {
            told = wait_for(&mut output, "kept ").trim_start_matches("kept ").parse::<u64>().unwrap();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let opened = open(folder.path());
        let newest = opened.versions.keys().next_back().unwrap().0;
        assert!(newest >= told, "{newest} is older than {told}");
        let whole = opened.incidents.iter().all(|incident| matches!(incident, Incident::Unfinished { .. }));
        assert!(whole, "{:?}", opened.incidents);
    }
}

/// Runs a test again with a small file system of its own at a directory. Says why, if that cannot be had.
fn on_small_disk(test: &str, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut unshare = Command::new("unshare");
    let script = format!("mount -t tmpfs -o size=128k,mode=700 tmpfs \"$1\" || exit {NO_MOUNT}; shift; exec \"$@\"");
    unshare.args(["--mount", "--map-root-user", "sh", "-c", &script, "sh"]);
    unshare.arg(folder.path()).arg(env::current_exe().unwrap());
    let output = match again(unshare, test, what, folder.path()).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: unshare cannot be started: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if !text.contains("running 1 test") && (text.contains("unshare:") || output.status.code() == Some(NO_MOUNT)) {
        return println!("skipped: no file system of one's own can be had here: {text}");
    }
    assert!(output.status.success() && text.contains("the child did it"), "{text}");
}

/// Bytes that no compressor makes smaller.
fn noise(size: usize) -> String {
    let mut dice = Dice(7);
    (0..size).map(|_| char::from(b'!' + dice.byte() % 90)).collect()
}

fn record(versions: &Versions, text: &str) -> Result<(), DiskError> {
    versions.record(&documents(text), LocalOrigin::Source, Cause::default()).unwrap().disk
}

#[test]
fn a_full_disk_is_a_clear_error_and_the_last_good_version_stays() {
    let Some(directory) = child("fill") else {
        return on_small_disk("a_full_disk_is_a_clear_error_and_the_last_good_version_stays", "fill");
    };
    let settings = || Settings::new(directory.join("versions"));
    let (versions, incidents) = Versions::on_disk(settings(), Limits::default()).unwrap();
    assert!(incidents.is_empty());
    record(&versions, "size: 1\n").unwrap();
    fs::write(directory.join("filler"), vec![0; 96 * 1024]).unwrap();
    let large = noise(60_000);
    let error = record(&versions, &large).unwrap_err();
    assert!(matches!(error, DiskError::Full { step: Step::Write, .. }), "{error:?}");
    assert!(error.to_string().ends_with("no space is left"), "{error}");
    assert_eq!(versions.active().unwrap().number, VersionNumber(2), "in memory it is there");
    assert_eq!(names(&directory.join("versions")).len(), 2, "nothing half written stays");
    assert!(matches!(versions.persist(), Err(DiskError::Full { .. })));
    drop(versions);
    let (versions, incidents) = Versions::on_disk(settings(), Limits::default()).unwrap();
    assert!(incidents.is_empty());
    assert_eq!(versions.active().unwrap().number, VersionNumber(1), "the last that was kept");
    let error = record(&versions, &large).unwrap_err();
    assert!(matches!(error, DiskError::Full { .. }));
    fs::remove_file(directory.join("filler")).unwrap();
    assert_eq!(versions.persist().unwrap(), 0, "kept as soon as there is room");
    drop(versions);
    let (versions, _) = Versions::on_disk(settings(), Limits::default()).unwrap();
    assert_eq!(versions.documents(VersionNumber(2)).unwrap().unwrap(), documents(&large));
    println!("the child did it");
}

#[test]
fn a_disk_for_reading_only_serves_what_it_has() {
    let Some(directory) = child("read") else {
        return on_small_disk("a_disk_for_reading_only_serves_what_it_has", "read");
    };
    let settings = || Settings::new(directory.join("versions"));
    let (versions, _) = Versions::on_disk(settings(), Limits::default()).unwrap();
    record(&versions, "size: 1\n").unwrap();
    record(&versions, "size: 2\n").unwrap();
    drop(versions);
    fs::write(directory.join("versions").join(names::version(VersionNumber(3))), "damaged").unwrap();
    let mount = |options: &str| {
        let status = Command::new("mount").args(["-o", options]).arg(&directory).status().unwrap();
        assert!(status.success());
    };
    mount("remount,ro");
    let (versions, incidents) = Versions::on_disk(settings(), Limits::default()).unwrap();
    assert!(
        matches!(incidents.as_slice(), [Incident::ReadOnly { .. }, Incident::Damaged { kept_as: None, .. }]),
        "{incidents:?}"
    );
    assert_eq!(versions.documents(versions.active().unwrap().number).unwrap().unwrap(), documents("size: 2\n"));
    assert!(matches!(record(&versions, "size: 3\n"), Err(DiskError::ReadOnly { .. })));
    assert!(matches!(versions.pin(VersionNumber(1), true), Err(DiskError::ReadOnly { .. })));
    assert_eq!(versions.active().unwrap().number, VersionNumber(4), "in memory it goes on");
    println!("the child did it");
}
