//! Receives the configuration that the Rekindle operator pushes into an application, and proves what runs.
//! Must not know Kubernetes, nor what an application does with its configuration.
//!
//! ```
//! use rekindle_client::{Keys, Receiver, Refusal, Update};
//!
//! async fn apply(update: Update) -> Result<(), Refusal> {
//!     let text = update.text("app.yaml").ok_or_else(|| Refusal::new("app.yaml is missing"))?;
//!     // Parse, check, and only when all is well put it in place of what ran before.
//!     println!("{} is {} bytes", update.version, text.len());
//!     Ok(())
//! }
//!
//! let receiver = Receiver::builder(Keys::directory("/etc/rekindle/push-key")).build(apply);
//! // plain hyper: service_fn(move |request| receiver.handle(request))
//! // axum, with the feature `axum`: Router::new().merge(receiver.router("/rekindle/v1/config"))
//! ```

#![cfg_attr(
    test,
    allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may fail loudly")
)]

mod keys;
mod receiver;
mod turn;
mod update;

#[cfg(feature = "watch")]
pub mod watch;

pub use keys::{KeyError, Keys};
pub use receiver::{Builder, DEFAULT_DEADLINE, DEFAULT_MAX_BODY, Receiver};
pub use rekindle_core::contract::body::Reason;
pub use rekindle_core::contract::signature::{InvalidKey, PushKey, PushKeys};
pub use rekindle_core::contract::{DEFAULT_PATH, SIGNATURE_HEADER};
pub use rekindle_core::digest::Digest;
pub use rekindle_core::document::{DocumentName, Documents, Format};
pub use rekindle_core::ids::{Namespace, ObjectName, PolicyId, VersionNumber};
pub use rekindle_core::target::Running;
pub use update::{Apply, Refusal, Update};
