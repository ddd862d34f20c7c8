//! The durable queue before an exporter: what was taken is on disk before its sender is told so.

mod progress;
mod record;
mod segment;
mod storage;
mod store;
