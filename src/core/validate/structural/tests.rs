//! Values against structural schemas: each keyword with its findings and places.
