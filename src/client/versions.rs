//! The versions of this process: recorded in memory and, if asked for, on disk; pinned, pruned and rolled back to.
//! Must not decide anything: [`rekindle_core::version::journal`] does. Here are the clock, the lock and the disk.
//!
//! # Flow
//! [`Versions::start`] once, with what the source held or why it could not be read. Then for each content that the
//! source holds [`Versions::admit`]; and when that is new, valid and in use, [`Versions::record`].
//! [`Versions::rollback`] chooses an older content, lets it be validated and put in use, and then records it anew.
//!
//! # Guarantees
//! - A number is given once and the active version has the highest, across restarts too.
//! - A failure of the disk never loses the version in memory; [`Recorded::disk`] and [`Versions::persist`] tell of it.
//! - What was rolled back from is held back until its source changes, across restarts too.
//!
//! # Assumptions
//! One owner records and rolls back, one thing at a time. Reading may be done by anybody at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rekindle_core::digest::Digest;
use rekindle_core::document::Documents;
use rekindle_core::ids::VersionNumber;
use rekindle_core::time::Timestamp;
use rekindle_core::version::content::{PackError, UnpackError};
use rekindle_core::version::journal::{Entry, Journal};
use rekindle_core::version::stored::Stored;

pub use rekindle_core::version::history::{RollbackError, RollbackTo};
pub use rekindle_core::version::journal::{Admission, PlanError, RollbackDone, RollbackPlan};
pub use rekindle_core::version::local::{Cause, LocalOrigin, LocalVersion};
pub use rekindle_core::version::retention::{Because, Limits};

use crate::disk::{Disk, DiskError, Incident, Settings};

/// The time as versions bear it.
type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The versions of this process. Share it in an `Arc`.
///
/// ```
/// use std::convert::Infallible;
/// use rekindle_client::versions::{Admission, Cause, Limits, LocalOrigin, RollbackTo, Versions};
/// use rekindle_client::{Digest, DocumentName, Documents};
///
/// let content = |text: &'static str| {
///     let name = DocumentName::parse("app.yaml").unwrap();
///     Documents::from_ordered(vec![(name, text.into())]).unwrap()
/// };
/// let versions = Versions::in_memory(Limits::default());
/// for text in ["pool: 5", "pool: 9"] {
///     assert_eq!(versions.admit(Digest::of(&content(text))), Admission::New);
///     versions.record(&content(text), LocalOrigin::Source, Cause::default()).unwrap();
/// }
/// let back = versions.rollback(RollbackTo::Steps(1), Cause::because("slow"), |plan| {
///     assert_eq!(plan.documents, content("pool: 5")); // validate it, put it in use, tell subscribers why
///     Ok::<_, Infallible>(())
/// });
/// assert_eq!(back.unwrap().version.number.0, 3);
/// // The file still says 9, and is not taken up again.
/// assert!(matches!(versions.admit(Digest::of(&content("pool: 9"))), Admission::SetAside { .. }));
/// ```
pub struct Versions {
    inner: Mutex<Inner>,
    clock: Clock,
}

struct Inner {
    journal: Journal,
    disk: Option<Disk>,
    /// Versions that are in memory only, though there is a disk.
    unsaved: BTreeSet<VersionNumber>,
}

/// A version that was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// What is known of it.
    pub version: LocalVersion,
    /// The older versions that were let go for it, and why.
    pub pruned: BTreeMap<VersionNumber, Because>,
    /// Whether the disk has it and has let go the others too; also good if there is no disk.
    pub disk: Result<(), DiskError>,
    /// By how much the clock stands before the time of the version before: it was set back. Nothing depends on it
    /// but ages, which then count from the later time.
    pub clock_back: Option<Duration>,
}

/// What a process starts with.
#[derive(Debug, PartialEq, Eq)]
pub enum Start<E> {
    /// What the source holds, which is to be validated and recorded.
    Source(Documents),
    /// The active version of the last run.
    LastGood {
        /// What is known of it.
        version: Box<LocalVersion>,
        /// Its content, which was valid and in use.
        documents: Documents,
        /// Why not what the source holds.
        because: NotFromSource<E>,
    },
}

/// Why a process does not start with what its source holds.
#[derive(Debug, PartialEq, Eq)]
pub enum NotFromSource<E> {
    /// The source could not be read.
    Unreachable(E),
    /// Somebody rolled back from it, and it did not change since.
    SetAside,
}

