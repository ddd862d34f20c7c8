//! The configuration as the program uses it: validated, its warnings beside it.

use host_config::{Errors, Files, Location, Source, Telemetry, Validated, Warning};
use sha2::{Digest, Sha256};

use crate::catalog::Components;

/// What a valid configuration says.
pub(crate) struct Configuration {
    pub(crate) validated: Validated,
    pub(crate) telemetry: Telemetry,
    pub(crate) warnings: Vec<Warning>,
    /// The same for the same content: `sha256:` and its hexadecimal digits.
    pub(crate) hash: String,
}

/// Reads and validates the configuration that `locations` make up; files that its sections name are read through `named`.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(locations: &[Location], source: &dyn Source, named: &dyn Source) -> Result<Configuration, Errors> {
    let document = host_config::load_all(locations, source)?;
    let base = document.base.clone();
    let catalog = Components(Files::new(named, &base));
    let (validated, warnings) = host_config::validate(document, &catalog)?;
    let telemetry = match &validated.telemetry {
        Some(section) => section.decode()?,
        None => Telemetry::default(),
    };
    let hash = format!("sha256:{:x}", Sha256::digest(validated.whole.canonical()));
    Ok(Configuration { validated, telemetry, warnings, hash })
}

impl Configuration {
    /// Puts the warnings into the log.
    pub(crate) fn tell_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }
}
