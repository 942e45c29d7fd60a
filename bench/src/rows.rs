//! The rows of the table, each as a function from a stage to what was measured.

pub mod edit;
pub mod memory;
pub mod notify;
pub mod restart;
pub mod rollback;
