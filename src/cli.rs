//! What a person types: one module per subcommand that ends by itself.
//! Must not decide anything about a configuration; it reads arguments, calls, prints and picks the exit status.

pub mod check;
pub mod crds;
mod yaml;
