//! The reload contract: what a push carries, how it is signed, when a receiver takes it, and what an answer means.
//! Both ends use it, the operator's pusher and the receiver; docs/reload-contract.md says the same in words.
//! Must not know HTTP beyond header names and status numbers, and no clock: the time is an argument.

pub mod answer;
pub mod body;
pub mod fence;
pub mod signature;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

/// The path that a target serves when nothing else was agreed.
pub const DEFAULT_PATH: &str = "/rekindle/v1/config";

/// The header that carries the signature of the body.
pub const SIGNATURE_HEADER: &str = "rekindle-signature";

/// The content type of bodies and answers.
pub const CONTENT_TYPE: &str = "application/json";
