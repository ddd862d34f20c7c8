//! Sending again: a record is done with when a receiver has taken it, and not before.

use std::process::ExitCode;

use clap::Args;
use host_quarantine::{Poison, Record};

use super::{Place, one};
use crate::resend::{self, Header, Parcel, Target, header};

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
    // What the module was told of the request goes along, so that it is told the same again.
    let target = Target { endpoint: &args.endpoint, headers: &args.header };
    resend::empty(&folder, "the quarantine", &records, parcel, &target)
}

fn parcel(poison: &Poison) -> Parcel<'_> {
    Parcel {
        signal: poison.signal,
        items: poison.items,
        payload: poison.payload.clone(),
        metadata: &poison.context.metadata,
    }
}
