//! Whether configuration is reloaded while the process runs, and why.
//! Must not read any environment: what it says is an argument.

use std::fmt;

use super::EnvironmentName;

/// Whether to reload, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// Whether to reload.
    pub on: bool,
    /// What decided it.
    pub because: Because,
}

/// What decided whether to reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// The program said so.
    Argument,
    /// The variable `REKINDLE_HOT_RELOAD` said so.
    Variable,
    /// The environment is production, and nobody allowed it there.
    Production,
    /// The environment is production, and the program allows it there.
    AllowedInProduction,
    /// The environment is not production.
    NotProduction,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argument => "the program says so",
            Self::Variable => "REKINDLE_HOT_RELOAD says so",
            Self::Production => "the environment is production, where it must be allowed",
            Self::AllowedInProduction => "the program allows it in production",
            Self::NotProduction => "the environment is not production",
        })
    }
}

/// Why `REKINDLE_HOT_RELOAD` cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("REKINDLE_HOT_RELOAD must be `true` or `false` (`yes`, `on`, `1` and `no`, `off`, `0` do as well)")]
pub struct InvalidSwitch;

impl Switch {
    /// Decides: by the argument, else by the variable, else off in production unless it is allowed there.
    ///
    /// # Errors
    /// The variable holds neither yes nor no, and no argument makes it irrelevant.
    pub fn decide(
        argument: Option<bool>,
        variable: Option<&str>,
        environment: Option<&EnvironmentName>,
        allowed_in_production: bool,
    ) -> Result<Self, InvalidSwitch> {
        if let Some(on) = argument {
            return Ok(Self { on, because: Because::Argument });
        }
        if let Some(text) = variable.filter(|text| !text.is_empty()) {
            let on = crate::tree::as_boolean(text).ok_or(InvalidSwitch)?;
            return Ok(Self { on, because: Because::Variable });
        }
        Ok(match environment {
            Some(name) if name.is_production() && allowed_in_production => {
                Self { on: true, because: Because::AllowedInProduction }
            }
            Some(name) if name.is_production() => Self { on: false, because: Because::Production },
            _ => Self { on: true, because: Because::NotProduction },
        })
    }
}
