//! Keys that no schema names: denied, warned of, or allowed.
