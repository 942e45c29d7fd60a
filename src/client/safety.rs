//! Whether this process may reload now: looks at the places where an emergency stop can be asked for, and asks the core.
//! Must not know what a reload does.
//!
//! ```
//! use rekindle_client::safety::{Intent, Safeguard, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let safeguard = Safeguard::new(Settings::default(), |event| eprintln!("{event:?}"));
//! let reload = safeguard.begin(Intent::Reload).unwrap();
//! reload.applied();
//!
//! safeguard.stop("latency doubled");
//! let held = safeguard.begin(Intent::Reload).unwrap_err();
//! assert_eq!(held.to_string(), "reloads are held: emergency stop by call: latency doubled");
//! safeguard.release();
//! assert!(safeguard.status().is_empty());
//! # }
//! ```

use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rekindle_core::layers::Switch;
use rekindle_core::safety::{Begun, Ended, Safety, Signals, events};
use rekindle_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

#[cfg(test)]
mod tests;

pub use rekindle_core::breaker::Breaker;
pub use rekindle_core::safety::{Event, FuseRules, Hold, Intent, Rate, Rules, Sign, Why};

/// The variable that stops all reloads, unless the settings name another.
pub const STOP_VARIABLE: &str = "REKINDLE_STOP";
/// So much of the file is read, in bytes.
const LONGEST_FILE: u64 = 4096;

/// What holds reloads, and where to look for it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Breaker and rate.
    pub rules: Rules,
    /// What decided whether hot reload is on; none by default, which means on.
    pub switch: Option<Switch>,
    /// While this file exists, everything is held; none by default.
    pub stop_file: Option<PathBuf>,
    /// While this variable of the process says so, everything is held; [`STOP_VARIABLE`] by default.
    pub stop_variable: String,
    /// How often [`Safeguard::released`] looks whether a file has gone; 1 s by default, at least 10 ms.
    pub look_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            switch: None,
            stop_file: None,
            stop_variable: STOP_VARIABLE.to_owned(),
            look_every: Duration::from_secs(1),
        }
    }
}

/// Reloads are held; everything that holds them, and when each ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reloads are held: {}", self.reasons())]
pub struct Held {
    /// At least one.
    pub holds: Vec<Hold>,
    /// After how long it is worth trying again: all that ends by itself has ended then. None when somebody has to end
    /// it.
    pub again: Option<Duration>,
}

impl Held {
    fn of(holds: Vec<Hold>, now: Timestamp) -> Self {
        let ends: Option<Vec<Timestamp>> = holds.iter().map(|hold| hold.until).collect();
        let again = ends.and_then(|ends| ends.into_iter().max()).map(|end| end.since(now));
        Self { holds, again }
    }

    fn reasons(&self) -> String {
        self.holds.iter().map(|hold| hold.why.to_string()).collect::<Vec<_>>().join("; ")
    }
}

/// Decides for one process whether reloads may go on. Clones are the same.
#[derive(Clone)]
pub struct Safeguard(Arc<Inner>);

struct Inner {
    settings: Settings,
    start: Instant,
    state: Mutex<State>,
    changed: Notify,
    listener: Box<dyn Fn(&Event) + Send + Sync>,
}

struct State {
    safety: Safety,
    call: Sign,
    /// What the listener knows.
    told: Vec<Hold>,
}

impl Safeguard {
    /// Begins with nothing held by itself. The listener is told when something begins or ceases to hold, as soon as
    /// any call finds out; it must be quick, must not call back, and a panic of it is ignored.
    #[must_use]
    pub fn new(settings: Settings, listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let state = State { safety: Safety::new(settings.rules), call: Sign::Absent, told: Vec::new() };
        Self(Arc::new(Inner {
            settings,
            start: Instant::now(),
            state: Mutex::new(state),
            changed: Notify::new(),
            listener: Box::new(listener),
        }))
    }

    /// Lets a reload or a rollback go on. Looks at the file of the emergency stop, which is one quick look at a local
    /// disk.
    ///
    /// # Errors
    /// [`Held`], with everything that holds it.
    pub fn begin(&self, intent: Intent) -> Result<Permit, Held> {
        let signals = self.0.signals();
        let mut state = self.0.state();
        let now = self.0.now();
        let signals = Signals { call: state.call.clone(), ..signals };
        self.0.tell(&mut state, &signals, now);
        let begun = state.safety.begin(&signals, intent, now).map_err(|holds| Held::of(holds, now))?;
        // This one may have used up the rate, or be the one that tries.
        self.0.tell(&mut state, &signals, now);
        Ok(Permit { safeguard: self.clone(), begun: Some(begun) })
    }

