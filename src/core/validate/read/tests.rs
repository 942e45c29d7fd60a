//! Schemas that cannot be used, each fault with its place.
