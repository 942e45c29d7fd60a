//! Configuration for a program that runs: read from files and variables, checked, held as one snapshot, and received
//! from the Rekindle operator with proof of what runs.
//! Must not know Kubernetes, nor what an application does with its configuration.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

pub mod directory;
#[cfg(feature = "versions")]
pub mod disk;
pub mod provider;
pub mod store;
pub mod validate;
#[cfg(feature = "versions")]
pub mod versions;

pub mod notify;

pub mod safety;

#[cfg(feature = "watch")]
pub mod engine;
#[cfg(feature = "watch")]
pub mod metrics;
#[cfg(feature = "watch")]
pub mod watch;

#[cfg(feature = "receiver")]
mod keys;
#[cfg(feature = "receiver")]
mod receiver;
#[cfg(feature = "receiver")]
mod turn;
#[cfg(feature = "receiver")]
mod update;

#[cfg(feature = "receiver")]
pub use keys::{KeyError, Keys};
#[cfg(feature = "receiver")]
pub use receiver::{Builder, DEFAULT_DEADLINE, DEFAULT_MAX_BODY, Receiver};
pub use rekindle_core::contract::body::Reason;
pub use rekindle_core::contract::signature::{InvalidKey, PushKey, PushKeys};
pub use rekindle_core::contract::{DEFAULT_PATH, SIGNATURE_HEADER};
pub use rekindle_core::digest::Digest;
pub use rekindle_core::document::{DocumentName, Documents, Format};
pub use rekindle_core::finding::{Finding, Rule, Severity};
pub use rekindle_core::format::Dialect;
pub use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
pub use rekindle_core::target::Running;
pub use rekindle_core::tree::Tree;
pub use rekindle_core::value::{Path, Value};
#[cfg(feature = "receiver")]
pub use update::{Apply, Refusal, Update};
