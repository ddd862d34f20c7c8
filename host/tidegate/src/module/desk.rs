//! The desk is what the tools work at: a workbench, and the ways in which a module and what it may do are named.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use host_wasm::{GrantsConfig, Limits, NativeCode, Opened, Trial, Wanted, Workbench};
use tokio::runtime::Runtime;

use super::{files, told};
use crate::bundled;

/// No batch may hold a collector's thread for longer, either.
const LONGEST: Duration = Duration::from_secs(3600);

/// The limits and grants that a module is run under.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Bounds {
    /// What the module may read and write, as a file with `reads`, `writes` and `metadata`; without it, all that it asks for
    #[arg(long, value_name = "FILE")]
    grants: Option<PathBuf>,
    /// CPU time for a batch, as `limits.timeout` of a processor
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = timeout)]
    timeout: Duration,
    /// Linear memory of an instance, as `limits.memory_mib` of a processor
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    memory_mib: u32,
}

impl Bounds {
    pub(super) fn limits(&self) -> Limits {
        Limits { memory_mib: self.memory_mib, timeout: self.timeout, ..Limits::default() }
    }

    /// What the operator would grant, where that was said.
    ///
    /// # Errors
    /// The file says something else.
    pub(super) fn grants(&self) -> anyhow::Result<Option<GrantsConfig>> {
        let Some(path) = &self.grants else { return Ok(None) };
        let grants = files::yaml(path)?.decode();
        Ok(Some(grants.with_context(|| format!("cannot use `{}`", path.display()))?))
    }
}

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let timeout = host_config::time::parse(text).map_err(|error| error.to_string())?;
    if timeout.is_zero() || timeout > LONGEST {
        return Err("a duration of more than nothing and at most 1h is expected".to_owned());
    }
    Ok(timeout)
}

/// A workbench and the thread that waits for its compiler.
pub(super) struct Desk {
    runtime: Runtime,
    workbench: Workbench,
}

impl Desk {
    /// Makes room.
    ///
    /// # Errors
    /// What the machine does not provide.
    pub(super) fn new(native: NativeCode) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Desk { runtime, workbench: Workbench::start(native)? })
    }

    /// Reads a module and has it compiled.
    ///
    /// # Errors
    /// As a start would say it.
    pub(super) fn open(&self, module: &str) -> anyhow::Result<Opened> {
        let module = named(module)?;
        told::status("Loading", &format!("module {module}"));
        let opened = self.runtime.block_on(self.workbench.open(&module, bundled::modules()));
        opened.with_context(|| cannot_load(&module))
    }

    /// The module that changes nothing.
    ///
    /// # Errors
    /// It cannot be compiled.
    pub(super) fn idle(&self) -> anyhow::Result<Opened> {
        self.runtime.block_on(self.workbench.idle()).context("cannot load the module that changes nothing")
    }
}

/// A module in the way in which it is to be run.
///
/// # Errors
/// As a start would say it.
pub(super) fn configure(opened: &Opened, wanted: &Wanted<'_>) -> anyhow::Result<Trial> {
    opened.configure(wanted).with_context(|| format!("cannot run the module `{}` on {}", opened.name(), wanted.signal))
}

/// The configuration in a file, if there is one, as modules get it.
///
/// # Errors
/// The file cannot be read, or is no YAML.
pub(super) fn config(file: Option<&Path>) -> anyhow::Result<String> {
    host_wasm::configuration(file).context("cannot use the configuration of the module")
}

/// A bundled module by its name, or the path of a file, so that it is taken for one.
fn named(module: &str) -> anyhow::Result<String> {
    let is_bundled = |name: &str| bundled::modules().iter().any(|bundled| bundled.name == name);
    if is_bundled(module) || module.contains('/') || Path::new(module).extension().is_some_and(|end| end == "wasm") {
        return Ok(module.to_owned());
    }
    if bundled::is_missing(module) {
        bail!("this binary was built without the module `{module}`: run `cargo xtask guests` and build it again");
    }
    if Path::new(module).exists() {
        return Ok(format!("./{module}"));
    }
    let bundled: Vec<&str> = bundled::modules().iter().map(|bundled| bundled.name).collect();
    bail!("there is no module `{module}`: name a file, or one of the bundled modules: {}", bundled.join(", "))
}

fn cannot_load(module: &str) -> String {
    format!("cannot load the module `{module}`")
}
