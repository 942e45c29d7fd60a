//! Where a program gets its configuration from: the trait, the plain provider that reads once, and the one that
//! reloads.
//! Must not decide which layer lies over which; that is the core's `layers`.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;
use rekindle_core::digest::Digest;
use rekindle_core::ids::VersionNumber;
use rekindle_core::tree::ReadError;
use serde::de::DeserializeOwned;

use crate::store::Snapshot;

mod environment;
#[cfg(feature = "watch")]
mod hot;
mod settings;
pub(crate) mod sources;

#[cfg(test)]
mod tests;

pub use environment::EnvironmentProvider;
#[cfg(feature = "watch")]
pub use hot::{Builder, HotReloadProvider, RELOAD_VARIABLE};
pub use rekindle_core::layers::{Because, EXTENSIONS, EnvironmentName, InvalidSwitch, Switch};
pub use settings::{ENVIRONMENT_VARIABLE, Settings};
pub use sources::LoadError;

/// Gives the configuration that runs.
///
/// What is asked in one call belongs to one version. Values that belong together are to be read from one
/// [`snapshot`](Self::snapshot), or as one section. A bare `dyn ConfigProvider` has no method `get`; its snapshot has,
/// and so has an `Arc` of it.
pub trait ConfigProvider: Send + Sync {
    /// The version that runs, for a short look.
    fn peek(&self) -> Peek;

    /// The version that runs, to be kept as long as it is needed.
    fn snapshot(&self) -> Arc<Snapshot> {
        self.peek().keep()
    }

    /// A value or a section as `T`; see [`Snapshot::get`].
    ///
    /// # Errors
    /// [`ReadError`] names the path and the type that was expected there, never a value.
    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ReadError>
    where
        Self: Sized,
    {
        self.peek().get(path)
    }

    /// The same, or `default` where nothing is set; see [`Snapshot::get_or`].
    ///
    /// # Errors
    /// As for [`Self::get`], but not for what is missing.
    fn get_or<T: DeserializeOwned>(&self, path: &str, default: T) -> Result<T, ReadError>
    where
        Self: Sized,
    {
        self.peek().get_or(path, default)
    }

    /// Whether there is a value at a path; null is one.
    fn contains(&self, path: &str) -> bool {
        self.peek().contains(path)
    }

    /// The number of the version that runs.
    fn version(&self) -> VersionNumber {
        self.peek().version()
    }

    /// The digest of the version that runs.
    fn digest(&self) -> Digest {
        self.peek().digest()
    }
}

impl<P: ConfigProvider + ?Sized> ConfigProvider for &P {
    fn peek(&self) -> Peek {
        (**self).peek()
    }
}

impl<P: ConfigProvider + ?Sized> ConfigProvider for Arc<P> {
    fn peek(&self) -> Peek {
        (**self).peek()
    }
}

/// A short look at a snapshot. Many at a time make reads slower, so none is to be held across an `await`.
pub struct Peek(Guard<Arc<Snapshot>>);

impl Peek {
    /// Keeps what was looked at.
    #[must_use]
    pub fn keep(self) -> Arc<Snapshot> {
        Guard::into_inner(self.0)
    }
}

impl From<Guard<Arc<Snapshot>>> for Peek {
    fn from(guard: Guard<Arc<Snapshot>>) -> Self {
        Self(guard)
    }
}

/// For providers that have no [`Store`](crate::store::Store), such as those of tests.
impl From<Arc<Snapshot>> for Peek {
    fn from(snapshot: Arc<Snapshot>) -> Self {
        Self(Guard::from_inner(snapshot))
    }
}

impl Deref for Peek {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

impl fmt::Debug for Peek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
