//! Dependencies between keys, and the paths in which they are written.
