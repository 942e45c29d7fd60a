//! Formats: texts that are of them and texts that are nearly so.
