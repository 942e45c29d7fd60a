//! The versions of one process as a line: what is recorded, what is held back, what a rollback leads to.
//! Must not know disks, clocks or how a version is applied. Contents are kept packed, so a version costs little.
//!
//! The active version is the one with the highest number, as for the operator: a rollback records a new version with
//! the older content. So nothing else needs to be kept to know what is active, and nothing can contradict it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::content::{PackError, Packed, UnpackError, pack, unpack};
use super::history::{Keep, Lineage, RollbackError, RollbackTo};
use super::local::{Cause, LocalOrigin, LocalVersion};
use super::retention::{Because, Item, Limits, expendable};
use crate::digest::Digest;
use crate::document::Documents;
use crate::ids::VersionNumber;
use crate::time::Timestamp;

/// How many rollbacks are remembered, whether or not their versions are still kept.
pub const MAX_ROLLBACKS: usize = 100;

/// A version and its content, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is known of it.
    pub version: LocalVersion,
    /// Its content.
    pub content: Packed,
    /// How many bytes it takes where it is kept; its packed content until something else is said.
    pub bytes: u64,
}

impl Entry {
    /// Packs a version.
    ///
    /// # Errors
    /// [`PackError`] when its documents are too large.
    pub fn new(version: LocalVersion, documents: &Documents) -> Result<Self, PackError> {
        let content = pack(documents)?;
        let bytes = u64::try_from(content.bytes.len()).unwrap_or(u64::MAX);
        Ok(Self { version, content, bytes })
    }

    /// The content.
    ///
    /// # Errors
    /// [`UnpackError`] if the memory was damaged: what was packed can be unpacked.
    pub fn documents(&self) -> Result<Documents, UnpackError> {
        unpack(self.content.encoding, &self.content.bytes, &self.version.digest)
    }

    /// How many bytes of memory it takes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let words = [&self.version.cause.reason, &self.version.cause.asked_by];
        let words = words.into_iter().flatten().map(String::capacity).sum::<usize>();
        let aside = self.version.set_aside.len() * size_of::<(Digest, VersionNumber)>();
        size_of::<Self>() + self.content.bytes.len() + words + aside
    }
}

/// What is to be done with what the source holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may become a version.
    New,
    /// It is the active version's content.
    Active(VersionNumber),
    /// Somebody rolled back from it, and the source did not change since.
    SetAside {
        /// The version that was left.
        version: VersionNumber,
    },
}

/// A rollback that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackDone {
    /// The version that it recorded.
    pub number: VersionNumber,
    /// The version that was left.
    pub from: VersionNumber,
    /// The version whose content was taken.
    pub of: VersionNumber,
    /// When.
    pub at: Timestamp,
    /// Why, and who asked.
    pub cause: Cause,
}

/// A rollback that is to be carried out: nothing has changed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackPlan {
    /// The version to leave.
    pub from: VersionNumber,
    /// The version whose content is taken.
    pub of: VersionNumber,
    /// That content, to be validated and applied.
    pub documents: Documents,
    /// Why, and who asked.
    pub cause: Cause,
}

/// Why a rollback cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is no such version to go back to.
    #[error("choosing the version to go back to")]
    Choose(#[from] RollbackError),
    /// Its content cannot be used.
    #[error("opening version {of}")]
    Open {
        /// Which one.
        of: VersionNumber,
        /// Why not.
        source: UnpackError,
    },
}

/// A version that was recorded, and those that it displaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new version.
    pub version: LocalVersion,
    /// What was let go, and why.
    pub pruned: BTreeMap<VersionNumber, Because>,
}

/// The versions of one process.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    limits: Limits,
    entries: BTreeMap<VersionNumber, Entry>,
    highest: Option<VersionNumber>,
    pinned: BTreeSet<VersionNumber>,
    set_aside: BTreeMap<Digest, VersionNumber>,
    /// What the source held when it was last looked at.
    seen: Option<Digest>,
    rollbacks: VecDeque<RollbackDone>,
}

