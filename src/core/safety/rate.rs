//! How many reloads there may be within a span.
//! Must not know what they do.

use std::collections::VecDeque;
use std::time::Duration;

use super::hold::{Hold, Why};
use crate::time::Timestamp;

/// At most so many reloads may begin within any span of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many; at least 1 and at most 10,000, 60 by default.
    pub reloads: usize,
    /// The span; a minute by default. Zero means no limit.
    pub per: Duration,
}

impl Default for Rate {
    fn default() -> Self {
        Self { reloads: 60, per: Duration::from_secs(60) }
    }
}

impl Rate {
    fn most(self) -> usize {
        self.reloads.clamp(1, 10_000)
    }
}

/// When the latest reloads began, the oldest first; never more than the limit.
#[derive(Debug, Clone, Default)]
pub(super) struct Recent(VecDeque<Timestamp>);

impl Recent {
    pub(super) fn hold(&self, rate: Rate, now: Timestamp) -> Option<Hold> {
        let oldest = *self.0.get(self.0.len().checked_sub(rate.most())?)?;
        let until = oldest.after(rate.per);
        (now < until).then_some(Hold { why: Why::Rate(rate), until: Some(until) })
    }

    pub(super) fn note(&mut self, rate: Rate, now: Timestamp) {
        while self.0.len() >= rate.most() {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }
}
