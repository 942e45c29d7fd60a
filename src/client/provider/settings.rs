//! What a provider is told: where the files are, which variables there are, and what is demanded.
//! Must not read anything, except where a function says that it reads the process's environment.

use std::ffi::OsString;
use std::path::PathBuf;

use rekindle_core::format::Dialect;
use rekindle_core::layers::{BaseName, EnvironmentName, Layout, Prefix, Variables};
use serde::de::DeserializeOwned;

use super::sources::{LoadError, Sources};
use crate::directory::Limits;
use crate::validate::{Check, Checks};

/// The variable that names the environment.
pub const ENVIRONMENT_VARIABLE: &str = "REKINDLE_ENV";

/// Settings of a provider. Each has a default; only the directory and the variables must be given.
#[derive(Debug, Clone)]
pub struct Settings {
    directory: PathBuf,
    variables: Variables,
    base: String,
    base_required: bool,
    environment: Option<String>,
    prefix: String,
    dialect: Dialect,
    limits: Limits,
    checks: Checks,
    #[cfg(feature = "schema")]
    schema: Option<PathBuf>,
}

impl Settings {
    /// Files from this directory, and these variables as those of the process.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self {
            directory: directory.into(),
            variables: variables.into_iter().collect(),
            base: "app".to_owned(),
            base_required: true,
            environment: None,
            prefix: "APP".to_owned(),
            dialect: Dialect::default(),
            limits: Limits::default(),
            checks: Checks::default(),
            #[cfg(feature = "schema")]
            schema: None,
        }
    }

    /// Files from this directory, and the variables that the process has now.
    #[must_use]
    pub fn of_process(directory: impl Into<PathBuf>) -> Self {
        Self::new(directory, std::env::vars_os())
    }

    /// The name of the base file without its extension, 1 to 63 letters, digits, `-` and `_`. Default: `app`.
    #[must_use]
    pub fn base(mut self, name: impl Into<String>) -> Self {
        self.base = name.into();
        self
    }

    /// Whether there must be a base file. Default: true.
    #[must_use]
    pub fn base_required(mut self, required: bool) -> Self {
        self.base_required = required;
        self
    }

    /// The name of the environment, as for [`Self::base`] and not `local`. Default: what `REKINDLE_ENV` says, and
    /// without it none.
    #[must_use]
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.environment = Some(name.into());
        self
    }

    /// What the names of variables begin with, 1 to 63 letters, digits and single `_`. Default: `APP`, so that
    /// `APP__DATABASE__POOL` means `database.pool`.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// A file with a ConfigSchema, the same as for the operator, that the configuration must satisfy; read once. It also
    /// says how YAML is read. Default: none.
    ///
    /// Its rules for documents hold for the files by their names, those for the merged tree for what a program reads,
    /// variables included.
    #[cfg(feature = "schema")]
    #[must_use]
    pub fn schema(mut self, file: impl Into<PathBuf>) -> Self {
        self.schema = Some(file.into());
        self
    }

    /// How YAML is read, unless a schema says it. Default: as YAML 1.2.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// How much is read. Defaults in [`Limits`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds a check of the application; its name says in findings who speaks.
    #[must_use]
    pub fn check(mut self, name: impl Into<String>, check: impl Check + 'static) -> Self {
        self.checks.add(name, check);
        self
    }

    /// Adds the check that the section at a path can be read as `T`; the empty path is the whole tree.
    #[must_use]
    pub fn check_type<T: DeserializeOwned + 'static>(mut self, path: impl Into<String>) -> Self {
        self.checks.add_type::<T>(path);
        self
    }

    /// The value of one of the process's variables.
    #[cfg(feature = "watch")]
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }

    pub(crate) fn into_sources(self) -> Result<Sources, LoadError> {
        #[cfg(feature = "schema")]
        let this = self.with_schema()?;
        #[cfg(not(feature = "schema"))]
        let this = self;
        this.resolve()
    }

    /// With the schema among the checks.
    #[cfg(feature = "schema")]
    fn with_schema(mut self) -> Result<Self, LoadError> {
        use rekindle_core::validate::{compile, read_manifest};

        let Some(path) = self.schema.take() else { return Ok(self) };
        let content = std::fs::read(&path)
            .map_err(|source| LoadError::SchemaFile { path: path.clone(), source: std::sync::Arc::new(source) })?;
        let spec = read_manifest(&content).map_err(|fault| vec![fault]);
        let schema = spec.and_then(|spec| compile(&spec)).map_err(|faults| LoadError::Schema { path, faults })?;
        self.dialect = schema.dialect();
        self.checks.add_schema(schema);
        Ok(self)
    }

    fn resolve(self) -> Result<Sources, LoadError> {
        let environment = match self.environment {
            Some(name) => Some(name),
            None => self.variables.get(ENVIRONMENT_VARIABLE).filter(|name| !name.is_empty()).map(str::to_owned),
        };
        let layout = Layout {
            base: BaseName::parse(self.base)?,
            base_required: self.base_required,
            environment: environment.map(EnvironmentName::parse).transpose()?,
            prefix: Prefix::parse(self.prefix)?,
            dialect: self.dialect,
        };
        Ok(Sources {
            // What is relative means the same for as long as the process runs, wherever it goes.
            directory: std::path::absolute(&self.directory).unwrap_or(self.directory),
            layout,
            variables: self.variables,
            limits: self.limits,
            checks: self.checks,
        })
    }
}