    /// Everything that holds reloads at this moment; nothing when they may go on.
    #[must_use]
    pub fn status(&self) -> Vec<Hold> {
        let signals = self.0.signals();
        let mut state = self.0.state();
        let signals = Signals { call: state.call.clone(), ..signals };
        self.0.tell(&mut state, &signals, self.0.now())
    }

    /// Waits until nothing holds reloads any more. Somebody else may begin one first. It has no time limit: an
    /// emergency stop lasts as long as it is wanted.
    pub async fn released(&self) {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            // Before the look, so that what changes right after it is not missed.
            changed.as_mut().enable();
            let holds = self.status();
            if holds.is_empty() {
                return;
            }
            let look_every = self.0.settings.look_every.max(Duration::from_millis(10));
            let again = Held::of(holds, self.0.now()).again.unwrap_or(look_every);
            let _looked_again = timeout(again.clamp(Duration::from_millis(1), look_every), changed).await;
        }
    }

    /// The emergency stop: holds all reloads until [`Self::release`]. The reason is shown, in one line without values.
    pub fn stop(&self, reason: impl Into<String>) {
        self.set_call(Sign::Stop(reason.into()));
    }

    /// Ends the stop by call; stops by file and variable stay.
    pub fn release(&self) {
        self.set_call(Sign::Absent);
    }

    /// Closes the breaker, for whoever knows that the cause is gone.
    pub fn close_breaker(&self) {
        self.0.state().safety.close_breaker();
        self.0.changed.notify_waiters();
        let _told = self.status();
    }

    fn set_call(&self, call: Sign) {
        self.0.state().call = call;
        self.0.changed.notify_waiters();
        let _told = self.status();
    }
}

impl fmt::Debug for Safeguard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Safeguard").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        Timestamp(0).after(self.start.elapsed())
    }

    /// All but what the program itself says.
    fn signals(&self) -> Signals {
        let variable = match std::env::var(&self.settings.stop_variable) {
            Ok(text) => Sign::of_variable(Some(&text)),
            Err(std::env::VarError::NotPresent) => Sign::Absent,
            Err(std::env::VarError::NotUnicode(_)) => Sign::Unreadable,
        };
        let file = self.settings.stop_file.as_deref().map_or(Sign::Absent, look_at);
        Signals { switch: self.settings.switch, file, variable, call: Sign::Absent }
    }

    /// Tells the listener what is new, and gives what holds.
    fn tell(&self, state: &mut State, signals: &Signals, now: Timestamp) -> Vec<Hold> {
        let holds = state.safety.holds(signals, Intent::Reload, now);
        // Under the lock, so that events come in the order in which they happened.
        for event in events(&state.told, &holds) {
            let _panicked = catch_unwind(AssertUnwindSafe(|| (self.listener)(&event)));
        }
        state.told.clone_from(&holds);
        holds
    }
}

/// What stands at the place of the stop file. Only a regular file is opened: opening a pipe could wait for ever.
fn look_at(path: &Path) -> Sign {
    match std::fs::metadata(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Sign::Absent,
        Err(_) => Sign::Unreadable,
        Ok(found) if !found.is_file() => Sign::of_file(""),
        Ok(_) => {
            let mut content = Vec::new();
            let read = File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut content));
            match read {
                Ok(_) => Sign::of_file(&String::from_utf8_lossy(&content)),
                Err(error) if error.kind() == ErrorKind::NotFound => Sign::Absent,
                Err(_) => Sign::Unreadable,
            }
        }
    }
}

/// A reload that goes on. Say how it ended; one that is only dropped has done nothing.
#[must_use = "say how it ended"]
pub struct Permit {
    safeguard: Safeguard,
    begun: Option<Begun>,
}

impl Permit {
    /// It runs. This closes a breaker that was being tried.
    pub fn applied(mut self) {
        self.end(Ended::Applied);
    }

    /// It was valid and yet did not come to run, or hurt; the reason in one line without values. For a source that
    /// cannot be parsed or violates its schema, drop the permit instead: it harmed nothing.
    pub fn failed(mut self, reason: impl Into<String>) {
        self.end(Ended::Failed(reason.into()));
    }

    fn end(&mut self, ended: Ended) {
        let Some(begun) = self.begun.take() else { return };
        let inner = &self.safeguard.0;
        inner.state().safety.end(begun, ended, inner.now());
        inner.changed.notify_waiters();
        let _told = self.safeguard.status();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.end(Ended::Nothing);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("begun", &self.begun).finish_non_exhaustive()
    }
}