/// Why a rollback was not carried out. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum RollbackFailed<E> {
    /// There is nothing to go back to.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The content was refused: it is not valid today, or somebody vetoed it.
    #[error("putting version {of} in use again")]
    Refused {
        /// The version whose content it is.
        of: VersionNumber,
        /// Why.
        source: E,
    },
    /// The content cannot be recorded.
    #[error("recording the rollback")]
    Record(#[from] PackError),
}

impl Versions {
    /// Versions that end with the process.
    #[must_use]
    pub fn in_memory(limits: Limits) -> Self {
        Self::with(Journal::new(limits), None)
    }

    /// Versions that survive the process; and what was found that was not as it should be.
    ///
    /// # Errors
    /// [`DiskError`], as [`Disk::open`] has it.
    pub fn on_disk(settings: Settings, limits: Limits) -> Result<(Self, Vec<Incident>), DiskError> {
        let opened = Disk::open(settings)?;
        let mut entries = Vec::new();
        for (stored, bytes) in opened.versions.into_values() {
            // What is too large to be packed was never recorded by this library.
            if let Ok(entry) = Entry::new(stored.version, &stored.documents) {
                entries.push(Entry { bytes, ..entry });
            }
        }
        let journal = Journal::restore(limits, entries, opened.pinned, opened.highest);
        Ok((Self::with(journal, Some(opened.disk)), opened.incidents))
    }

    fn with(journal: Journal, disk: Option<Disk>) -> Self {
        let inner = Inner { journal, disk, unsaved: BTreeSet::new() };
        Self { inner: Mutex::new(inner), clock: Arc::new(now) }
    }

    /// The same versions with another clock. Default: the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// Says what to start with: what the source holds, or the last good version if it cannot be read or is set aside.
    ///
    /// # Errors
    /// Why the source could not be read, if there is no version to fall back to.
    pub fn start<E>(&self, source: Result<Documents, E>) -> Result<Start<E>, E> {
        let last_good = self.active().and_then(|version| Some((self.documents(version.number)?.ok()?, version)));
        let started =
            |(documents, version), because| Start::LastGood { version: Box::new(version), documents, because };
        match (source, last_good) {
            (Err(error), Some(last_good)) => Ok(started(last_good, NotFromSource::Unreachable(error))),
            (Err(error), None) => Err(error),
            (Ok(documents), last_good) => match (self.admit(Digest::of(&documents)), last_good) {
                (Admission::SetAside { .. }, Some(last_good)) => Ok(started(last_good, NotFromSource::SetAside)),
                _ => Ok(Start::Source(documents)),
            },
        }
    }

    /// Says what is to be done with what the source holds now.
    pub fn admit(&self, held: Digest) -> Admission {
        self.lock().journal.admit(held)
    }

    /// The number that the next version gets: what an owner shows before it is recorded.
    #[must_use]
    pub fn next_number(&self) -> VersionNumber {
        self.lock().journal.next_number()
    }

    /// Records a content that is valid and in use, and lets go what the limits ask for.
    ///
    /// # Errors
    /// [`PackError`] when the content is too large for a version. It may be in use all the same; it cannot be
    /// returned to.
    pub fn record(&self, documents: &Documents, origin: LocalOrigin, cause: Cause) -> Result<Recorded, PackError> {
        let now = (self.clock)();
        let mut inner = self.lock();
        let before = inner.journal.active().map(|active| active.version.created);
        let mut entry = inner.journal.next(documents, origin, cause, now)?;
        let saved = inner.save(&mut entry, documents);
        let step = inner.journal.commit(entry, now);
        let removed = inner.let_go(&step.pruned);
        let clock_back = before.map(|before| before.since(now)).filter(|back| !back.is_zero());
        Ok(Recorded { version: step.version, pruned: step.pruned, disk: saved.and(removed), clock_back })
    }

    /// Goes back: chooses a version, lets its content be validated and put in use by `apply`, and records it anew.
    ///
    /// `apply` gets the content with the reason to tell subscribers. It runs without any lock.
    ///
    /// # Errors
    /// [`RollbackFailed`]; nothing changed, unless `apply` succeeded and the content is too large to be recorded,
    /// which a recorded content never is.
    pub fn rollback<E>(
        &self,
        to: RollbackTo,
        cause: Cause,
        apply: impl FnOnce(&RollbackPlan) -> Result<(), E>,
    ) -> Result<Recorded, RollbackFailed<E>> {
        let plan = self.plan(to, cause)?;
        apply(&plan).map_err(|source| RollbackFailed::Refused { of: plan.of, source })?;
        Ok(self.complete(plan)?)
    }

