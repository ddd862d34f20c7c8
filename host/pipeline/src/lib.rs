//! The graph between receivers and exporters: edges, fan-out, routes, connectors, acknowledgement, drain.
//!
//! Nothing here knows a concrete component: [`build`] gets them from [`Factories`], wires them from the exporters
//! upwards, and hands back a [`Graph`] in which every socket is bound and nothing runs yet. [`Running::beside`] builds the
//! graph of another configuration beside one that runs, and [`Running::take_over`] puts it in its place.

mod build;
mod by_cluster;
mod changes;
mod connector;
mod entry;
mod fanout;
mod graph;
mod retired;
mod spigot;
mod tap;
mod traced;

pub use build::{BuildError, Cause, Factories, Place, build};
pub use changes::Changes;
pub use fanout::{Branch, Branches, FanOut};
pub use graph::{Graph, Running};
pub use retired::{Drained, Retired};
pub use spigot::{DrawError, Drawn, Spigots};

#[cfg(test)]
mod tests;
