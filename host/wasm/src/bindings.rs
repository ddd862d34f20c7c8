//! The bindings are `wit/processor.wit` as Rust types, and the moves between them and host-projection's own.
//!
//! Batches are lent and given back, not copied: the vectors are the same on both sides. Scripts are small.

mod back;
mod from_guest;
mod to_guest;

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "processor",
});

pub(crate) use self::tidegate::processor::{counters, log, types};

pub(crate) use back::give_back;
pub(crate) use from_guest::{plan, script};
pub(crate) use to_guest::{lend, signal};

/// The package that modules are built for, and its version.
pub(crate) const PACKAGE: &str = "tidegate:processor";
pub(crate) const VERSION: &str = "0.2.0";
