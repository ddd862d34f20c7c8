//! Dead letters: what no backend took, listed, shown and sent again.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use host_otlp::Limits;
use host_quarantine::Record;
use host_queue::{Letter, offline};
use serde_json::{Value, json};

use super::{Named, show};
use crate::quarantine::{one, time};
use crate::resend::{self, Header, Parcel, Target, header};

#[derive(Clone, Debug, Subcommand)]
pub(super) enum DeadCommand {
    /// List them as JSON, oldest first
    List {
        #[command(flatten)]
        queue: Named,
    },
    /// Show one as JSON: the data as OTLP/JSON, and what the backend said
    Show {
        #[command(flatten)]
        queue: Named,
        /// An id as `list` shows it, or as much of its beginning as no other has
        id: String,
    },
    /// Send them to a receiver, and take those out that it takes
    Replay(ReplayArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct ReplayArgs {
    #[command(flatten)]
    queue: Named,
    /// Ids as `list` shows them
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that lie there
    #[arg(long)]
    all: bool,
    /// Where to send them: an OTLP/gRPC receiver without TLS
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: String,
    /// A header to send along, such as authorization=Bearer …; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = header)]
    header: Vec<Header>,
}

pub(super) fn run(command: &DeadCommand) -> anyhow::Result<ExitCode> {
    match command {
        DeadCommand::List { queue } => {
            let letters: Vec<Value> = letters(queue)?.iter().map(head).collect();
            writeln!(io::stdout().lock(), "{:#}", json!({ "letters": letters }))?;
        }
        DeadCommand::Show { queue, id } => {
            let letters = letters(queue)?;
            let record = one(&letters, id)?;
            let letter = &record.content;
            // The sum of the record was right, and it was a checked request when it was written.
            let limits = Limits { depth: host_otlp::check::DEPTH, items: u32::MAX };
            let payload = host_otlp::check(letter.signal, letter.payload.clone(), &limits)
                .with_context(|| format!("the data of letter {} is no OTLP", record.id))?;
            let mut value = head(record);
            value["metadata"] = json!(letter.metadata);
            value["payload"] = show::request(&payload)?;
            writeln!(io::stdout().lock(), "{value:#}")?;
        }
        DeadCommand::Replay(args) => return replay(args),
    }
    Ok(ExitCode::SUCCESS)
}

fn letters(queue: &Named) -> anyhow::Result<Vec<Record<Letter>>> {
    let folder = queue.folder()?;
    if !offline::letters_folder(&folder).exists() {
        return Ok(Vec::new());
    }
    Ok(offline::letters(&folder)?.records)
}

fn head(record: &Record<Letter>) -> Value {
    let letter = &record.content;
    json!({
        "id": record.id,
        "time": time(letter.time),
        "exporter": letter.exporter,
        "signal": letter.signal.name(),
        "reason": letter.reason,
        "items": letter.items,
        "bytes": letter.payload.len(),
    })
}

/// Sends; success means that all were taken.
fn replay(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let folder = offline::letters_folder(&args.queue.folder()?);
    let letters = letters(&args.queue)?;
    let chosen: Vec<&Record<Letter>> = match args.all {
        true => letters.iter().collect(),
        false => args.ids.iter().map(|id| one(&letters, id)).collect::<anyhow::Result<_>>()?,
    };
    let target = Target { endpoint: &args.endpoint, headers: &args.header };
    resend::empty(&folder, "the dead letters", &chosen, parcel, &target)
}

fn parcel(letter: &Letter) -> Parcel<'_> {
    Parcel { signal: letter.signal, items: letter.items, payload: letter.payload.clone(), metadata: &letter.metadata }
}
