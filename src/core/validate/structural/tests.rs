//! Values against schemas: every constraint met and missed.
