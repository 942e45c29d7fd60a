//! Watches the directories below the files root that policies name, with the watch of the client library.
//! Must not know policies; it is told which directories are wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rekindle_client::watch::{Contents, Settings, watch};
use rekindle_core::finding::{Finding, Rule};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::ports::{Files, FilesSeen, Sighting, Sink};

/// The watched directories.
pub struct Directories<S> {
    root: Option<PathBuf>,
    sink: Arc<S>,
    watched: Mutex<BTreeMap<String, Option<AbortHandle>>>,
}

impl<S: Sink> Directories<S> {
    /// Nothing is watched yet. Without a root every directory is told to be unreadable.
    #[must_use]
    pub fn new(root: Option<PathBuf>, sink: Arc<S>) -> Self {
        Self { root, sink, watched: Mutex::default() }
    }

    fn start(&self, path: String) -> Option<AbortHandle> {
        let Some(root) = self.root.clone() else {
            let finding = Finding::error(Rule::Unsupported, "the operator was started without a files root")
                .hint("start it with --files-root, the directory below which sources may lie");
            self.sink.saw(Sighting::Files(path, FilesSeen::Unreadable(vec![finding])));
            return None;
        };
        let sink = self.sink.clone();
        let task = tokio::spawn(async move {
            let (told, mut contents) = mpsc::channel(1);
            let watching = watch(root, PathBuf::from(&path), Settings::default(), told);
            let telling = async {
                while let Some(contents) = contents.recv().await {
                    sink.saw(Sighting::Files(path.clone(), seen(contents)));
                }
            };
            tokio::join!(watching, telling);
        });
        Some(task.abort_handle())
    }
}

fn seen(contents: Contents) -> FilesSeen {
    match contents {
        Contents::Missing => FilesSeen::Missing,
        Contents::Unreadable(findings) => FilesSeen::Unreadable(findings),
        Contents::Read(documents) => FilesSeen::Read(documents),
    }
}

impl<S: Sink> Files for Directories<S> {
    fn want(&self, directories: BTreeSet<String>) {
        // Entries are added and removed whole, so a panic elsewhere leaves nothing half done.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|path, task| {
            let kept = directories.contains(path);
            if let (false, Some(task)) = (kept, task) {
                task.abort();
            }
            kept
        });
        for path in directories {
            watched.entry(path).or_insert_with_key(|path| self.start(path.clone()));
        }
    }
}

impl<S> Drop for Directories<S> {
    fn drop(&mut self) {
        let watched = self.watched.get_mut().unwrap_or_else(PoisonError::into_inner);
        for task in watched.values().flatten() {
            task.abort();
        }
    }
}
