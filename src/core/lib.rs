//! The pure core of Rekindle: every decision, as a function of what was observed and the time.
//! It must not know Kubernetes, I/O, clocks, threads or randomness; Cargo.toml and clippy.toml hold it to that.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

pub mod ids;
pub mod priority;
pub mod time;

pub mod document;
pub mod value;

pub mod tree;

pub mod digest;
pub mod finding;

#[cfg(feature = "formats")]
pub mod format;

#[cfg(feature = "formats")]
pub mod configuration;
pub mod diff;
#[cfg(feature = "formats")]
pub mod layers;
pub mod redact;

#[cfg(feature = "versions")]
pub mod version;

pub mod queue;
pub mod retry;
pub mod subscribe;
pub mod target;

pub mod contract;
#[cfg(feature = "decide")]
pub mod validate;

pub mod breaker;
#[cfg(feature = "formats")]
pub mod safety;

#[cfg(feature = "decide")]
pub mod election;
#[cfg(feature = "decide")]
pub mod policy;
#[cfg(feature = "decide")]
pub mod reason;
#[cfg(feature = "decide")]
pub mod record;

#[cfg(feature = "decide")]
pub mod status;

#[cfg(feature = "decide")]
pub mod reconcile;

#[cfg(test)]
mod cases;
