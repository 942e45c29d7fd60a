//! A plan: what to do, in order, why, what to show, and when to look again. A plan is data.
//! Must not hold a choice: whoever executes it does what it says, one action after the other.

use serde::Serialize;

use crate::contract::body as contract;
use crate::document::Documents;
use crate::ids::{ObjectName, Uid, VersionNumber};
use crate::reason::Reason;
use crate::record::NewVersion;
use crate::status::{LastEdit, PolicyStatus, Quarantined, RollbackStatus, SetAside, VersionStatus};
use crate::target::{Endpoint, TargetKey};
use crate::time::Timestamp;

/// What to do about a policy now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In order; each is safe to repeat. The first that fails ends the round. What they change is for another round.
    pub actions: Vec<Action>,
    /// What the policy, its versions and its rollbacks show; always filled.
    pub shown: Shown,
    /// Why, one for each decision, and one for doing nothing.
    pub because: Vec<Because>,
    /// When to look again, if nothing changes before.
    pub again: Option<Timestamp>,
}

/// What users are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The policy's status.
    pub policy: Option<PolicyStatus>,
    /// The statuses of versions whose status is to be as given.
    pub versions: Vec<(VersionNumber, VersionStatus)>,
    /// The statuses of rollbacks.
    pub rollbacks: Vec<(ObjectName, RollbackStatus)>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Create the record of a version; nothing of it may go out before the API server has acknowledged this.
    Record {
        /// The version.
        version: Box<NewVersion>,
        /// Where it will go, so that connections can be opened meanwhile.
        warm: Vec<Endpoint>,
    },
    /// Bring a recorded version to targets.
    Push {
        /// Which version.
        version: VersionNumber,
        /// Why, as the contract words it.
        reason: contract::Reason,
        /// To whom.
        targets: Vec<(TargetKey, ObjectName, Endpoint)>,
    },
    /// Remember something for the next round.
    Remember(Note),
    /// Write the copy of the proven content.
    WriteActiveCopy {
        /// Its name.
        name: ObjectName,
        /// The version whose content it gets.
        version: VersionNumber,
    },
    /// Write the author's ConfigMaps back.
    RestoreSource {
        /// The content that the sources are to hold.
        documents: Documents,
        /// The version whose content this is.
        version: VersionNumber,
    },
    /// Delete the record of a version.
    Prune(VersionNumber),
    /// Write an Event.
    Announce {
        /// Whether somebody should look.
        warning: bool,
        /// The word.
        reason: Reason,
        /// The sentence.
        message: String,
    },
}

/// What a plan wants remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Note {
    /// A version tripped: its digest is quarantined and the breaker opens.
    Tripped {
        /// The quarantine's entry.
        entry: Quarantined,
        /// Until when new versions wait.
        open_until: Timestamp,
    },
    /// A person rolled back from a digest.
    SetAside(SetAside),
    /// The sources moved on: what was set aside may be tried again.
    ClearSetAside,
    /// The probe of a half-open breaker succeeded.
    CloseBreaker,
    /// A version ran on every target without tripping.
    Proven(VersionNumber),
    /// A rollback ended before any version was recorded, and what it shows.
    RollbackEnded(Uid, RollbackStatus),
    /// The author's ConfigMap was written back for this version's digest.
    Restored(VersionNumber),
    /// What became of the last edit.
    LastEdit(LastEdit),
    /// Targets reported higher numbers than were ever given here: numbering went on above them.
    Renumber,
}

/// A reason for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The word.
    pub reason: Reason,
    /// The sentence.
    pub message: String,
}

impl Because {
    /// A reason with its sentence.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl Plan {
    /// Looks again at `time`, or earlier if something else asked for that.
    pub fn look_again(&mut self, time: Timestamp) {
        self.again = Some(self.again.map_or(time, |earlier| earlier.min(time)));
    }

    pub(super) fn announce(&mut self, warning: bool, reason: Reason, message: impl Into<String>) {
        self.actions.push(Action::Announce { warning, reason, message: message.into() });
    }

    pub(super) fn remember(&mut self, note: Note) {
        self.actions.push(Action::Remember(note));
    }
}
