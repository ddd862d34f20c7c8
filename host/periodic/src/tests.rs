//! A collector that does as it is told, and a pipeline that answers as it is told, on paused time.

mod blocking;
mod delivery;
mod harness;
mod metrics;
mod timing;
