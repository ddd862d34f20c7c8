//! The collector's own log: lines on standard error, as text or as JSON.

use std::env;
use std::io;

use host_config::telemetry::{Encoding, Level, Logs};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Overrides the configured level, for one run: a level, or directives such as `info,host_wasm=debug`.
pub const VARIABLE: &str = "TIDEGATE_LOG";

/// Libraries whose lines at `info` and below are for their own authors.
const QUIET: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,wasmtime=warn,cranelift_codegen=warn";

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{VARIABLE} is neither a level nor a list of directives such as info,host_wasm=debug")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    #[error("the log was set up twice")]
    Twice(#[source] TryInitError),
}

/// Sends the log to standard error from here on.
///
/// # Errors
/// When the environment's override cannot be read, or the log was set up before.
pub fn install(config: &Logs) -> Result<(), LogError> {
    let filter = match env::var(VARIABLE) {
        Ok(directives) => EnvFilter::try_new(directives).map_err(LogError::Filter)?,
        Err(_) => EnvFilter::new(format!("{},{QUIET}", name(config.level))),
    };
    // A log that nobody reads any more must not end whoever writes to it: complaints about it would go to the same place.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match config.encoding {
        Encoding::Console => lines.finish().try_init(),
        Encoding::Json => lines.json().flatten_event(true).finish().try_init(),
    }
    .map_err(LogError::Twice)
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