impl Journal {
    /// An empty line.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// A line from what was kept. Numbers go on above `highest`, which may be of a version that is no more.
    #[must_use]
    pub fn restore(
        limits: Limits,
        entries: impl IntoIterator<Item = Entry>,
        pinned: BTreeSet<VersionNumber>,
        highest: Option<VersionNumber>,
    ) -> Self {
        let entries: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.version.number, entry)).collect();
        let mut journal = Self { limits, pinned, ..Self::default() };
        journal.highest = highest.max(entries.keys().next_back().copied());
        for entry in entries.values() {
            journal.remember(&entry.version);
        }
        journal.entries = entries;
        journal
    }

    /// The version with the highest number.
    #[must_use]
    pub fn active(&self) -> Option<&Entry> {
        self.entries.values().next_back()
    }

    /// A version.
    #[must_use]
    pub fn get(&self, number: VersionNumber) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// All versions, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> + ExactSizeIterator {
        self.entries.values()
    }

    /// The rollbacks that were carried out, oldest first, at most [`MAX_ROLLBACKS`].
    pub fn rollbacks(&self) -> impl DoubleEndedIterator<Item = &RollbackDone> + ExactSizeIterator {
        self.rollbacks.iter()
    }

    /// How many bytes of memory the versions take together.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.entries.values().map(Entry::memory).sum()
    }

    /// Says what is to be done with what the source holds, and remembers it.
    ///
    /// What was rolled back from is held back until the source changes: also when it changes to another content
    /// that was left, since somebody wrote that anew.
    pub fn admit(&mut self, held: Digest) -> Admission {
        let before = self.seen.replace(held);
        if !self.set_aside.contains_key(&held) || before.is_some_and(|before| before != held) {
            self.set_aside.clear();
        }
        match (self.active(), self.set_aside.get(&held)) {
            (Some(active), _) if active.version.digest == held => Admission::Active(active.version.number),
            (_, Some(version)) => Admission::SetAside { version: *version },
            _ => Admission::New,
        }
    }

    /// The number that the next version gets.
    #[must_use]
    pub fn next_number(&self) -> VersionNumber {
        self.highest.map_or(VersionNumber(1), VersionNumber::next)
    }

    /// The next version, with this content; nothing is changed until it is put in by [`Journal::commit`].
    ///
    /// # Errors
    /// [`PackError`] when the documents are too large.
    pub fn next(
        &self,
        documents: &Documents,
        origin: LocalOrigin,
        cause: Cause,
        now: Timestamp,
    ) -> Result<Entry, PackError> {
        let mut set_aside = BTreeMap::new();
        if let (LocalOrigin::Rollback { from, .. }, Some(active)) = (origin, self.active()) {
            set_aside.clone_from(&self.set_aside);
            set_aside.insert(active.version.digest, from);
            // What is active again is not held back.
            set_aside.remove(&Digest::of(documents));
        }
        let version = LocalVersion {
            number: self.next_number(),
            digest: Digest::of(documents),
            parent: self.active().map(|active| active.version.number),
            created: now,
            origin,
            cause: cause.bounded(),
            set_aside,
            source: self.seen,
        };
        Entry::new(version, documents)
    }

    /// Puts a version in, and lets go what the limits ask for.
    pub fn commit(&mut self, entry: Entry, now: Timestamp) -> Step {
        let version = entry.version.clone();
        self.highest = self.highest.max(Some(version.number));
        self.remember(&version);
        self.entries.insert(version.number, entry);
        Step { version, pruned: self.prune(now) }
    }

    /// Lets go what the limits ask for: what is active or pinned stays.
    pub fn prune(&mut self, now: Timestamp) -> BTreeMap<VersionNumber, Because> {
        let items = self.entries.iter().map(|(number, entry)| {
            let Entry { version, bytes, .. } = entry;
            (*number, Item { digest: version.digest, created: version.created, bytes: *bytes })
        });
        let active = self.active().map(|active| active.version.number);
        let keep = Keep { active, pinned: self.pinned.clone(), ..Keep::default() };
        let pruned = expendable(&items.collect(), &self.limits, &keep, now);
        self.entries.retain(|number, _| !pruned.contains_key(number));
        pruned
    }

    /// Keeps a version whatever the limits, or no longer. Says whether there is such a version.
    pub fn pin(&mut self, number: VersionNumber, pinned: bool) -> bool {
        if !self.entries.contains_key(&number) {
            return false;
        }
        if pinned {
            self.pinned.insert(number);
        } else {
            self.pinned.remove(&number);
        }
        true
    }

    /// Whether a version is kept whatever the limits.
    #[must_use]
    pub fn is_pinned(&self, number: VersionNumber) -> bool {
        self.pinned.contains(&number)
    }

    /// Chooses what a rollback leads to and opens it. Steps pass over what was rolled back from.
    ///
    /// # Errors
    /// [`PlanError`] says why there is nothing to go back to.
    pub fn plan(&self, to: RollbackTo, cause: Cause) -> Result<RollbackPlan, PlanError> {
        let lineage = Lineage {
            history: self.entries.values().map(|entry| (entry.version.number, entry.version.digest)).collect(),
            active: self.active().map(|active| active.version.number),
            last_good: None,
            avoided: self.set_aside.keys().copied().collect(),
        };
        let of = lineage.resolve(to)?;
        let from = lineage.active.ok_or(RollbackError::NothingActive)?;
        let versions = || lineage.history.keys().copied().collect();
        let entry = self.get(of).ok_or_else(|| RollbackError::NoSuchVersion { wanted: of, versions: versions() })?;
        let documents = entry.documents().map_err(|source| PlanError::Open { of, source })?;
        Ok(RollbackPlan { from, of, documents, cause: cause.bounded() })
    }

    fn remember(&mut self, version: &LocalVersion) {
        self.set_aside.clone_from(&version.set_aside);
        if version.source.is_some() {
            self.seen = version.source;
        }
        if let LocalOrigin::Rollback { from, of } = version.origin {
            if self.rollbacks.len() == MAX_ROLLBACKS {
                self.rollbacks.pop_front();
            }
            let cause = version.cause.clone();
            self.rollbacks.push_back(RollbackDone { number: version.number, from, of, at: version.created, cause });
        }
    }
}

#[cfg(test)]
mod tests;
