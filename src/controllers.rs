//! The controllers: one worker per policy that observes, decides, executes and reports, and the driver that owns them.
//! Must not know Kubernetes: the cluster, the pusher and the clock come in through `ports`.

mod view;

mod memory;
mod shipments;

mod reporter;

mod execute;
mod worker;

mod errands;

mod driver;

pub use driver::{Controllers, Parts};
pub use view::View;
