//! Guests for tests, written in WebAssembly text: no compiler of another language is needed, and each instruction that a
//! test is about stands in it. [`Guest`] makes one; [`Adversary`] are those that mean harm.

mod adversary;
mod guest;

pub use adversary::{Adversary, MARK, RECORDS, live, loading, surviving};
pub use guest::{Guest, LIVE};
