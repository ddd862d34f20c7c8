//! The collector's own log: lines on standard error, as text or as JSON.

use std::sync::Arc;
use std::{env, io};

use arc_swap::ArcSwap;
use host_config::telemetry::{Encoding, Level, Logs};
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::own::Own;

/// Overrides the configured level, for one run: a level, or directives such as `info,host_wasm=debug`.
pub const VARIABLE: &str = "TIDEGATE_LOG";

/// Libraries whose lines at `info` and below are for their own authors.
const QUIET: [&str; 7] = ["h2", "hyper", "hyper_util", "tonic", "tower", "wasmtime", "cranelift_codegen"];

/// What this one logs it returns, too, and whoever asked tells of it: only those who look for more see it.
const DOUBLE: &str = "kube_client";

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{VARIABLE} is neither a level nor a list of directives such as info,host_wasm=debug")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    #[error("the log was set up twice")]
    Twice(#[source] TryInitError),
}

/// The log of this process, whose level may change while it runs.
pub struct Log {
    /// None where the environment says what is told.
    targets: Option<Arc<ArcSwap<Targets>>>,
}

/// Sends the log to standard error from here on, and to wherever `own` sends its records.
///
/// # Errors
/// When the environment's override cannot be read, or the log was set up before.
pub fn install(config: &Logs, own: &Own) -> Result<Log, LogError> {
    let (filter, targets): (Filter, _) = match env::var(VARIABLE) {
        Ok(directives) => (Box::new(EnvFilter::try_new(directives).map_err(LogError::Filter)?), None),
        Err(_) => {
            let targets = Arc::new(ArcSwap::from_pointee(targets(config.level)));
            (Box::new(Switch(Arc::clone(&targets))), Some(targets))
        }
    };
    // A log that nobody reads any more must not end whoever writes to it: complaints about it would go to the same place.
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let log = tracing_subscriber::registry().with(filter).with(own.records());
    match config.encoding {
        Encoding::Console => log.with(lines).try_init(),
        Encoding::Json => log.with(lines.json().flatten_event(true)).try_init(),
    }
    .map_err(LogError::Twice)?;
    Ok(Log { targets })
}

impl Log {
    /// Tells so much from now on, unless the environment decides that.
    pub fn set_level(&self, level: Level) {
        if let Some(current) = &self.targets {
            current.store(Arc::new(targets(level)));
            // Each place in the code remembers whether it is heard.
            tracing::callsite::rebuild_interest_cache();
        }
    }
}

type Filter = Box<dyn Layer<Registry> + Send + Sync>;

/// What is told at `level`.
fn targets(level: Level) -> Targets {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    let double = if level == LevelFilter::DEBUG { LevelFilter::WARN } else { LevelFilter::OFF };
    let quiet = QUIET.map(|library| (library, level.min(LevelFilter::WARN)));
    Targets::new().with_default(level).with_targets(quiet).with_target(DOUBLE, double)
}

/// A filter that costs nothing where nothing changes: it is asked once by each place in the code.
struct Switch(Arc<ArcSwap<Targets>>);

impl Switch {
    fn tells(&self, metadata: &Metadata<'_>) -> bool {
        self.0.load().would_enable(metadata.target(), metadata.level())
    }
}

impl Layer<Registry> for Switch {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.tells(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, Registry>) -> bool {
        self.tells(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<Registry>::max_level_hint(&**self.0.load())
    }
}
