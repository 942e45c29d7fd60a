//! The reload contract over real HTTP: every receiver in this repository must pass the same scenario.
//! Needs no control plane; python3 must be on the PATH.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod push;

mod contract;
mod openapi;
mod python;
mod rust;
mod tree;
