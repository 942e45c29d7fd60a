//! Schemas that can be used, and those that are refused with their place.
