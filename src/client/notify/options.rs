//! What a subscriber asks for, and what it answers.
//! Must not know how it is told.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rekindle_core::priority::Priority;
use rekindle_core::retry::Backoff;
use rekindle_core::subscribe::{Gathering, InvalidPattern, Overfull, Patterns, Persistence};

/// What a subscriber asks for. Every field has a default, so write
/// `Options { priority: Priority::High, ..Options::new("pool", "database.**")? }`.
#[derive(Debug, Clone)]
pub struct Options {
    /// What reports call it.
    pub name: Arc<str>,
    /// Which paths it is told of.
    pub patterns: Patterns,
    /// The more urgent are told, and asked, first. `Normal` by default.
    pub priority: Priority,
    /// How long one call may take, 10 s by default. A call that takes longer is dropped at its next await and counts
    /// as failed. Streams have none.
    pub timeout: Duration,
    /// How often a call that failed is repeated: three times in all by default, within 0.1 s and 0.2 s. The change is
    /// told again as it was; newer ones wait behind it. Streams and those who may veto are never asked again.
    pub persistence: Persistence,
    /// So many changes may wait while it is busy, at least 1; 16 by default.
    pub capacity: usize,
    /// What becomes of one more: it is merged with the newest that waits by default.
    pub overfull: Overfull,
    /// Whether changes are gathered and told as one; not by default. What is gathered never overfills the queue.
    pub gathering: Gathering,
}

impl Options {
    /// The defaults, for the paths of these patterns; see the table in [`rekindle_core::subscribe`].
    ///
    /// # Errors
    /// [`InvalidPattern`] when a pattern cannot be read.
    pub fn new(name: &str, patterns: &str) -> Result<Self, InvalidPattern> {
        Ok(Self::of(name, Patterns::parse(patterns)?))
    }

    /// The defaults, for these patterns.
    #[must_use]
    pub fn of(name: &str, patterns: Patterns) -> Self {
        let backoff = Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(10) };
        Self {
            name: name.into(),
            patterns,
            priority: Priority::Normal,
            timeout: Duration::from_secs(10),
            persistence: Persistence { attempts: 3, backoff },
            capacity: 16,
            overfull: Overfull::LatestWins,
            gathering: Gathering::NONE,
        }
    }
}

/// Why a subscriber could not take a change, in one line without values: people read it in logs. Cut after 512
/// characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A reason, such as `the pool cannot shrink below its open connections`.
    #[must_use]
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().chars().take(512).collect())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a subscriber may answer: nothing, or a result whose error says in one line, without values, what failed.
pub trait Outcome: Send + 'static {
    /// The same as a result.
    ///
    /// # Errors
    /// What the subscriber says that failed.
    fn outcome(self) -> Result<(), Failure>;
}

impl Outcome for () {
    fn outcome(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<E: fmt::Display + Send + 'static> Outcome for Result<(), E> {
    fn outcome(self) -> Result<(), Failure> {
        self.map_err(Failure::new)
    }
}
