//! `tidegate module status`: which modules are published, and how they stand on each host.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use host_modules::{Host, Report};
use tokio::time::sleep;

use super::{Place, grouped};
use crate::module::told::{BAD, plain};

const PAUSE: Duration = Duration::from_secs(2);

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
    let mut before = None;
    loop {
        let hosts = cluster.runtime.block_on(host_modules::hosts(&cluster.api, &cluster.namespace))?;
        let now = (rows(&hosts), left_out(&hosts));
        if before.as_ref() != Some(&now) {
            print(&now.0, out)?;
            now.1.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            out.flush()?;
        }
        before = Some(now);
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
        cluster.runtime.block_on(async { sleep(PAUSE).await });
    }
}

/// What is said of one head on one host.
type Row = [String; COLUMNS.len()];

const COLUMNS: [&str; 7] = ["MODULE", "HEAD", "HOST", "REVISION", "DIGEST", "STATE", "REASON"];

/// What stands where there is nothing.
const NONE: &str = "<none>";

fn rows(hosts: &[Host]) -> Vec<Row> {
    let row = |host: &Host, report: &Report| {
        let some = |text: String| if report.head.is_some() { text } else { NONE.to_owned() };
        let head = some(plain(report.head.as_deref().unwrap_or_default()));
        let (revision, digest) = (some(report.revision.to_string()), some(plain(&report.digest)));
        let [module, state, reason] = [&report.module, &report.state, &report.reason].map(|text| plain(text));
        [module, head, host.pod.clone(), revision, digest, state, reason]
    };
    let mut rows: Vec<_> = hosts.iter().flat_map(|host| host.modules.iter().map(|report| row(host, report))).collect();
    rows.sort();
    rows
}

/// Which hosts have more to say than their pods have room for.
fn left_out(hosts: &[Host]) -> Vec<String> {
    let more = hosts.iter().filter(|host| host.left_out > 0);
    let line = |host: &Host| {
        let (pod, more) = (&host.pod, grouped(host.left_out as u64));
        format!("{pod} has {more} more, for which its pod has no room: those that have been live longest")
    };
    more.map(line).collect()
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
    let has_names = rows.iter().any(|[module, head, ..]| module != head && head != NONE);
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

#[cfg(test)]
mod tests;
