//! The lock that keeps two processes apart. The system releases it with the process, however that ends.
//! Must not know what it protects.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Why a lock is not ours.
#[derive(Debug)]
pub(super) enum NotTaken {
    /// Another has it; its process id, if it could be read.
    Held(Option<u32>),
    /// The file cannot be opened or locked.
    Io(io::Error),
}

impl Lock {
    /// Takes the lock, or says who has it; never waits.
    pub(super) fn take(path: &Path) -> Result<Self, NotTaken> {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = opened.map_err(NotTaken::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(NotTaken::Held(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(NotTaken::Io(error)),
        }
        // For people only: that the id cannot be written, on a full disk, makes the lock no weaker.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Or the next one who finds it held could read the id of one who is gone.
        let _ = self.file.set_len(0).and_then(|()| self.file.rewind());
        // Closing is not enough: a child process that is just being started has the file open as well.
        let _ = self.file.unlock();
    }
}

fn holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.take(20).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
