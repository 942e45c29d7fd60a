//! The plain provider: files and variables, read once.
//! Must not change after it was loaded.

use std::sync::Arc;

use rekindle_core::finding::Finding;
use rekindle_core::ids::VersionNumber;
use rekindle_core::layers::EnvironmentName;

use super::sources::{Accepted, LoadError, Sources};
use super::{ConfigProvider, Peek, Settings};
use crate::store::Store;

/// Configuration from files and variables, read once.
///
/// Later lies over earlier: the base file (`app.yaml`, or another of [`EXTENSIONS`](super::EXTENSIONS)), the file of
/// the environment (`app.production.yaml`), `.env`, `.env.production`, `.env.local`, `.env.production.local`, and the
/// variables of the process. Maps are merged, anything else is replaced whole.
///
/// A variable `APP__DATABASE__POOL_SIZE` means `database.pool_size`, however the files write that key (`poolSize`,
/// `pool-size`). It takes the type of the value that it lies over: a number stays a number, and a list or a map is
/// given as JSON. Where there is no value it is a text, which can be read as a number or a boolean all the same.
///
/// ```
/// use rekindle_client::provider::{ConfigProvider, EnvironmentProvider, Settings};
///
/// # let directory = tempfile::tempdir()?;
/// std::fs::write(directory.path().join("app.yaml"), "database: {pool: 5, host: db}")?;
/// let variables = [("APP__DATABASE__POOL".into(), "20".into())];
/// let provider = EnvironmentProvider::load(Settings::new(directory.path(), variables))?;
/// assert_eq!(provider.get::<u32>("database.pool")?, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EnvironmentProvider {
    pub(super) sources: Arc<Sources>,
    pub(super) accepted: Arc<Accepted>,
    pub(super) store: Arc<Store>,
}

impl EnvironmentProvider {
    /// Reads and checks everything; waits on the file system.
    ///
    /// # Errors
    /// [`LoadError`] with all findings, when the configuration cannot be read or is refused.
    pub fn load(settings: Settings) -> Result<Self, LoadError> {
        let sources = settings.into_sources()?;
        let accepted = sources.judge(&sources.read(), None).map_err(|findings| sources.refused(findings))?;
        Ok(Self::of(sources, accepted, VersionNumber(1)))
    }

    pub(super) fn of(sources: Sources, accepted: Accepted, version: VersionNumber) -> Self {
        let store = Store::starting(accepted.snapshot(version));
        Self { sources: Arc::new(sources), accepted: Arc::new(accepted), store: Arc::new(store) }
    }

    /// The environment whose files take part; none when none was named.
    #[must_use]
    pub fn environment(&self) -> Option<&EnvironmentName> {
        self.sources.layout.environment.as_ref()
    }

    /// What the checks warned of when it was loaded.
    #[must_use]
    pub fn warnings(&self) -> &[Finding] {
        &self.accepted.warnings
    }
}

impl ConfigProvider for EnvironmentProvider {
    fn peek(&self) -> Peek {
        self.store.peek().into()
    }
}
