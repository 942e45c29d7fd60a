//! The fence at a receiver: per receiver, epoch and version never fall, so a late push of a deposed leader is harmless.
//! Must not know how a version is applied; a version that the application refused was never run and does not count.

use crate::ids::Epoch;
use crate::target::Running;

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

/// Compares a push with what runs.
///
/// The epoch of `running` is the highest that the receiver has seen, be it with a push that the application refused.
/// A lower epoch is stale whatever the version; a lower version is stale whatever the epoch.
#[must_use]
pub fn judge(running: Option<(Epoch, Running)>, incoming: (Epoch, Running)) -> Judgment {
    let Some((seen, running)) = running else {
        return Judgment::Apply;
    };
    let (epoch, incoming) = incoming;
    if epoch < seen || incoming.version < running.version {
        return Judgment::Stale;
    }
    if incoming.version > running.version {
        return Judgment::Apply;
    }
    if incoming.digest == running.digest { Judgment::AlreadyRunning } else { Judgment::Stale }
}
