//! Defaults: where they are filled in, and where they are only told.
