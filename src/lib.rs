//! The operator and the command line of Rekindle: thin shells over the pure core in `rekindle-core`.
//! See `src/ARCHITECTURE.md` for who may know whom.

pub mod ports;

pub mod convert;

pub mod controllers;

pub mod cli;
