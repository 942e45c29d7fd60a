//! The operator and the command line of Rekindle: thin shells over the pure core in `rekindle-core`.
//! See `src/ARCHITECTURE.md` for who may know whom.

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

pub mod leadership;
pub mod ports;

pub mod convert;

pub mod metrics;

pub mod controllers;

pub mod push;

pub mod cluster;

pub mod files;

pub mod web;

pub mod runtime;

pub mod cli;
