//! Sending again: a record is done with when a receiver has taken it, and not before.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use host_quarantine::Record;
use tokio::time::sleep;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap};

use super::{Place, one};
use crate::client::{Answer, Client};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a record is sent that the receiver wants again.
const TRIES: u32 = 5;
const BACKOFF: Duration = Duration::from_secs(1);

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
    header: Vec<(AsciiMetadataKey, AsciiMetadataValue)>,
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
            match deliver(&client, record, &headers(record, &args.header)).await {
                Ok(()) => {
                    let marked = host_quarantine::finish(&folder, &record.id);
                    marked.with_context(|| {
                        format!("{} was taken, and stays in the quarantine all the same", record.id)
                    })?;
                    println!("{}: {} taken", record.id, items(record));
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

async fn deliver(client: &Client, record: &Record, metadata: &MetadataMap) -> anyhow::Result<()> {
    let poison = &record.poison;
    let mut backoff = BACKOFF;
    for left in (0..TRIES).rev() {
        match client.send_as(poison.signal, poison.payload.clone(), metadata).await {
            Answer::Acknowledged { rejected: 0 } => return Ok(()),
            Answer::Acknowledged { rejected } => bail!("the receiver rejected {rejected} of {}", items(record)),
            Answer::Failed { code, said } => bail!("the receiver refused it: {code:?}: {said}"),
            Answer::Again { code, said, .. } if left == 0 => bail!("the receiver wants it later: {code:?}: {said}"),
            Answer::Again { after, .. } => {
                sleep(after.unwrap_or(backoff)).await;
                backoff *= 2;
            }
        }
    }
    Ok(())
}

fn items(record: &Record) -> String {
    let items = record.poison.items;
    format!("{items} {}", record.poison.signal.items_name().replace('_', " "))
}

/// What the module was told of the request goes along, so that it is told the same again; what was typed wins.
fn headers(record: &Record, typed: &[(AsciiMetadataKey, AsciiMetadataValue)]) -> MetadataMap {
    let mut headers = MetadataMap::new();
    for (key, value) in &record.poison.context.metadata {
        // What is no header did not come as one.
        if let (Ok(key), Ok(value)) = (key.parse::<AsciiMetadataKey>(), value.parse::<AsciiMetadataValue>()) {
            headers.append(key, value);
        }
    }
    for (key, _) in typed {
        headers.remove(key);
    }
    for (key, value) in typed {
        headers.append(key.clone(), value.clone());
    }
    headers
}

fn header(text: &str) -> Result<(AsciiMetadataKey, AsciiMetadataValue), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    let key = key.trim().to_ascii_lowercase().parse().map_err(|_| format!("{key:?} is no name of a header"))?;
    let value = value.parse().map_err(|_| "the value holds what no header may".to_owned())?;
    Ok((key, value))
}
