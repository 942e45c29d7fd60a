//! The push keys: given by the application, or read from a mounted Secret and read again when it changes.
//! Must not print a key; and a key that was good is kept for as long as its file cannot be read.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rekindle_core::contract::signature::{InvalidKey, KEY_BYTES, PushKey, PushKeys};

/// How long what was read from the directory is believed.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Where the keys come from that signatures are checked with.
#[derive(Debug, Clone)]
pub struct Keys(Source);

#[derive(Debug, Clone)]
enum Source {
    Fixed(Arc<PushKeys>),
    Directory(Arc<Directory>),
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file is not there, or not readable.
    #[error("reading the push key {}; mount the Secret rekindle-push-key there", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds no key.
    #[error("reading the push key {}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: InvalidKey,
    },
}

impl Keys {
    /// Keys that stay as they are for the life of the process.
    #[must_use]
    pub fn fixed(keys: PushKeys) -> Self {
        Self(Source::Fixed(Arc::new(keys)))
    }

    /// The files `current` and, while the key is being rotated, `previous` of this directory.
    ///
    /// They are read when a push comes, at most once a second. The directory may appear later: until then pushes are
    /// answered with 503. A `previous` that is empty or no key counts as none.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self(Source::Directory(Arc::new(Directory { path: path.into(), read: Mutex::new(None) })))
    }

    /// The keys as they are now; also a way to learn at the start whether they are there.
    ///
    /// # Errors
    /// [`KeyError`] when there is no key and never was one.
    pub fn load(&self) -> Result<PushKeys, Arc<KeyError>> {
        match &self.0 {
            Source::Fixed(keys) => Ok(keys.as_ref().clone()),
            Source::Directory(directory) => directory.load(Instant::now()),
        }
    }
}

type Loaded = Result<PushKeys, Arc<KeyError>>;

#[derive(Debug)]
struct Directory {
    path: PathBuf,
    read: Mutex<Option<(Instant, Loaded)>>,
}

impl Directory {
    fn load(&self, now: Instant) -> Loaded {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match read.take() {
            Some((at, loaded)) if now.saturating_duration_since(at) < FRESH_FOR => {
                return read.insert((at, loaded)).1.clone();
            }
            Some((_, loaded)) => loaded.ok(),
            None => None,
        };
        let loaded = match (self.read_files(), before) {
            (Ok(keys), _) | (Err(_), Some(keys)) => Ok(keys),
            (Err(error), None) => Err(Arc::new(error)),
        };
        read.insert((now, loaded)).1.clone()
    }

    fn read_files(&self) -> Result<PushKeys, KeyError> {
        let current = read_key(&self.path.join("current"))?;
        let previous = read_key(&self.path.join("previous")).ok();
        Ok(PushKeys { current, previous })
    }
}

fn read_key(path: &Path) -> Result<PushKey, KeyError> {
    let most = u64::try_from(*KEY_BYTES.end()).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|source| KeyError::Read { path: path.to_owned(), source })?;
    PushKey::new(&bytes).map_err(|source| KeyError::Invalid { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::fs;

    use rekindle_core::contract::signature::{sign, verify};

    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn verifies(keys: &PushKeys, key: [u8; 32]) -> bool {
        let header = sign(&PushKey::new(&key).unwrap(), 1000, b"body");
        verify(keys, &header, b"body", 1000).is_ok()
    }

    fn directory(path: &Path) -> Directory {
        Directory { path: path.to_owned(), read: Mutex::new(None) }
    }

    #[test]
    fn a_rotated_key_is_seen_within_a_second_and_the_previous_one_still_counts() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("current"), OLD).unwrap();
        let directory = directory(folder.path());
        let start = Instant::now();
        assert!(verifies(&directory.load(start).unwrap(), OLD));

        fs::write(folder.path().join("current"), NEW).unwrap();
        fs::write(folder.path().join("previous"), OLD).unwrap();
        assert!(!verifies(&directory.load(start + FRESH_FOR / 2).unwrap(), NEW), "not read on every push");
        let keys = directory.load(start + FRESH_FOR).unwrap();
        assert!(verifies(&keys, NEW) && verifies(&keys, OLD));

        fs::write(folder.path().join("previous"), b"").unwrap();
        let keys = directory.load(start + FRESH_FOR * 2).unwrap();
        assert!(verifies(&keys, NEW) && !verifies(&keys, OLD));
    }

    #[test]
    fn a_good_key_is_kept_while_its_file_is_gone_or_broken() {
        let folder = tempfile::tempdir().unwrap();
        let current = folder.path().join("current");
        fs::write(&current, OLD).unwrap();
        let directory = directory(folder.path());
        let start = Instant::now();
        directory.load(start).unwrap();
        fs::write(&current, b"short").unwrap();
        assert!(verifies(&directory.load(start + FRESH_FOR).unwrap(), OLD));
        fs::remove_file(&current).unwrap();
        assert!(verifies(&directory.load(start + FRESH_FOR * 2).unwrap(), OLD));
    }

    #[test]
    fn a_missing_key_is_looked_for_again_and_the_error_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let directory = directory(folder.path());
        let start = Instant::now();
        let error = directory.load(start).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("current; mount the Secret rekindle-push-key"), "{error}");

        fs::write(folder.path().join("current"), [0; 1025]).unwrap();
        let error = directory.load(start + FRESH_FOR).map(|_| ()).unwrap_err();
        assert!(error.source().unwrap().to_string().contains("has 1025"), "{error:?}");

        fs::write(folder.path().join("current"), NEW).unwrap();
        assert!(verifies(&directory.load(start + FRESH_FOR * 2).unwrap(), NEW));
    }
}
