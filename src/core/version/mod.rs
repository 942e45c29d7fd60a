//! Versions: how their content is recorded and which of them are kept and returned to.
//! Must not know how a version is stored or pushed.

pub mod content;
pub mod history;
pub mod journal;
pub mod local;
pub mod retention;
pub mod stored;
