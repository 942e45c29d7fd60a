//! Patterns: what is translated, what is refused, and where.
