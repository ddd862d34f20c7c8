//! The configurations of the collectors under test.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use crate::process::free_port;
use crate::wire::Protocol;

/// Where a collector listens.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: SocketAddr,
    pub(crate) http: SocketAddr,
    pub(crate) health: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

impl Ports {
    pub(crate) fn free() -> Ports {
        Ports { grpc: free_port(), http: free_port(), health: free_port(), metrics: free_port() }
    }
}

/// Where an exporter sends.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) protocol: Protocol,
    pub(crate) address: SocketAddr,
}

/// What an exporter does with what it cannot send at once.
#[derive(Clone, Copy)]
pub(crate) enum Waiting<'a> {
    /// The sender waits, for so many seconds at most.
    Sender { seconds: u32 },
    /// It lies in a durable queue of so many MiB in this folder.
    Queue { folder: &'a Path, mib: u64 },
}

/// A tidegate between a sender and its targets, each of which is required.
pub(crate) struct Collector<'a> {
    pub(crate) ports: Ports,
    pub(crate) targets: &'a [Target],
    pub(crate) waiting: Waiting<'a>,
    /// Whether a module runs.
    pub(crate) has_module: bool,
    /// Signals, of which each goes to the targets of its place; all to all where it is empty.
    pub(crate) split: bool,
}

impl Collector<'_> {
    pub(crate) fn yaml(&self) -> String {
        let Ports { grpc, http, health, metrics } = self.ports;
        let mut yaml = format!(
            "receivers:\n  otlp: {{ protocols: {{ grpc: {{ endpoint: \"{grpc}\" }}, http: {{ endpoint: \"{http}\" }} }} }}\n\
             processors:\n  batch: {{}}\n"
        );
        if self.has_module {
            yaml.push_str(
                "  wasm/labels: { module: cluster-labels, config: { attributes: { cluster.id: faults } } }\n",
            );
        }
        yaml.push_str("exporters:\n");
        for (index, target) in self.targets.iter().enumerate() {
            self.exporter(&mut yaml, index, target);
        }
        let _ = writeln!(yaml, "extensions:\n  health_check: {{ endpoint: \"{health}\" }}");
        if let Waiting::Queue { folder, .. } = self.waiting {
            let folder = folder.display();
            let _ = writeln!(yaml, "  file_storage/queues: {{ directory: \"{folder}\", create_directory: true }}");
        }
        let extensions = match self.waiting {
            Waiting::Queue { .. } => "[health_check, file_storage/queues]",
            Waiting::Sender { .. } => "[health_check]",
        };
        let processors = if self.has_module { "[batch, wasm/labels]" } else { "[batch]" };
        let _ = writeln!(
            yaml,
            "service:\n  extensions: {extensions}\n  telemetry: {{ logs: {{ level: info }}, metrics: {{ address: \"{metrics}\" }} }}\n  pipelines:"
        );
        for (place, signal) in ["logs", "traces", "metrics"].into_iter().enumerate() {
            let targets = self.targets.iter().enumerate().map(|(index, target)| name(index, target));
            let exporters: Vec<String> = match self.split {
                true => targets.skip(place % self.targets.len()).take(1).collect(),
                false => targets.collect(),
            };
            let exporters = exporters.join(", ");
            let _ = writeln!(
                yaml,
                "    {signal}: {{ receivers: [otlp], processors: {processors}, exporters: [{exporters}] }}"
            );
        }
        yaml
    }

    fn exporter(&self, yaml: &mut String, index: usize, target: &Target) {
        let address = target.address;
        let endpoint = match target.protocol {
            Protocol::Grpc => format!("{address}"),
            Protocol::Http => format!("http://{address}"),
        };
        let (elapsed, queue) = match self.waiting {
            Waiting::Sender { seconds } => (seconds, String::new()),
            Waiting::Queue { mib, .. } => {
                let bytes = mib << 20;
                let queue = format!(
                    "    sending_queue: {{ storage: file_storage/queues, sizer: bytes, queue_size: {bytes} }}\n"
                );
                (0, queue)
            }
        };
        let _ = write!(
            yaml,
            "  {}:\n    endpoint: \"{endpoint}\"\n    compression: none\n    timeout: 2s\n    tls: {{ insecure: true }}\n    \
             retry_on_failure: {{ initial_interval: 100ms, max_interval: 1s, max_elapsed_time: {elapsed}s }}\n{queue}",
            name(index, target)
        );
    }
}

fn name(index: usize, target: &Target) -> String {
    match target.protocol {
        Protocol::Grpc => format!("otlp_grpc/{index}"),
        Protocol::Http => format!("otlp_http/{index}"),
    }
}

/// A Collector that relays to one server, with a queue in memory.
pub(crate) fn otelcol(ports: Ports, server: SocketAddr, memory_limit_mib: Option<u32>) -> String {
    let Ports { grpc, http, health, .. } = ports;
    let (limiter, middleware, extensions) = match memory_limit_mib {
        None => (String::new(), "", "[health_check]"),
        Some(limit) => (
            format!("  memory_limiter: {{ check_interval: 100ms, limit_mib: {limit}, spike_limit_mib: 0 }}\n"),
            ", middlewares: [{ id: memory_limiter }]",
            "[health_check, memory_limiter]",
        ),
    };
    format!(
        "receivers:\n  otlp: {{ protocols: {{ grpc: {{ endpoint: \"{grpc}\"{middleware} }}, http: {{ endpoint: \"{http}\"{middleware} }} }} }}\n\
         exporters:\n  otlp_grpc:\n    endpoint: \"{server}\"\n    compression: none\n    tls: {{ insecure: true }}\n    \
         sending_queue: {{ queue_size: 100000 }}\n    \
         retry_on_failure: {{ initial_interval: 200ms, max_interval: 2s, max_elapsed_time: 0s }}\n\
         extensions:\n  health_check: {{ endpoint: \"{health}\" }}\n{limiter}\
         service:\n  extensions: {extensions}\n  telemetry: {{ logs: {{ level: warn }}, metrics: {{ level: none }} }}\n  pipelines:\n    \
         logs: {{ receivers: [otlp], exporters: [otlp_grpc] }}\n    \
         traces: {{ receivers: [otlp], exporters: [otlp_grpc] }}\n    \
         metrics: {{ receivers: [otlp], exporters: [otlp_grpc] }}\n"
    )
}
