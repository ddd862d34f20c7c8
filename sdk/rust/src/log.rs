//! Lines in the collector's own log, with the module's name and digest; the host bounds their length and rate.

use std::fmt;

pub use crate::bindings::tidegate::processor::log::Level;

/// Writes one line; [`debug!`](crate::debug), [`info!`](crate::info), [`warn!`](crate::warn) and
/// [`error!`](crate::error) are shorter.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    match message.as_str() {
        Some(message) => send(level, message),
        None => send(level, &message.to_string()),
    }
}

#[cfg(target_family = "wasm")]
fn send(level: Level, message: &str) {
    crate::bindings::tidegate::processor::log::write(level, message);
}

#[cfg(all(not(target_family = "wasm"), feature = "testing"))]
fn send(level: Level, message: &str) {
    crate::testing::record_line(level, message);
}

/// Outside a module and its tests there is no host that would take the line.
#[cfg(all(not(target_family = "wasm"), not(feature = "testing")))]
fn send(_: Level, _: &str) {}

/// Writes a line for the module's author.
#[macro_export]
macro_rules! debug {
    ($($message:tt)*) => { $crate::log::write($crate::log::Level::Debug, format_args!($($message)*)) };
}

/// Writes a line for the record.
#[macro_export]
macro_rules! info {
    ($($message:tt)*) => { $crate::log::write($crate::log::Level::Info, format_args!($($message)*)) };
}

/// Writes a line about something that is off, and handled.
#[macro_export]
macro_rules! warn {
    ($($message:tt)*) => { $crate::log::write($crate::log::Level::Warn, format_args!($($message)*)) };
}

/// Writes a line about something that failed.
#[macro_export]
macro_rules! error {
    ($($message:tt)*) => { $crate::log::write($crate::log::Level::Error, format_args!($($message)*)) };
}
