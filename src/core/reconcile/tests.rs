//! Whole stories: a small world is edited, pushed to, broken and restarted, and what it came to is compared.

mod world;

mod edits;
mod restarts;
mod rollbacks;
mod shown;
mod targets;
mod trips;

mod laws;
