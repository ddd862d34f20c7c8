//! `tidegate quarantine`: what no module could process, listed, shown and sent again.

mod list;
mod replay;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use host_config::{Location, Os};
use host_modules::ModulesSection;
use host_quarantine::{Contents, Record};

use crate::configuration;

use self::replay::ReplayArgs;
pub(crate) use self::show::time;

/// What was typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct QuarantineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// List what lies there, oldest first
    List(ListArgs),
    /// Show one record as JSON: the data as OTLP/JSON, what the module was told besides, and what it failed with
    Show(ShowArgs),
    /// Send records to a receiver, and take those out that it takes
    ///
    /// They go through all processors of the pipeline behind that receiver; what fails again comes back as a new record.
    Replay(ReplayArgs),
}

/// Where the quarantine lies.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The folder: the configuration's modules.quarantine.path
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    path: Option<PathBuf>,
    /// Or a configuration that says so
    #[arg(long, value_name = "LOCATION")]
    config: Vec<Location>,
}

#[derive(Clone, Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ShowArgs {
    /// An id as `list` shows it, or as much of its beginning as no other has
    id: String,
    #[command(flatten)]
    place: Place,
}

/// Does what was asked for.
///
/// # Errors
/// Where there is no quarantine, it cannot be read, or a record is not there or not taken.
pub(crate) fn run(args: &QuarantineArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List(args) => list::print(&args.place.read()?, args.json)?,
        Command::Show(args) => show::print(one(&args.place.read()?.records, &args.id)?)?,
        Command::Replay(args) => return replay::run(args),
    }
    Ok(ExitCode::SUCCESS)
}

impl Place {
    fn folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        if self.config.is_empty() {
            bail!("name the quarantine: --path FOLDER, or --config FILE of the collector that it is of");
        }
        let config = configuration::load(&self.config, &Os, &Os).map_err(|errors| super::unusable(&errors))?;
        let modules: ModulesSection = match &config.validated.modules {
            Some(section) => section.decode()?,
            None => ModulesSection::default(),
        };
        let path = modules.quarantine.path;
        let path = path.context("the configuration has no quarantine: modules.quarantine.path is not set")?;
        Ok(config.validated.base.join(path))
    }

    /// What lies there; what of it cannot be read is told.
    fn read(&self) -> anyhow::Result<Contents> {
        let contents = host_quarantine::read(&self.folder()?)?;
        if contents.damaged_bytes > 0 {
            eprintln!(
                "{} bytes of it are no record: a write was cut short, whose batch was not acknowledged, or the file is damaged",
                contents.damaged_bytes
            );
        }
        if contents.unreadable > 0 {
            eprintln!("{} records were written by a newer tidegate and are left out", contents.unreadable);
        }
        Ok(contents)
    }
}

/// The record whose id begins so.
pub(crate) fn one<'r, P>(records: &'r [Record<P>], id: &str) -> anyhow::Result<&'r Record<P>> {
    let mut found = records.iter().filter(|record| record.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(record), None) => Ok(record),
        (Some(one), Some(other)) => {
            Err(anyhow!("several records begin with {id:?}, {} and {} among them: write more of it", one.id, other.id))
        }
        (None, _) => Err(anyhow!("there is no record {id:?}: `tidegate quarantine list` shows those that are there")),
    }
}

#[cfg(test)]
mod tests;
