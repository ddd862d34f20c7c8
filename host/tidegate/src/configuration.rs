//! The configuration as the program uses it: validated, its warnings beside it.

use std::path::Path;

use anyhow::anyhow;
use host_config::{Files, Os, Telemetry, Validated, Warning};

use crate::catalog::Components;

/// What a valid configuration says.
pub(crate) struct Configuration {
    pub(crate) validated: Validated,
    pub(crate) telemetry: Telemetry,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads and validates the configuration at `path`.
///
/// # Errors
/// Everything that is wrong with it, one problem a line.
pub(crate) fn load(path: &Path) -> anyhow::Result<Configuration> {
    let wrong = |errors: host_config::Errors| anyhow!("the configuration cannot be used\n{errors}");
    let document = host_config::load(path, &Os).map_err(wrong)?;
    let base = document.base.clone();
    let catalog = Components(Files::new(&Os, &base));
    let (validated, warnings) = host_config::validate(document, &catalog).map_err(wrong)?;
    let telemetry = match &validated.telemetry {
        Some(section) => section.decode().map_err(wrong)?,
        None => Telemetry::default(),
    };
    Ok(Configuration { validated, telemetry, warnings })
}

impl Configuration {
    /// Puts the warnings into the log.
    pub(crate) fn tell_warnings(&self) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
    }

    /// Where the collector shows its metrics, or nothing where that is switched off.
    pub(crate) fn metrics_address(&self) -> Option<String> {
        self.telemetry.metrics.endpoint().filter(|address| address != "none")
    }
}
