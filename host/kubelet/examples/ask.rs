//! Asks a kubelet as a section says, twice or as often as is said, and prints what comes of it:
//! `cargo run -p host-kubelet --example ask -- SECTION.yaml [TIMES]`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, MetadataKeys, Outcome, Payload, Receiver as _, Signal,
    Trigger,
};
use host_config::{Files, Os, Value};
use host_kubelet::Config;
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message as _;
use tokio::sync::mpsc;

struct Sink(mpsc::UnboundedSender<Payload>);

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        // Whoever does not look any more has seen enough.
        let _ = self.0.send(delivery.payload);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let section = arguments.next().ok_or("name a file with a section of the receiver")?;
    let times: usize = arguments.next().map(|times| times.parse()).transpose()?.unwrap_or(2);
    let value = Value::parse(&section, &std::fs::read_to_string(&section)?)?;
    let config: Config = value.checked(&Files::new(&Os, Path::new(".")))?;
    let (sender, mut taken) = mpsc::unbounded_channel();
    let mut consumers = Consumers::default();
    consumers.set(Signal::Metrics, Arc::new(Sink(sender)));
    let metrics = Metrics::new();
    let deps = Deps {
        budget: &Budget::default(),
        ack_timeout: Duration::from_secs(5),
        base: Path::new("."),
        auth: &Authenticators::default(),
        metadata: &MetadataKeys::default(),
        metrics: &metrics,
    };
    let receiver = config.build("kubelet_stats".parse()?, &consumers, &deps).await?;
    let (trigger, shutdown) = Trigger::new();
    let running = tokio::spawn(Box::new(receiver).run(shutdown));
    for time in 1..=times {
        let Some(payload) = taken.recv().await else { break };
        println!("# {time}");
        print(&ExportMetricsServiceRequest::decode(payload.contiguous())?);
    }
    trigger.fire();
    running.await?;
    Ok(())
}

fn print(request: &ExportMetricsServiceRequest) {
    for resource in &request.resource_metrics {
        println!("{}", pairs(resource.resource.iter().flat_map(|resource| &resource.attributes)));
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            let points = match &metric.data {
                Some(Data::Gauge(gauge)) => &gauge.data_points,
                Some(Data::Sum(sum)) => &sum.data_points,
                _ => continue,
            };
            for point in points {
                let value = point.value.map(|value| format!("{value:?}")).unwrap_or_default();
                println!("  {} {} {{{}}} {value}", metric.name, metric.unit, pairs(&point.attributes));
            }
        }
    }
}

fn pairs<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> String {
    let text = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => format!("{}={text}", attribute.key),
        other => format!("{}={other:?}", attribute.key),
    };
    attributes.into_iter().map(text).collect::<Vec<_>>().join(" ")
}
