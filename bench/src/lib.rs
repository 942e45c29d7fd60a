//! What the benchmarks share: peers that answer pushes, bare programs to compare with, and statistics.
//! Must not use anything of Rekindle where it plays the bare program: a floor that shares our code says nothing.

pub mod stats;

pub mod report;

pub mod peers;

pub mod bare;

pub mod floor;

pub mod stage;

pub mod crowd;

pub mod rows;
