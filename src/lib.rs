//! Rekindle.
