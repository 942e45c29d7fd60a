//! One reason for which reloads are held, in words for people and for metrics, and what changed between two looks.
//! Must not know who shows it.

use std::fmt;

use super::rate::Rate;
use crate::layers::Because;
use crate::time::Timestamp;

/// Something that holds reloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why.
    pub why: Why,
    /// When it ends by itself; none when somebody has to end it.
    pub until: Option<Timestamp>,
}

/// Why reloads are held. Reasons were written by people or by the program, and hold no values.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Hot reload is off.
    SwitchedOff(Because),
    /// The file of the emergency stop exists.
    StoppedByFile {
        /// Its first line; may be empty.
        reason: String,
    },
    /// The variable of the emergency stop is set.
    StoppedByVariable {
        /// What it says; may be empty.
        reason: String,
    },
    /// The program asked for the emergency stop.
    StoppedByCall {
        /// What it said; may be empty.
        reason: String,
    },
    /// Too many reloads in a row failed.
    Breaker {
        /// How the last of them failed.
        reason: String,
    },
    /// One reload tries whether things are well again; others wait for it.
    Trial,
    /// Too many reloads began lately.
    Rate(Rate),
}

impl Why {
    /// A word for metrics, of a closed set.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SwitchedOff(_) => "switched_off",
            Self::StoppedByFile { .. } => "stop_file",
            Self::StoppedByVariable { .. } => "stop_variable",
            Self::StoppedByCall { .. } => "stop_call",
            Self::Breaker { .. } => "breaker",
            Self::Trial => "trial",
            Self::Rate(_) => "rate",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stop = |f: &mut fmt::Formatter<'_>, by: &str, reason: &str| match reason {
            "" => write!(f, "emergency stop by {by}"),
            reason => write!(f, "emergency stop by {by}: {reason}"),
        };
        match self {
            Self::SwitchedOff(because) => write!(f, "hot reload is off: {because}"),
            Self::StoppedByFile { reason } => stop(f, "file", reason),
            Self::StoppedByVariable { reason } => stop(f, "variable", reason),
            Self::StoppedByCall { reason } => stop(f, "call", reason),
            Self::Breaker { reason } => write!(f, "the breaker is open after failed reloads, the last: {reason}"),
            Self::Trial => f.write_str("the breaker is half open and one reload is being tried"),
            Self::Rate(Rate { reloads, per }) => write!(f, "{reloads} reloads within {per:?} are the limit"),
        }
    }
}

/// What is to be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// From now on this holds.
    Began(Hold),
    /// This holds no longer.
    Ended(Why),
}

/// What changed from one look to the next. A hold whose time was put off has not begun again.
#[must_use]
pub fn events(before: &[Hold], after: &[Hold]) -> Vec<Event> {
    let among = |holds: &[Hold], why: &Why| holds.iter().any(|hold| hold.why == *why);
    let ended = before.iter().filter(|hold| !among(after, &hold.why)).map(|hold| Event::Ended(hold.why.clone()));
    let began = after.iter().filter(|hold| !among(before, &hold.why)).map(|hold| Event::Began(hold.clone()));
    ended.chain(began).collect()
}
