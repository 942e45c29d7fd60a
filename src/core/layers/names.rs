//! The names that a layout is made of: of the base file, of an environment, of a process's variables.
//! Must not know what is done with them.

use std::fmt;

use serde::Serialize;

use crate::ids::{InvalidName, name_type};

fn check_base(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if text.is_empty() || text.len() > 63 || !text.chars().all(allowed) {
        return Err("use 1 to 63 letters, digits, `-` and `_`");
    }
    Ok(())
}

fn check_environment(text: &str) -> Result<(), &'static str> {
    if text == "local" {
        return Err("`local` names the files that are not shared, such as `.env.local`");
    }
    check_base(text)
}

fn check_prefix(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if !begins || text.len() > 63 || !text.chars().all(allowed) || text.contains("__") || text.ends_with('_') {
        return Err("use 1 to 63 letters, digits and single `_`, beginning with a letter and not ending with `_`");
    }
    Ok(())
}

name_type!(
    /// The name of the base file without its extension, such as `app`.
    BaseName,
    "base name",
    check_base
);
name_type!(
    /// The name of an environment, such as `production`.
    EnvironmentName,
    "environment name",
    check_environment
);
name_type!(
    /// What the names of variables begin with, before the first `__`, such as `APP`.
    Prefix,
    "prefix of variables",
    check_prefix
);

impl EnvironmentName {
    /// Whether this is the environment that people depend on: `production` or `prod`, in any case.
    #[must_use]
    pub fn is_production(&self) -> bool {
        ["production", "prod"].iter().any(|name| self.as_str().eq_ignore_ascii_case(name))
    }
}
