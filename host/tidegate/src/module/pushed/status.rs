//! `tidegate module status`: which modules are published, and how they stand on each host.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use host_modules::{Host, Report};
use tokio::time::sleep;

use super::Place;
use crate::module::told::{BAD, plain};

const PAUSE: Duration = Duration::from_secs(2);
/// Digits of a digest that people need.
const SHORT: usize = 12;

#[derive(Clone, Debug, clap::Args)]
pub(in crate::module) struct StatusArgs {
    /// Go on, and print what changes
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    place: Place,
}

/// Prints a table as kubectl does.
///
/// # Errors
/// The cluster does not tell.
pub(in crate::module) fn status(args: &StatusArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let cluster = args.place.cluster()?;
    let mut before: Option<Vec<Row>> = None;
    loop {
        let hosts = cluster.runtime.block_on(host_modules::hosts(&cluster.api, &cluster.namespace))?;
        let rows = rows(&hosts);
        if before.as_ref() != Some(&rows) {
            print(&rows, out)?;
            out.flush()?;
        }
        before = Some(rows);
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
        cluster.runtime.block_on(async { sleep(PAUSE).await });
    }
}

/// What is said of one head on one host.
type Row = [String; COLUMNS.len()];

const COLUMNS: [&str; 7] = ["MODULE", "HEAD", "HOST", "REVISION", "DIGEST", "STATE", "REASON"];

fn rows(hosts: &[Host]) -> Vec<Row> {
    let row = |host: &Host, report: &Report| {
        let digest = report.digest.chars().take(SHORT).collect();
        let names = [plain(&report.module), plain(&report.head)];
        let texts = [report.revision.to_string(), digest, plain(&report.state)];
        let ([module, head], [revision, digest, state]) = (names, texts);
        [module, head, host.pod.clone(), revision, digest, state, plain(&report.reason)]
    };
    let mut rows: Vec<_> = hosts.iter().flat_map(|host| host.modules.iter().map(|report| row(host, report))).collect();
    rows.sort();
    rows
}

fn print(rows: &[Row], out: &mut dyn Write) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(writeln!(out, "no host says anything of modules")?);
    }
    let names = COLUMNS.map(str::to_owned);
    let all: Vec<&Row> = std::iter::once(&names).chain(rows).collect();
    let width = |at: usize| all.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS.len()] = std::array::from_fn(width);
    // A head is named as its module where nobody says otherwise.
    let has_names = rows.iter().any(|[module, head, ..]| module != head);
    for row in all {
        let [module, head, host, revision, digest, state, reason] = row;
        let [a, b, c, d, e, f, _] = widths;
        let name = if has_names { format!("{module:<a$}   {head:<b$}") } else { format!("{module:<a$}") };
        let line = format!("{name}   {host:<c$}   {revision:<d$}   {digest:<e$}   {state:<f$}   {reason}");
        let is_bad = !matches!(state.as_str(), "STATE" | "Live" | "Compiling");
        match is_bad {
            true => writeln!(out, "{BAD}{}{BAD:#}", line.trim_end())?,
            false => writeln!(out, "{}", line.trim_end())?,
        }
    }
    Ok(())
}
