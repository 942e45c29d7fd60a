//! Nothing here: the end-to-end tests are in `main.rs`, and this crate exists so that they are built with their own
//! dependencies and not with those of the operator.
