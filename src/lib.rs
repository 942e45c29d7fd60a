//! Rekindle.

pub mod cli;
