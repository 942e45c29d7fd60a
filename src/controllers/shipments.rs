//! Encoded and signed versions, ready to go out: each is encoded once and signed anew when the signature ages.
//! Must not choose what is pushed.

use std::sync::Arc;
use std::time::Duration;

use rekindle_core::contract::body::{Body, EncodeError, Reason};
use rekindle_core::contract::signature::{PushKeys, sign_with_all};
use rekindle_core::document::Documents;
use rekindle_core::ids::{Epoch, PolicyId};
use rekindle_core::record::Recorded;
use rekindle_core::time::Timestamp;

use crate::ports::Shipment;

/// A receiver refuses a signature that is more than 5 minutes off; this leaves room for clocks that differ.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The version that goes out at the moment, encoded.
#[derive(Debug, Default)]
pub struct Shipments {
    ready: Option<Ready>,
}

#[derive(Debug)]
struct Ready {
    version: rekindle_core::target::Running,
    reason: Reason,
    signed: Timestamp,
    shipment: Arc<Shipment>,
}

/// What is to be encoded.
#[derive(Debug)]
pub struct Cargo<'a> {
    /// On whose behalf.
    pub policy: &'a PolicyId,
    /// Which version.
    pub version: &'a Recorded,
    /// Its documents.
    pub documents: &'a Documents,
    /// Why it goes out.
    pub reason: Reason,
    /// Who sends it.
    pub epoch: Epoch,
}

impl Shipments {
    /// The version as a shipment, from before when it is still fresh.
    ///
    /// # Errors
    /// The body cannot be encoded.
    pub fn prepare(
        &mut self,
        cargo: &Cargo<'_>,
        keys: &PushKeys,
        now: Timestamp,
    ) -> Result<Arc<Shipment>, EncodeError> {
        let running = cargo.version.running();
        if let Some(ready) = &self.ready
            && ready.version == running
            && ready.reason == cargo.reason
            && now.since(ready.signed) < FRESH_FOR
        {
            return Ok(ready.shipment.clone());
        }
        let body = Body {
            policy: cargo.policy.clone(),
            version: running.version,
            digest: running.digest,
            epoch: cargo.epoch,
            reason: cargo.reason,
            changed: cargo.version.changed.clone(),
            documents: cargo.documents.clone(),
        };
        let body = body.encode()?;
        let signature = sign_with_all(keys, now.0.div_euclid(1000), &body);
        let shipment = Arc::new(Shipment { body, signature, digest: running.digest });
        self.ready = Some(Ready { version: running, reason: cargo.reason, signed: now, shipment: shipment.clone() });
        Ok(shipment)
    }
}
