//! Keys that need other keys: when they do, and what is told where they are missing.
