//! All integration tests, in one program, on one real control plane that the first of them starts.
//! Each test works in a namespace of its own.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")]

mod support;

mod access;
mod chart;
mod cluster;
mod convert;
mod crash;
mod crds;
mod docs;
mod edits;
mod election;
mod faults;
mod first_use;
mod lifecycle;
mod oracle;
mod prometheus;
mod reference;
mod rights;
mod tidy;
mod verdicts;
mod watches;
