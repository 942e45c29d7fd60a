//! Patterns as the API server reads them: what matches, and what is refused.
