//! The watch against a real file system: each test changes a directory as a kubelet or a person does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use rekindle_core::document::DocumentName;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::{Contents, Limits, Settings, read, watch};

const PATIENCE: Duration = Duration::from_secs(20);

fn files(entries: &[(&str, &str)]) -> Contents {
    let entries = entries.iter().map(|(name, content)| {
        (DocumentName::parse(*name).unwrap(), bytes::Bytes::copy_from_slice(content.as_bytes()))
    });
    Contents::Read(entries.collect())
}

struct Watched {
    root: TempDir,
    told: mpsc::Receiver<Contents>,
    _task: tokio::task::JoinHandle<()>,
}

impl Watched {
    fn start(settings: Settings, prepare: impl FnOnce(&Path)) -> Self {
        let root = TempDir::new().unwrap();
        prepare(root.path());
        let (sender, told) = mpsc::channel(16);
        let task = tokio::spawn(watch(root.path().to_owned(), "app".into(), settings, sender));
        Self { root, told, _task: task }
    }

    fn directory(&self) -> std::path::PathBuf {
        self.root.path().join("app")
    }

    /// Waits for these contents; others may be told before.
    async fn until(&mut self, wanted: &Contents) {
        let waiting = async {
            let mut last = None;
            while let Some(contents) = self.told.recv().await {
                if contents == *wanted {
                    return;
                }
                last = Some(contents);
            }
            panic!("the watch ended; last told {last:?}");
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never told {wanted:?}"));
    }
}

fn write(directory: &Path, name: &str, content: &str) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join(name), content).unwrap();
}

/// A volume as a kubelet lays it out: real files in a dated directory, a link to it, links to the files.
fn kubelet_volume(directory: &Path, dated: &str, content: &str) {
    fs::create_dir_all(directory.join(dated)).unwrap();
    fs::write(directory.join(dated).join("app.yaml"), content).unwrap();
    symlink(dated, directory.join("..data_tmp")).unwrap();
    fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
    if !directory.join("app.yaml").exists() {
        symlink("..data/app.yaml", directory.join("app.yaml")).unwrap();
    }
}

#[tokio::test]
async fn a_kubelet_swapping_its_link_three_times_is_seen_each_time() {
    let mut watched = Watched::start(Settings::default(), |root| kubelet_volume(&root.join("app"), "..one", "a: 1"));
    watched.until(&files(&[("app.yaml", "a: 1")])).await;
    for (dated, content) in [("..two", "a: 2"), ("..three", "a: 3"), ("..four", "a: 4")] {
        kubelet_volume(&watched.directory(), dated, content);
        watched.until(&files(&[("app.yaml", content)])).await;
    }
}

#[tokio::test]
async fn without_events_polling_takes_over() {
    let settings = Settings { events: false, poll_without_events: Duration::from_millis(20), ..Settings::default() };
    let mut watched = Watched::start(settings, |root| write(&root.join("app"), "a.toml", "x = 1"));
    watched.until(&files(&[("a.toml", "x = 1")])).await;
    write(&watched.directory(), "a.toml", "x = 2");
    watched.until(&files(&[("a.toml", "x = 2")])).await;
}

#[tokio::test]
async fn a_directory_that_appears_vanishes_and_returns_is_told() {
    let settings = Settings { poll_without_events: Duration::from_millis(20), ..Settings::default() };
    let settings = Settings { poll: Duration::from_millis(50), ..settings };
    let mut watched = Watched::start(settings, |_| {});
    watched.until(&Contents::Missing).await;
    write(&watched.directory(), "a.json", "{}");
    watched.until(&files(&[("a.json", "{}")])).await;
    fs::rename(watched.directory(), watched.root.path().join("old")).unwrap();
    watched.until(&Contents::Missing).await;
    write(&watched.directory(), "b.json", "[]");
    watched.until(&files(&[("b.json", "[]")])).await;
    write(&watched.directory(), "b.json", "[1]");
    watched.until(&files(&[("b.json", "[1]")])).await;
}

#[tokio::test]
async fn an_atomic_rename_is_one_change_and_temporary_files_are_none() {
    let mut watched = Watched::start(Settings::default(), |root| write(&root.join("app"), "a.yaml", "a: 1"));
    watched.until(&files(&[("a.yaml", "a: 1")])).await;
    let directory = watched.directory();
    write(&directory, ".a.yaml.swp", "noise");
    write(&directory, "a.yaml~", "noise");
    write(&directory, "a.yaml.tmp", "a: 2");
    fs::rename(directory.join("a.yaml.tmp"), directory.join("a.yaml")).unwrap();
    let told = tokio::time::timeout(PATIENCE, watched.told.recv()).await.unwrap();
    assert_eq!(told, Some(files(&[("a.yaml", "a: 2")])));
}

#[test]
fn what_is_no_set_of_documents_is_a_finding_and_nothing_outside_is_read() {
    let root = TempDir::new().unwrap();
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("token"), "secret").unwrap();
    let directory = root.path().join("app");
    fs::create_dir(&directory).unwrap();
    symlink(outside.path().join("token"), directory.join("token")).unwrap();
    symlink("nowhere", directory.join("dangling")).unwrap();
    symlink("loop", directory.join("loop")).unwrap();
    fs::write(directory.join("a b"), "x").unwrap();
    fs::write(directory.join("big"), "12345").unwrap();
    let limits = Limits { file: 4, files: 10 };
    let Contents::Unreadable(findings) = read(root.path(), &directory, limits) else { panic!("it was read") };
    let messages: Vec<String> = findings.iter().map(|finding| finding.message.clone()).collect();
    for part in [
        "\"token\" is a link that leads out",
        "\"dangling\" cannot be followed",
        "\"loop\"",
        "\"a b\"",
        "\"big\" has more",
    ] {
        assert!(messages.iter().any(|message| message.contains(part)), "{part} in {messages:?}");
    }
    assert!(!format!("{messages:?}").contains("secret"));
}

#[test]
fn directories_pipes_and_too_many_files_have_defined_outcomes() {
    let root = TempDir::new().unwrap();
    let directory = root.path().join("app");
    fs::create_dir_all(directory.join("below")).unwrap();
    fs::write(directory.join("a"), "1").unwrap();
    assert_eq!(read(root.path(), &directory, Limits::default()), files(&[("a", "1")]));
    fs::write(directory.join("b"), "1").unwrap();
    assert!(matches!(read(root.path(), &directory, Limits { file: 9, files: 1 }), Contents::Unreadable(_)));
    let socket = std::os::unix::net::UnixListener::bind(directory.join("pipe")).unwrap();
    assert!(matches!(read(root.path(), &directory, Limits::default()), Contents::Unreadable(_)));
    drop(socket);
    assert_eq!(read(root.path(), &root.path().join("gone"), Limits::default()), Contents::Missing);
    symlink("/", root.path().join("away")).unwrap();
    assert!(matches!(read(root.path(), &root.path().join("away"), Limits::default()), Contents::Unreadable(_)));
}