    /// The first half of [`Versions::rollback`], for those who apply in their own way: what it leads to.
    ///
    /// # Errors
    /// [`PlanError`] says why there is nothing to go back to.
    pub fn plan(&self, to: RollbackTo, cause: Cause) -> Result<RollbackPlan, PlanError> {
        self.lock().journal.plan(to, cause)
    }

    /// The second half: records that the plan's content is in use.
    ///
    /// # Errors
    /// [`PackError`], which the content of a version that was recorded never gives.
    pub fn complete(&self, plan: RollbackPlan) -> Result<Recorded, PackError> {
        self.record(&plan.documents, LocalOrigin::Rollback { from: plan.from, of: plan.of }, plan.cause)
    }

    /// Keeps a version whatever the limits, or no longer. Says whether there is such a version.
    ///
    /// # Errors
    /// [`DiskError`] if it holds in this process only.
    pub fn pin(&self, number: VersionNumber, pinned: bool) -> Result<bool, DiskError> {
        let mut inner = self.lock();
        if !inner.journal.pin(number, pinned) {
            return Ok(false);
        }
        inner.disk.as_ref().map_or(Ok(()), |disk| disk.pin(number, pinned))?;
        Ok(true)
    }

    /// Writes what the disk could not take before. Says how many versions are in memory only after that.
    ///
    /// # Errors
    /// The first [`DiskError`]; what was written until then is written.
    pub fn persist(&self) -> Result<usize, DiskError> {
        let mut inner = self.lock();
        let waiting: Vec<_> = inner.unsaved.iter().copied().collect();
        for number in waiting {
            let Some(mut entry) = inner.journal.get(number).cloned() else { continue };
            if let Ok(documents) = entry.documents() {
                inner.save(&mut entry, &documents)?;
            }
        }
        Ok(inner.unsaved.len())
    }

    /// The version that is in use.
    #[must_use]
    pub fn active(&self) -> Option<LocalVersion> {
        self.lock().journal.active().map(|entry| entry.version.clone())
    }

    /// All versions that are kept, oldest first, and whether each is pinned.
    #[must_use]
    pub fn list(&self) -> Vec<(LocalVersion, bool)> {
        let inner = self.lock();
        let versions = inner.journal.entries().map(|entry| &entry.version);
        versions.map(|version| (version.clone(), inner.journal.is_pinned(version.number))).collect()
    }

    /// The content of a version; none if it is not kept.
    ///
    /// The error within is one of damaged memory only: what was packed can be unpacked.
    #[must_use]
    pub fn documents(&self, number: VersionNumber) -> Option<Result<Documents, UnpackError>> {
        // Unpacking takes longer than copying what is packed, so it is done without the lock.
        let entry = self.lock().journal.get(number).cloned();
        entry.map(|entry| entry.documents())
    }

    /// The rollbacks that were carried out, oldest first: up to 100 of this run, and those of earlier runs whose
    /// versions are still kept.
    #[must_use]
    pub fn rollbacks(&self) -> Vec<RollbackDone> {
        self.lock().journal.rollbacks().cloned().collect()
    }

    /// How many bytes of memory all versions take together.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.lock().journal.memory()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half done by a panic: each change is one step of the journal.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts only.
impl fmt::Debug for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        let disk = inner.disk.as_ref().map(Disk::directory);
        f.debug_struct("Versions").field("kept", &inner.journal.entries().len()).field("disk", &disk).finish()
    }
}

impl Inner {
    /// Writes a version to the disk, if there is one, and notes its size there.
    fn save(&mut self, entry: &mut Entry, documents: &Documents) -> Result<(), DiskError> {
        let Some(disk) = &self.disk else { return Ok(()) };
        let number = entry.version.number;
        let stored = Stored { version: entry.version.clone(), documents: documents.clone() };
        match disk.save(&stored) {
            Ok(bytes) => {
                entry.bytes = bytes;
                self.unsaved.remove(&number);
                Ok(())
            }
            Err(error) => {
                self.unsaved.insert(number);
                Err(error)
            }
        }
    }

    /// Removes versions from the disk; all are tried, and the first error is told.
    fn let_go(&mut self, pruned: &BTreeMap<VersionNumber, Because>) -> Result<(), DiskError> {
        let mut result = Ok(());
        for number in pruned.keys() {
            if !self.unsaved.remove(number)
                && let Some(disk) = &self.disk
            {
                result = result.and(disk.remove(*number));
            }
        }
        result
    }
}

/// The system's time; before 1970 it counts as 1970.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
