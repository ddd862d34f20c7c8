//! Draining: what waits in a queue that no collector has is sent, in order, and is done with when it is taken.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use host_component::{ComponentId, Delivery, Exporter};
use host_config::{Location, Os};
use host_queue::offline::Own;
use host_telemetry::Metrics;

use super::Named;
use crate::client::Client;
use crate::configuration;
use crate::factories::Factories;
use crate::resend::{self, Header, Parcel, TIMEOUT, header, items};

#[derive(Clone, Debug, Args)]
pub(super) struct DrainArgs {
    #[command(flatten)]
    queue: Named,
    /// Where to send it: an OTLP/gRPC receiver without TLS
    #[arg(long, value_name = "HOST:PORT", required_unless_present = "exporter", conflicts_with = "exporter")]
    endpoint: Option<String>,
    /// A header to send along, such as authorization=Bearer …; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = header, requires = "endpoint")]
    header: Vec<Header>,
    /// Or the exporter to send it through, of the configuration that `--through` names
    #[arg(long, value_name = "ID", requires = "through")]
    exporter: Option<ComponentId>,
    /// The configuration of that exporter
    #[arg(long, value_name = "LOCATION")]
    through: Vec<Location>,
}

/// Where things are sent.
enum Way {
    Receiver(Client, Vec<Header>),
    Exporter(Arc<dyn Exporter>),
}

/// Sends; success means that all was taken.
pub(super) fn run(args: &DrainArgs) -> anyhow::Result<ExitCode> {
    let own = Own::take(&args.queue.folder()?)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let sent = runtime.block_on(async {
        let way = Way::of(args).await?;
        let mut sent = 0;
        while let Some(one) = own.next()? {
            let delivery = one.delivery();
            let told = items(delivery.payload.items(), delivery.payload.signal());
            way.send(delivery).await.with_context(|| format!("{told} were not taken; they and the rest stay"))?;
            own.done(one)?;
            sent += 1;
        }
        if let Way::Exporter(exporter) = way {
            exporter.drain().await;
        }
        anyhow::Ok(sent)
    });
    own.keep()?;
    println!("{} requests were taken", sent?);
    Ok(ExitCode::SUCCESS)
}

impl Way {
    async fn of(args: &DrainArgs) -> anyhow::Result<Self> {
        if let Some(endpoint) = &args.endpoint {
            let client = Client::connect(endpoint, TIMEOUT).await;
            let client = client.with_context(|| format!("no receiver answers at {endpoint}"))?;
            return Ok(Way::Receiver(client, args.header.clone()));
        }
        let Some(id) = &args.exporter else { bail!("name where to send it: --endpoint or --exporter") };
        let config = configuration::load(&args.through, &Os, &Os).map_err(|errors| crate::unusable(&errors))?;
        let section = config.validated.exporters.get(id);
        let section = section.with_context(|| format!("the configuration has no exporter {id}"))?;
        let factories = Factories::new(&config.validated, &Metrics::new())?;
        let exporter = factories.sender(id, section).await;
        let exporter = exporter.map_err(|cause| anyhow!("cannot start exporter {id}: {cause}"))?;
        Ok(Way::Exporter(exporter))
    }

    async fn send(&self, delivery: &Delivery) -> anyhow::Result<()> {
        match self {
            Way::Exporter(exporter) => Ok(exporter.consume(delivery.clone()).await?),
            Way::Receiver(client, headers) => {
                let (payload, metadata) = (&delivery.payload, delivery.origin.metadata.as_slice());
                let (signal, items) = (payload.signal(), payload.items());
                let parcel = Parcel { signal, items, payload: payload.contiguous(), metadata };
                resend::deliver(client, &parcel, headers).await
            }
        }
    }
}
