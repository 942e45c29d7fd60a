//! A policy's versions as a line: which may be deleted, and which one a rollback means.
//! Must not know contents: two versions are the same configuration when their digests are equal.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::ids::VersionNumber;

/// The versions that exist, by number.
pub type History = BTreeMap<VersionNumber, Digest>;

/// The versions that pruning must not take (invariant S5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keep {
    /// The version that targets are meant to run.
    pub active: Option<VersionNumber>,
    /// The version that a revert would return to.
    pub last_good: Option<VersionNumber>,
    /// The versions on their way, and those that a rollback under way leads to.
    pub in_flight: BTreeSet<VersionNumber>,
    /// The versions that a person marked to be kept.
    pub pinned: BTreeSet<VersionNumber>,
    /// The versions that some target says it runs.
    pub reported: BTreeSet<VersionNumber>,
}

impl Keep {
    fn holds(&self, number: VersionNumber) -> bool {
        self.active == Some(number)
            || self.last_good == Some(number)
            || [&self.in_flight, &self.pinned, &self.reported].iter().any(|kept| kept.contains(&number))
    }
}

/// The versions to delete so that at most `limit` remain, oldest first.
///
/// Kept versions count towards the limit and may exceed it; then everything else goes. The highest number always
/// stays, because the next number is found from it and none may be given twice.
#[must_use]
pub fn prune(history: &History, limit: usize, keep: &Keep) -> Vec<VersionNumber> {
    let highest = history.keys().next_back().copied();
    let excess = history.len().saturating_sub(limit);
    let expendable = history.keys().copied().filter(|number| Some(*number) != highest && !keep.holds(*number));
    expendable.take(excess).collect()
}

/// What a rollback asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RollbackTo {
    /// The content of this version.
    Version(VersionNumber),
    /// So many contents back from the active one, from 1.
    Steps(u32),
    /// The content of the last-good version.
    LastGood,
}

/// Why a rollback cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RollbackError {
    /// The version does not exist, or no longer.
    #[error("there is no version {wanted}; {}", kept(.versions))]
    NoSuchVersion {
        /// Which was asked for.
        wanted: VersionNumber,
        /// Which there are.
        versions: Vec<VersionNumber>,
    },
    /// The history does not go back so far.
    #[error("the history does not go back {wanted} steps: {available} can be taken from the active version")]
    TooManySteps {
        /// How many were asked for.
        wanted: u32,
        /// How many there are.
        available: usize,
    },
    /// No version was ever proven.
    #[error("there is no last-good version yet; name a version")]
    NoLastGood,
    /// Nothing is active, so there is nothing to count from.
    #[error("no version is active, so there is nothing to go back from; name a version")]
    NothingActive,
    /// The targets are meant to run that content already.
    #[error("version {wanted} has the content of the active version {active}: there is nothing to do")]
    AlreadyActive {
        /// Which was asked for.
        wanted: VersionNumber,
        /// Which is active.
        active: VersionNumber,
    },
}

fn kept(versions: &[VersionNumber]) -> String {
    match versions {
        [] => "none is recorded yet".to_owned(),
        versions => {
            let numbers: Vec<_> = versions.iter().map(VersionNumber::to_string).collect();
            format!("these are kept: {}", numbers.join(", "))
        }
    }
}

/// What is needed to know which version a rollback means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    /// The versions that exist.
    pub history: History,
    /// The version that targets are meant to run.
    pub active: Option<VersionNumber>,
    /// The newest version that finished its bake.
    pub last_good: Option<VersionNumber>,
    /// The digests in quarantine and those set aside: steps pass over them.
    pub avoided: BTreeSet<Digest>,
}

impl Lineage {
    /// The existing version whose content a rollback takes.
    ///
    /// A version or last-good is taken as named, even when its digest is in quarantine: a person asked for it.
    /// Steps are counted by [`Lineage::back`].
    ///
    /// # Errors
    /// [`RollbackError`] says why there is none; its variants are the reasons that the request's status shows.
    pub fn resolve(&self, to: RollbackTo) -> Result<VersionNumber, RollbackError> {
        let wanted = match to {
            RollbackTo::Version(number) => number,
            RollbackTo::LastGood => self.last_good.ok_or(RollbackError::NoLastGood)?,
            RollbackTo::Steps(steps) => self.back(steps)?,
        };
        let Some(digest) = self.history.get(&wanted) else {
            let versions = self.history.keys().copied().collect();
            return Err(RollbackError::NoSuchVersion { wanted, versions });
        };
        match self.active {
            Some(active) if active == wanted || self.history.get(&active) == Some(digest) => {
                Err(RollbackError::AlreadyActive { wanted, active })
            }
            _ => Ok(wanted),
        }
    }

    /// The version that lies so many steps back from the active one.
    ///
    /// As in Helm, one step leads to the version before the active one. Unlike there, a step counts contents and not
    /// numbers: a content that already was counted, the active one among them, is passed over wherever it comes
    /// again, and so are contents that tripped or that somebody rolled back from. So a step always changes something,
    /// never leads to what is known to hurt, and asking for one step again goes one further back instead of forth.
    ///
    /// # Errors
    /// [`RollbackError::NothingActive`] and [`RollbackError::TooManySteps`].
    pub fn back(&self, steps: u32) -> Result<VersionNumber, RollbackError> {
        let active = self.active.ok_or(RollbackError::NothingActive)?;
        let Some(passed) = steps.checked_sub(1) else { return Ok(active) };
        let contents = self.contents_before(active);
        let found = usize::try_from(passed).ok().and_then(|passed| contents.get(passed));
        found.copied().ok_or(RollbackError::TooManySteps { wanted: steps, available: contents.len() })
    }

    /// The newest version of each content that a step can lead to, newest first.
    fn contents_before(&self, active: VersionNumber) -> Vec<VersionNumber> {
        let mut seen: BTreeSet<&Digest> = self.avoided.iter().collect();
        seen.extend(self.history.get(&active));
        let older = self.history.range(..active).rev();
        older.filter(|(_, digest)| seen.insert(digest)).map(|(number, _)| *number).collect()
    }
}

#[cfg(test)]
mod tests;
