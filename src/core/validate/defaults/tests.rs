//! Defaults of schemas: where they apply, and that nothing is written back.
