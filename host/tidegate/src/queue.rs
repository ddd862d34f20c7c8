//! `tidegate queue`: what waits on disk for exporters, shown, sent elsewhere or dropped, and what no backend took.

mod dead;
mod drain;
mod list;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use host_component::ComponentId;
use host_config::{Location, Os};
use host_queue::offline::{self, Found};

use self::dead::DeadCommand;
use self::drain::DrainArgs;
use crate::configuration;
use crate::queues::Storages;

/// What was typed.
#[derive(Clone, Debug, Args)]
pub(crate) struct QueueArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// List the queues: whose they are, what they hold, and who has them
    List {
        #[command(flatten)]
        place: Place,
        /// As JSON, for programs
        #[arg(long)]
        json: bool,
    },
    /// Show what waits longest as JSON: the data as OTLP/JSON, and what its request said of itself
    Show {
        #[command(flatten)]
        queue: Named,
        /// How many requests
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Send what waits to a receiver, or through an exporter of a configuration; what is taken is not in the queue any more
    Drain(DrainArgs),
    /// Remove a queue with all that waits in it, its dead letters included
    Drop {
        #[command(flatten)]
        queue: Named,
        /// That this loses data which was acknowledged is understood
        #[arg(long)]
        yes: bool,
    },
    /// Look at what no backend took, and send it again
    #[command(subcommand)]
    Dead(DeadCommand),
}

/// Where queues lie.
#[derive(Clone, Debug, Args)]
struct Place {
    /// The folder of the storage: the `directory` of a `file_storage` extension
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    path: Option<PathBuf>,
    /// Or a configuration that says so
    #[arg(long, value_name = "LOCATION")]
    config: Vec<Location>,
}

/// One queue.
#[derive(Clone, Debug, Args)]
struct Named {
    /// The id of its exporter, or the name of its folder, as `list` shows them
    queue: String,
    #[command(flatten)]
    place: Place,
}

/// Does what was asked for.
///
/// # Errors
/// Where there is no such queue, a process has it that should not, or something is not taken.
pub(crate) fn run(args: &QueueArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::List { place, json } => list::print(&place.found()?, *json)?,
        Command::Show { queue, limit } => show::print(&queue.folder()?, *limit)?,
        Command::Drain(args) => return drain::run(args),
        Command::Drop { queue, yes } => drop_queue(queue, *yes)?,
        Command::Dead(command) => return dead::run(command),
    }
    Ok(ExitCode::SUCCESS)
}

fn drop_queue(queue: &Named, yes: bool) -> anyhow::Result<()> {
    let own = offline::Own::take(&queue.folder()?)?;
    let usage = own.usage();
    if !yes {
        bail!("{} items in {} requests wait there and would be lost: say --yes", usage.items, usage.records);
    }
    own.remove()?;
    println!("dropped: {} items in {} requests", usage.items, usage.records);
    Ok(())
}

impl Place {
    fn storages(&self) -> anyhow::Result<Vec<PathBuf>> {
        if let Some(path) = &self.path {
            return Ok(vec![path.clone()]);
        }
        if self.config.is_empty() {
            bail!("name the storage: --path FOLDER, or --config FILE of the collector that it is of");
        }
        let config = configuration::load(&self.config, &Os, &Os).map_err(|errors| super::unusable(&errors))?;
        let storages = Storages::of(&config.validated)?.folders();
        if storages.is_empty() {
            bail!("the configuration has no `file_storage` among `service.extensions`");
        }
        Ok(storages)
    }

    fn folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut folders = Vec::new();
        for storage in self.storages()? {
            folders.extend(offline::folders(&storage)?);
        }
        Ok(folders)
    }

    fn found(&self) -> anyhow::Result<Vec<Found>> {
        let folders = self.folders()?;
        Ok(folders.iter().map(|folder| offline::find(folder)).collect::<Result<_, _>>()?)
    }
}

impl Named {
    fn folder(&self) -> anyhow::Result<PathBuf> {
        let folders = self.place.folders()?;
        let id = self.queue.parse::<ComponentId>().ok();
        let of_id =
            id.map(|id| host_queue::folder_name(crate::catalog::canonical(host_component::Kind::Exporter, &id), &id));
        let is_named = |folder: &&PathBuf| {
            folder.file_name().is_some_and(|name| {
                let name = name.to_string_lossy();
                name == self.queue.as_str() || of_id.as_deref() == Some(&*name)
            })
        };
        let found = folders.iter().find(is_named).cloned();
        found.with_context(|| {
            format!("there is no queue {:?}: `tidegate queue list` shows those that are there", self.queue)
        })
    }
}
