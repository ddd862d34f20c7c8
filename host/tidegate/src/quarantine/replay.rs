//! Sending again: a record is done with when a receiver has taken it, and not before.

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use host_quarantine::Record;

use super::{Place, one};
use crate::client::Client;
use crate::resend::{self, Header, Parcel, TIMEOUT, header, items};

#[derive(Clone, Debug, Args)]
pub(super) struct ReplayArgs {
    /// Ids as `list` shows them
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All that lie there
    #[arg(long)]
    all: bool,
    /// Where to send them: an OTLP/gRPC receiver without TLS, such as the collector's own
    #[arg(long, value_name = "HOST:PORT")]
    endpoint: String,
    /// A header to send along, such as authorization=Bearer …; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = header)]
    header: Vec<Header>,
    #[command(flatten)]
    place: Place,
}

/// Sends; success means that all were taken.
pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let folder = args.place.folder()?;
    let contents = args.place.read()?;
    let records: Vec<&Record> = match args.all {
        true => contents.records.iter().collect(),
        false => args.ids.iter().map(|id| one(&contents.records, id)).collect::<anyhow::Result<_>>()?,
    };
    if records.is_empty() {
        println!("there is nothing to send");
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let failed = runtime.block_on(async {
        let client = Client::connect(&args.endpoint, TIMEOUT).await;
        let client = client.with_context(|| format!("no receiver answers at {}", args.endpoint))?;
        let mut failed = 0;
        for record in records {
            let content = &record.content;
            // What the module was told of the request goes along, so that it is told the same again.
            let parcel = Parcel {
                signal: content.signal,
                items: content.items,
                payload: content.payload.clone(),
                metadata: &content.context.metadata,
            };
            match resend::deliver(&client, &parcel, &args.header).await {
                Ok(()) => {
                    let marked = host_quarantine::finish(&folder, &record.id);
                    marked.with_context(|| {
                        format!("{} was taken, and stays in the quarantine all the same", record.id)
                    })?;
                    println!("{}: {} taken", record.id, items(content.items, content.signal));
                }
                Err(error) => {
                    failed += 1;
                    eprintln!("{}: {error:#}", record.id);
                }
            }
        }
        anyhow::Ok(failed)
    })?;
    host_quarantine::compact(&folder)?;
    match failed {
        0 => Ok(ExitCode::SUCCESS),
        failed => Err(anyhow!("{failed} records were not taken and stay in the quarantine")),
    }
}
