//! The heartbeat is an event that says that the collector is there, at the start and from time to time.

use std::sync::Arc;
use std::time::Duration;

use host_component::{Origin, spawn};
use host_otlp::Payload;
use host_otlp::build::Logs;
use host_telemetry::{Counter, Metrics};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::exporter::Wire;
use super::translate::{self, Shape};

/// The task that beats; it ends when this is dropped.
pub(super) struct Heart(JoinHandle<()>);

impl Drop for Heart {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Heart {
    /// Beats every `interval`, counted under the Collector's names.
    pub(super) fn start(wire: Arc<Wire>, shape: Shape, every: Duration, exporter: &str, metrics: &Metrics) -> Self {
        let labels = [("exporter", exporter)];
        let counter = |name, help| metrics.counter(name, help, &labels);
        let sent = counter("otelcol_exporter_splunkhec_heartbeats_sent", "Heartbeats that Splunk took.");
        let failed = counter("otelcol_exporter_splunkhec_heartbeats_failed", "Heartbeats that it did not take.");
        Heart(spawn("heartbeat", exporter, beating(wire, shape, every, [sent, failed])))
    }
}

async fn beating(wire: Arc<Wire>, shape: Shape, every: Duration, [sent, failed]: [Counter; 2]) {
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match beat(&wire, &shape).await {
            Ok(()) => sent.inc(),
            Err(error) => {
                failed.inc();
                tracing::warn!(error, "the heartbeat failed");
            }
        }
    }
}

/// Sends one heartbeat.
///
/// # Errors
/// Where Splunk did not take it.
pub(super) async fn beat(wire: &Wire, shape: &Shape) -> Result<(), String> {
    // The heartbeat is an event whatever else is sent.
    let shape = Shape { is_raw: false, with_logs: true, ..shape.clone() };
    let (requests, _) = translate::requests(&payload(&shape), &shape);
    for request in requests {
        let ready = Wire::ready(request, wire.is_packed).map_err(|error| error.to_string())?;
        wire.send(&ready, &Origin::default()).await.map_err(|denial| denial.into_failure().to_string())?;
    }
    Ok(())
}

/// What the Collector says with a heartbeat.
fn payload(shape: &Shape) -> Payload {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let body = format!(
        "HeartbeatInfo version={} description=Tidegate os={} arch={}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
    );
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(|resource| {
            resource.attribute(&shape.names.index, "_internal");
            resource.attribute(&shape.names.source, "otelcol");
            resource.attribute(&shape.names.sourcetype, "heartbeat");
            resource.attribute(&shape.names.host, host.as_str());
        });
        resource_logs.scope_logs(|scope_logs| scope_logs.log_record(|record| record.body(&body)));
    });
    request.finish()
}
