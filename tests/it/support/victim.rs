//! The process that a trap kills: the operator, by its id, wherever it stands at that moment.
//! Must not know why.

use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Whom to kill; nobody while no operator runs. Clones speak of the same process.
#[derive(Debug, Clone, Default)]
pub struct Victim(Arc<Mutex<Option<i32>>>);

impl Victim {
    /// From now on this process. Its parent must not wait for it before [`Victim::nobody`] or its death.
    pub fn is(&self, id: u32) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = i32::try_from(id).ok();
    }

    /// From now on nobody: the id may soon be another process's.
    pub fn nobody(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Ends it without warning, once.
    pub fn kill(&self) {
        if let Some(id) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It may have ended by itself; then there is nothing to kill.
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}
