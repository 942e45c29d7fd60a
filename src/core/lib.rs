//! The pure core of Rekindle: every decision, as a function of what was observed and the time.
//! It must not know Kubernetes, I/O, clocks, threads or randomness; Cargo.toml and clippy.toml hold it to that.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

pub mod ids;
pub mod time;

pub mod document;
pub mod value;

pub mod digest;
pub mod finding;

pub mod format;

pub mod configuration;
pub mod diff;

pub mod version;

pub mod retry;
pub mod target;

pub mod contract;
pub mod validate;

pub mod breaker;
pub mod policy;
pub mod reason;
pub mod record;

pub mod status;

pub mod reconcile;
