//! End to end: the image, the chart and real pods on a real node. `make e2e` runs it, in namespaces of its own.
//!
//! The tests share one cluster and one installation and run one after the other, so each leaves the operator as it
//! found it; what it made is in a namespace of its own.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cluster;
mod downtime;
mod load;
mod pressure;
mod reload;
mod shop;
mod starts;
mod wait;
