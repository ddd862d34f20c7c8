//! The `file_log` receiver reads what files grow by, and sends it on as log records.
//!
//! A file is known by device, inode and what it begins with. What is read of it counts as read when the pipeline has
//! answered; until then the checkpoint stays where it is, and nothing behind it is sent. Rotated files are read to their
//! end, wherever they were moved to, before the one that took their place.

mod checkpoint;
mod config;
mod finder;
mod identity;
pub mod probe;
mod receiver;
mod source;
mod tailed;
mod tailer;
mod watch;

pub use config::{Config, OnTruncate, StartAt};
pub use receiver::{BuildError, FileLog, keep};

#[cfg(test)]
mod tests;
