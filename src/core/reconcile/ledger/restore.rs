//! The memory of a policy after a restart: its last status, and what the recorded versions say beyond that.
//! Must not decide. A record is the truth: a status may be older than it, never the other way round.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Ledger;
use crate::breaker::Breaker;
use crate::ids::VersionNumber;
use crate::record::{Origin, Recorded};
use crate::status::{PolicyStatus, Quarantined, SetAside};

impl Ledger {
    /// The memory as the cluster holds it: the policy's last status and the recorded versions.
    ///
    /// A crash may have come between a record and the status that tells of it, so what each record newer than the
    /// status implies is added: a revert implies a quarantine and a breaker that stays open for `open_for`, a
    /// rollback sets aside what it left, an edit means that the source had moved on. And what a record names as
    /// last-good was proven, whether its own status came to say so or not.
    #[must_use]
    pub fn restore(
        status: Option<&PolicyStatus>,
        history: &BTreeMap<VersionNumber, Arc<Recorded>>,
        open_for: Duration,
    ) -> Self {
        let mut ledger = Self::default();
        if let Some(status) = status {
            ledger.breaker = status.breaker.clone();
            ledger.quarantined.clone_from(&status.quarantined);
            ledger.set_aside.clone_from(&status.set_aside);
            ledger.last_number = status.last_number.unwrap_or_default();
            ledger.last_edit = Some(status.last_edit.clone());
        }
        let told = status.and_then(|status| status.active).map(|active| active.version).unwrap_or_default();
        for version in history.values() {
            ledger.last_number = ledger.last_number.max(version.number);
            ledger.imply_quarantine(version, history);
            ledger.imply_proof(version, history);
            if version.number > told {
                ledger.imply(version, history, open_for);
            }
            for key in version.acks.keys() {
                let record = ledger.targets.entry(key.clone()).or_default();
                // Later versions come later in the map and take the place of earlier ones.
                record.runs = Some(version.running());
                record.delivered = Some(version.number);
            }
        }
        ledger
    }

    /// What tripped stays in quarantine, whatever the status says.
    fn imply_quarantine(&mut self, version: &Recorded, history: &BTreeMap<VersionNumber, Arc<Recorded>>) {
        let Origin::Revert { from, reason, .. } = &version.origin else { return };
        let Some(left) = history.get(from) else { return };
        // A digest that a person forced and that tripped again is known under its later version.
        if self.quarantined.iter().any(|entry| entry.digest == left.digest && entry.version >= *from) {
            return;
        }
        self.quarantine(Quarantined {
            digest: left.digest,
            version: *from,
            reason: reason.clone(),
            at: version.created,
            restored: false,
        });
    }

    /// What was last-good when a version was recorded had been proven before.
    fn imply_proof(&mut self, version: &Recorded, history: &BTreeMap<VersionNumber, Arc<Recorded>>) {
        let good = version.last_good.filter(|good| *good < version.number).and_then(|good| history.get(&good));
        self.proven.extend(good.filter(|good| !good.proven).map(|good| good.number));
    }

    /// What a version implies that was recorded after the status was written.
    fn imply(&mut self, version: &Recorded, history: &BTreeMap<VersionNumber, Arc<Recorded>>, open_for: Duration) {
        // What was noted of the last edit may be about an older one: only what is certain is kept.
        self.last_edit = None;
        match &version.origin {
            Origin::Revert { reason, .. } => {
                self.breaker = Breaker::Open { until: version.created.after(open_for), reason: reason.clone() };
            }
            Origin::Rollback { from, name, .. } => {
                if let Some(left) = history.get(from).filter(|left| left.digest != version.digest) {
                    self.set_aside.retain(|known| known.digest != left.digest);
                    self.set_aside.push(SetAside {
                        digest: left.digest,
                        version: *from,
                        rollback: name.clone(),
                        at: version.created,
                    });
                }
            }
            Origin::Edit(_) | Origin::File(_) => self.set_aside.clear(),
        }
    }
}
