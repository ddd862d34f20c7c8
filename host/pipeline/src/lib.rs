//! The graph between receivers and exporters: edges, fan-out, routes, acknowledgement, drain.
//!
//! Nothing here knows a concrete component: [`build`] gets them from [`Factories`], wires them from the exporters
//! upwards, and hands back a [`Graph`] in which every socket is bound and nothing runs yet.

mod build;
mod fanout;
mod graph;
mod spigot;
mod tap;

pub use build::{BuildError, Cause, Factories, Place, build};
pub use fanout::{Branch, Branches, FanOut};
pub use graph::{Drained, Graph, Running};
pub use spigot::{DrawError, Drawn, Spigots};

#[cfg(test)]
mod tests;
