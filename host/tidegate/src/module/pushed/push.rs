//! `tidegate module push` and `undo`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use host_manifest::{Fields, cut};
use host_modules::{Publication, Publisher};
use host_otlp::Signal;
use host_projection::Plan;
use host_wasm::{NativeCode, Wanted};
use serde_json::Value;

use super::{Place, finish, tell};
use crate::bundled;
use crate::module::desk::{self, Bounds, Desk};
use crate::module::{files, sign, told};

/// How long hosts may take, where nobody says.
const PATIENCE: &str = "2m";

#[derive(Clone, Debug, clap::Args)]
pub(in crate::module) struct PushArgs {
    /// A bundled module, or the path of a component
    module: String,
    /// The name that processors know it by, where it is not that of the file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The ConfigMap that it is published as, where that is not named as the module; up to 63 characters
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// The module's configuration, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The private key that it is signed with, in PEM; one that cosign encrypted is opened with COSIGN_PASSWORD, or asks
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The clusters that it is for, by their `cluster.id`, with `*` for any text
    #[arg(long, value_name = "PATTERN", value_delimiter = ',', default_value = "*")]
    clusters: Vec<String>,
    /// The revision, where it is not the next one
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u64>,
    /// Have the server say what it would do, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait until each host that says how modules stand has it
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = PATIENCE, value_parser = desk::timeout)]
    wait: Option<Duration>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    bounds: Bounds,
}

#[derive(Clone, Debug, clap::Args)]
pub(in crate::module) struct UndoArgs {
    /// The ConfigMap that the module is published as
    head: String,
    /// The revision to go back to, of those that are kept, where it is not the one before
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
    /// The private key that it is signed with, in PEM; one that cosign encrypted is opened with COSIGN_PASSWORD, or asks
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Have the server say what it would do, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait until each host that says how modules stand has it
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = PATIENCE, value_parser = desk::timeout)]
    wait: Option<Duration>,
    #[command(flatten)]
    place: Place,
}

/// Publishes a module.
///
/// # Errors
/// It would not load, or the cluster does not take it.
pub(in crate::module) fn push(args: &PushArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(head) = args.head.as_ref().filter(|head| !host_manifest::is_head(head)) {
        bail!(
            "{head:?} is no name for a head: choose one of up to 63 of a-z, 0-9, `-` and `.` with --head, with a letter or digit at its ends and beside each `.`"
        );
    }
    let config = desk::config(args.config.as_deref())?;
    let desk = Desk::new(NativeCode::Kept)?;
    let opened = desk.open(&args.module)?;
    let component = component(&args.module)?;
    let name = args.name.clone().unwrap_or_else(|| opened.name().to_owned());
    if !host_manifest::is_name(&name) {
        bail!(
            "{name:?} is no name for a module of a cluster: choose one of up to 63 of a-z, 0-9 and `-` with --name, with a letter or digit at its ends"
        );
    }
    let mut plans = Vec::new();
    let mut refused = None;
    for signal in Signal::ALL {
        let wanted = Wanted { signal, config: &config, limits: args.bounds.limits(), grants: None };
        match desk::configure(&opened, &wanted) {
            Ok(trial) => plans.push(trial.plan().clone()),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if let (true, Some(error)) = (plans.is_empty(), refused) {
        return Err(error.context("no host could run it"));
    }
    let requests = requests(&plans);
    let grants = args.bounds.grants()?.map_or_else(
        || requests.clone(),
        |granted| Fields { reads: granted.reads, writes: granted.writes, metadata: granted.metadata },
    );
    let (component, pieces) = cut(&name, &component).context("cannot pack the component")?;
    if component.digest.to_string() != opened.digest() {
        bail!("`{}` has changed meanwhile: push it when it is finished", args.module);
    }
    let config: Value = serde_json::from_str(&config).context("the configuration is no JSON")?;
    let (revision, clusters) = (args.revision, args.clusters.clone());
    let publication = Publication { component, pieces, config, requests, grants, clusters, revision };
    let key = args.key.as_deref().map(sign::key).transpose()?;
    let cluster = args.place.cluster()?;
    let publisher =
        Publisher { api: &cluster.api, namespace: &cluster.namespace, key: key.as_ref(), is_trial: args.dry_run };
    let head = args.head.clone().unwrap_or_else(|| name.clone());
    let pushed = cluster.runtime.block_on(publisher.push(&head, &name, publication, tell));
    let published = pushed.with_context(|| format!("cannot push {name} to {}", cluster.namespace))?;
    finish(&cluster, &published, args.wait.filter(|_| !args.dry_run), out)
}

/// Publishes again what was in force before.
///
/// # Errors
/// There is nothing to go back to, or the cluster does not take it.
pub(in crate::module) fn undo(args: &UndoArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let key = args.key.as_deref().map(sign::key).transpose()?;
    let cluster = args.place.cluster()?;
    let publisher =
        Publisher { api: &cluster.api, namespace: &cluster.namespace, key: key.as_ref(), is_trial: args.dry_run };
    let undone = cluster.runtime.block_on(publisher.undo(&args.head, args.to, tell));
    let published = undone.with_context(|| format!("cannot undo {} in {}", args.head, cluster.namespace))?;
    let (head, origin, revision) = (&published.head, published.origin, published.revision);
    told::status("Undone", &format!("{head} is what revision {origin} was, as revision {revision}"));
    finish(&cluster, &published, args.wait.filter(|_| !args.dry_run), out)
}

fn component(module: &str) -> anyhow::Result<Vec<u8>> {
    let bundled = bundled::modules().iter().find(|bundled| bundled.name == module);
    match bundled {
        Some(bundled) => Ok(bundled.component.to_vec()),
        None => files::read(module.as_ref()),
    }
}

/// What a module asks for, with all signals that it runs on.
fn requests(plans: &[Plan]) -> Fields {
    let reads: BTreeSet<String> = plans.iter().flat_map(|plan| &plan.reads).map(|read| read.path.clone()).collect();
    let writes: BTreeSet<String> = plans.iter().flat_map(|plan| &plan.writes).cloned().collect();
    Fields { reads: reads.into_iter().collect(), writes: writes.into_iter().collect(), metadata: Vec::new() }
}
