//! Watches one directory of files and tells its contents whenever they differ: the only place that names notify.
//! Must not know what the files mean; every event only says that something may have changed.
//!
//! # Flow
//! The directory itself is watched, never a file in it, for a kubelet replaces the link `..data` and editors replace
//! files. An event leads to a read once the directory has been quiet for a moment, and at the latest after 100 ms. A
//! slow poll catches what events miss; where the system gives no events at all, a fast poll takes over by itself.
//!
//! # Guarantees
//! The first contents are told at once. The same contents are never told twice in a row. A directory that is missing,
//! unreadable or replaced is told as such and found again when it returns.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use crate::directory::{self, read_wanted};
pub use crate::directory::{Contents, Limits, read};

/// How a directory is watched.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// After an event, how long the directory must be quiet before it is read. Default: 5 ms.
    pub quiet: Duration,
    /// After the first event, how long a read waits at most. Default: 100 ms.
    pub patience: Duration,
    /// How often the directory is read without any event. Default: 2 s.
    pub poll: Duration,
    /// How often it is read where there are no events at all. Default: 250 ms.
    pub poll_without_events: Duration,
    /// Whether to ask the system for events. Default: true.
    pub events: bool,
    /// How much is read. Defaults in [`Limits`].
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(5),
            patience: Duration::from_millis(100),
            poll: Duration::from_secs(2),
            poll_without_events: Duration::from_millis(250),
            events: true,
            limits: Limits::default(),
        }
    }
}

/// Watches `root`/`relative` and tells its contents, for ever; drop the future to end it.
///
/// Links are followed as long as they stay below `root`. Ends by itself only when the receiver is gone.
pub async fn watch(root: PathBuf, relative: PathBuf, settings: Settings, told: mpsc::Sender<Contents>) {
    watch_wanted(root, relative, settings, Arc::new(|_: &str| true), told).await;
}

/// Which files are wanted, by name.
pub type Wanted = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// The same for the files whose names are wanted: what happens to others wakes nobody.
pub async fn watch_wanted(
    root: PathBuf,
    relative: PathBuf,
    settings: Settings,
    wanted: Wanted,
    told: mpsc::Sender<Contents>,
) {
    let directory = root.join(&relative);
    let bell = Arc::new(Notify::new());
    let mut events = Events::new(&directory, bell.clone(), wanted.clone(), settings.events);
    let mut last: Option<Contents> = None;
    loop {
        // Armed before the read, so that a change right after it rings.
        let armed = events.arm(&directory);
        let (root, directory, wanted) = (root.clone(), directory.clone(), wanted.clone());
        let reading =
            tokio::task::spawn_blocking(move || read_wanted(&root, &directory, settings.limits, &|name| wanted(name)));
        let Ok(contents) = reading.await else { return };
        if last.as_ref() != Some(&contents) {
            last = Some(contents.clone());
            if told.send(contents).await.is_err() {
                return;
            }
        }
        let poll = if armed { settings.poll } else { settings.poll_without_events };
        tokio::select! {
            () = bell.notified() => settle(&bell, settings).await,
            () = tokio::time::sleep(poll) => {}
            () = told.closed() => return,
        }
    }
}

/// Waits until no event came for a moment, but not beyond the patience.
async fn settle(bell: &Notify, settings: Settings) {
    let end = Instant::now() + settings.patience;
    loop {
        let quiet = (Instant::now() + settings.quiet).min(end);
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep_until(quiet) => return,
        }
    }
}

/// The system's events for one directory, armed anew when the directory becomes another.
struct Events {
    watcher: Option<RecommendedWatcher>,
    watched: Option<(PathBuf, Option<directory::Identity>)>,
}

impl Events {
    fn new(directory: &Path, bell: Arc<Notify>, wanted: Wanted, asked_for: bool) -> Self {
        let directory = directory.to_owned();
        // Reads ring nobody, or the watch would answer its own reads for ever.
        let ring = move |event: notify::Result<notify::Event>| match event {
            Ok(event) => match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) if touches(&event, &directory, &wanted) => {
                    bell.notify_one()
                }
                EventKind::Access(_) => {}
                _ if touches(&event, &directory, &wanted) => bell.notify_one(),
                _ => {}
            },
            Err(_) => bell.notify_one(),
        };
        let watcher = if asked_for { notify::recommended_watcher(ring).ok() } else { None };
        Self { watcher, watched: None }
    }

    /// Sees to it that the directory as it is now is watched; says whether it is.
    fn arm(&mut self, directory: &Path) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let now = directory::identity(directory);
        if let Some((path, identity)) = &self.watched {
            if *identity == now && now.is_some() {
                return true;
            }
            // What is gone is unwatched already; an error here says nothing.
            let _ = watcher.unwatch(path);
            self.watched = None;
        }
        if now.is_none() || watcher.watch(directory, RecursiveMode::NonRecursive).is_err() {
            return false;
        }
        self.watched = Some((directory.to_owned(), now));
        true
    }
}

/// Whether an event may change what is read: it is about the directory itself, the link that a kubelet swaps or a
/// file that is wanted, or it names none.
fn touches(event: &notify::Event, directory: &Path, wanted: &Wanted) -> bool {
    let named = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        path == directory || name.starts_with("..") || wanted(&name)
    };
    event.paths.is_empty() || event.need_rescan() || event.paths.iter().any(named)
}
