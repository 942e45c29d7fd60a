//! Between the custom resources and the core, both ways. Pure: the time and what was there before are arguments.
//! Must not do I/O and must not decide; what cannot be said in the core's types is an error that names the field.

mod duration;
mod text;
mod time;

pub mod policy;
pub mod schema;

pub mod config_map;
pub mod pod;

pub mod rollback;
pub mod version;

mod conditions;
mod status;

pub use duration::{InvalidDuration, format_duration, parse_duration};
pub use time::{micro_time_of, timestamp_of};

pub use status::{policy_status, read_policy_status, unusable_policy_status};

/// Why an object that the API server accepted cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Unusable {
    /// The field, such as `spec.sources[1].configMap.name`.
    pub field: String,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl Unusable {
    fn new(field: impl Into<String>, problem: impl ToString) -> Self {
        Self { field: field.into(), problem: problem.to_string() }
    }
}

/// Gives an error the name of the field that it is about.
trait InField<T> {
    fn in_field(self, field: &str) -> Result<T, Unusable>;
}

impl<T, E: ToString> InField<T> for Result<T, E> {
    fn in_field(self, field: &str) -> Result<T, Unusable> {
        self.map_err(|problem| Unusable::new(field, problem))
    }
}

impl<T> InField<T> for Option<T> {
    fn in_field(self, field: &str) -> Result<T, Unusable> {
        self.ok_or_else(|| Unusable::new(field, "it is missing"))
    }
}
