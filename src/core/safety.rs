//! Whether a program may reload its configuration now, and if not, everything that holds it, and why.
//! Must not know what a reload does; time, files and variables are arguments.
//!
//! # What holds a reload
//! | hold | begins | ends |
//! |---|---|---|
//! | switched off | hot reload is off: by setting, or in production where nobody allowed it | with the process |
//! | emergency stop | a file appears, a variable is set, or the program says so | when that is taken back |
//! | breaker | so many reloads in a row failed | after a time that doubles with each trip; then one is tried |
//! | rate limit | so many reloads began within a span | when the oldest of them is that old |
//!
//! A rollback is how harm is undone, so only a switch that is off holds it. What holds is told whole, not only the
//! first hold found.
//!
//! # Assumptions
//! Time comes from a clock that does not jump, such as the milliseconds since the process began.
//!
//! ```
//! use rekindle_core::safety::{Ended, Intent, Rules, Safety, Signals};
//! use rekindle_core::time::Timestamp;
//!
//! let mut safety = Safety::new(Rules::default());
//! for second in 0..3 {
//!     let now = Timestamp(second * 1000);
//!     let begun = safety.begin(&Signals::default(), Intent::Reload, now).unwrap();
//!     safety.end(begun, Ended::Failed("the pool refused it".to_owned()), now);
//! }
//! let holds = safety.begin(&Signals::default(), Intent::Reload, Timestamp(3000)).unwrap_err();
//! assert_eq!(holds[0].why.code(), "breaker");
//! assert_eq!(holds[0].until, Some(Timestamp(32_000)));
//! ```

use crate::time::Timestamp;

mod fuse;
mod hold;
mod rate;
mod signals;

#[cfg(test)]
mod tests;

pub use fuse::FuseRules;
pub use hold::{Event, Hold, Why, events};
pub use rate::Rate;
pub use signals::{MAX_REASON, Sign, Signals};

use fuse::Fuse;
use rate::Recent;

/// When reloads are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// When the breaker opens.
    pub breaker: FuseRules,
    /// How many reloads there may be.
    pub rate: Rate,
}

/// What is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// To run what the sources hold.
    Reload,
    /// To return to what ran before.
    Rollback,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It runs.
    Applied,
    /// It was valid and yet did not come to run, or hurt; why, in one line without values. A source that cannot be
    /// parsed or violates its schema is no such failure: it harmed nothing, and its correction must not wait.
    Failed(String),
    /// Nothing was to be done, or it was given up.
    Nothing,
}

/// A reload that may go on. It is to be handed back when it has ended.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "hand it back with how it ended"]
pub struct Begun {
    intent: Intent,
    trial: bool,
}

/// Decides whether reloads may go on, from the rules and from how earlier ones ended.
#[derive(Debug, Clone)]
pub struct Safety {
    rules: Rules,
    fuse: Fuse,
    recent: Recent,
}

impl Safety {
    /// Nothing holds by itself yet.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, fuse: Fuse::default(), recent: Recent::default() }
    }

    /// Everything that holds at this time; nothing when it may go on. In the order of the module's table.
    #[must_use]
    pub fn holds(&self, signals: &Signals, intent: Intent, now: Timestamp) -> Vec<Hold> {
        let mut holds: Vec<Hold> = signals.switched_off().into_iter().collect();
        if intent == Intent::Reload {
            holds.extend(signals.stops());
            holds.extend(self.fuse.hold(now));
            holds.extend(self.recent.hold(self.rules.rate, now));
        }
        holds
    }

    /// Lets it go on and counts it.
    ///
    /// # Errors
    /// Everything that holds it; then nothing is counted.
    pub fn begin(&mut self, signals: &Signals, intent: Intent, now: Timestamp) -> Result<Begun, Vec<Hold>> {
        let holds = self.holds(signals, intent, now);
        if !holds.is_empty() {
            return Err(holds);
        }
        let reload = intent == Intent::Reload;
        if reload {
            self.recent.note(self.rules.rate, now);
        }
        Ok(Begun { intent, trial: reload && self.fuse.begin(now) })
    }

    /// Notes how it ended. A rollback tells nothing of what comes next: it changes neither breaker nor rate.
    pub fn end(&mut self, begun: Begun, ended: Ended, now: Timestamp) {
        if begun.intent == Intent::Reload {
            self.fuse.end(self.rules.breaker, begun.trial, ended, now);
        }
    }

    /// Closes the breaker by hand.
    pub fn close_breaker(&mut self) {
        self.fuse = Fuse::default();
    }
}
