//! Joins the parts into running programs: arguments to settings, logs, the clock, the operator's life.
//! The only place that knows all parts; must not decide anything about a configuration.

pub mod clock;
pub mod settings;
pub mod telemetry;

pub mod identity;

pub mod candidate;
pub mod operator;
