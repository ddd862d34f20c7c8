//! What every receiver that collects at an interval shares: when it collects, how metrics are made of what it finds, and how
//! they reach the pipeline.
//!
//! A receiver says what it collects ([`Collect`], or [`CollectNow`] where that blocks a thread), and [`Periodic`] does the rest:
//! it collects without drift, keeps one collection that the pipeline refused, counts under the Collector's names, and says in
//! the log when something cannot be collected, once, and when it can be again.

mod blocking;
mod collect;
mod counts;
mod declared;
mod metrics;
mod receiver;
mod schedule;
mod sending;
mod trouble;

pub use blocking::Blocking;
pub use collect::{Collect, CollectNow, Collected, Missed, Part};
pub use declared::Toggle;
pub use metrics::{Choices, Kind, Number, Recorder, Spec, Switch, attribute, now, resource};
pub use receiver::Periodic;
pub use schedule::Schedule;

#[cfg(test)]
mod tests;
