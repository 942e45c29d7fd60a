//! The fence at a receiver: per receiver, epoch and version never fall, so a late push of a deposed leader is harmless.
//! Must not know how a version is applied; a version that the application refused was never run and does not count.

use crate::ids::Epoch;
use crate::target::Running;

/// What a receiver has to remember: in memory is enough, for a process that starts anew runs nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The highest epoch seen in a push with a good signature, be it that the application refused the version.
    pub epoch: Epoch,
    /// What runs.
    pub running: Option<Running>,
}

impl Default for Fence {
    fn default() -> Self {
        Self { epoch: Epoch(0), running: None }
    }
}

/// What a receiver does with a push whose signature was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgment {
    /// It is newer: hand it to the application.
    Apply,
    /// It runs already: answer as after a success, and do nothing.
    AlreadyRunning,
    /// It is older, or another content under a number that was given before: refuse it.
    Stale,
}

impl Fence {
    /// Compares a push with what runs, and remembers its epoch.
    ///
    /// A lower epoch is stale whatever the version; a lower version is stale whatever the epoch.
    pub fn judge(&mut self, epoch: Epoch, incoming: Running) -> Judgment {
        if epoch < self.epoch {
            return Judgment::Stale;
        }
        self.epoch = epoch;
        match self.running {
            None => Judgment::Apply,
            Some(running) if incoming.version > running.version => Judgment::Apply,
            Some(running) if incoming == running => Judgment::AlreadyRunning,
            Some(_) => Judgment::Stale,
        }
    }
}
