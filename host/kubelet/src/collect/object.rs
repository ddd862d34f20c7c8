//! The points of one object, all of which begin when the object did.

use host_periodic::{Choices, Recorder, Spec, resource};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use crate::details::Capacity;
use crate::metric::{Family, Shares};
use crate::pods::Resources;
use crate::summary::{Cpu, Filesystem, Interface, Memory};
use crate::usage::{Usage, Whose};

/// The scope: the Collector's.
const SCOPE: &str = "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/kubeletstatsreceiver";
const NANOSECONDS: f64 = 1e9;

pub(super) struct Object<'a> {
    recorder: Recorder<'a>,
    start: Option<u64>,
    now: u64,
}

/// What the kubelet says of a node, a pod or a container.
#[derive(Default)]
pub(super) struct Stats<'a> {
    pub(super) cpu: Option<&'a Cpu>,
    pub(super) memory: Option<&'a Memory>,
    pub(super) filesystem: Option<&'a Filesystem>,
    pub(super) interfaces: &'a [Interface<'a>],
    /// What it may use.
    pub(super) resources: Resources,
    /// What the node has.
    pub(super) capacity: Capacity,
}

impl<'a> Object<'a> {
    pub(super) fn new(choices: &'a Choices, start: Option<u64>, now: u64) -> Self {
        Object { recorder: Recorder::new(choices, start.unwrap_or_default(), now), start, now }
    }

    pub(super) fn number(&mut self, spec: &Spec, value: Option<i64>) {
        self.number_with(spec, value, &[]);
    }

    pub(super) fn number_with(&mut self, spec: &Spec, value: Option<i64>, attributes: &[(&str, &str)]) {
        if let Some(value) = value {
            self.recorder.record(spec, value, attributes);
        }
    }

    fn share(&mut self, spec: &Spec, used: f64, of: Option<f64>) {
        if let Some(of) = of {
            self.recorder.record(spec, used / of, &[]);
        }
    }

    fn shares(&mut self, shares: &Shares, used: f64, limit: Option<f64>, request: Option<f64>, node: Option<f64>) {
        self.share(&shares.of_limit, used, limit);
        self.share(&shares.of_request, used, request);
        self.share(&shares.of_node, used, node);
    }

    /// All that is of a family; `usage` remembers whose CPU time it was.
    pub(super) fn family(&mut self, family: &Family, stats: &Stats<'_>, whose: Whose, usage: &mut Usage) {
        if let (Some(uptime), Some(start)) = (&family.uptime, self.start) {
            let up = self.now.saturating_sub(start) / 1_000_000_000;
            self.recorder.record(uptime, up, &[]);
        }
        if let Some(cpu) = stats.cpu {
            self.cpu(family, stats, cpu, whose, usage);
        }
        if let Some(memory) = stats.memory {
            self.memory(family, stats, memory);
        }
        if let (Some(specs), Some(filesystem)) = (&family.filesystem, stats.filesystem) {
            self.number(&specs.available, filesystem.available_bytes);
            self.number(&specs.capacity, filesystem.capacity_bytes);
            self.number(&specs.usage, filesystem.used_bytes);
            if let Some((count, free)) = &specs.inodes {
                self.number(count, filesystem.inodes);
                self.number(free, filesystem.inodes_free);
            }
        }
        if let Some(specs) = &family.network {
            for interface in stats.interfaces {
                let name = &*interface.name;
                let (receive, transmit) =
                    ([("interface", name), ("direction", "receive")], [("interface", name), ("direction", "transmit")]);
                self.number_with(&specs.io, interface.rx_bytes, &receive);
                self.number_with(&specs.io, interface.tx_bytes, &transmit);
                self.number_with(&specs.errors, interface.rx_errors, &receive);
                self.number_with(&specs.errors, interface.tx_errors, &transmit);
            }
        }
    }

    fn cpu(&mut self, family: &Family, stats: &Stats<'_>, cpu: &Cpu, whose: Whose, usage: &mut Usage) {
        let Some(nanoseconds) = cpu.usage_core_nano_seconds else { return };
        self.recorder.record(&family.cpu.time, nanoseconds as f64 / NANOSECONDS, &[]);
        let Some(cores) = cpu.time.and_then(|at| usage.cores(whose, at, nanoseconds)) else { return };
        self.recorder.record(&family.cpu.usage, cores, &[]);
        if let Some(shares) = &family.cpu.shares {
            let Resources { cpu_limit, cpu_request, .. } = stats.resources;
            self.shares(shares, cores, cpu_limit, cpu_request, stats.capacity.cpu);
        }
    }

    fn memory(&mut self, family: &Family, stats: &Stats<'_>, memory: &Memory) {
        let specs = &family.memory;
        self.number(&specs.usage, memory.usage_bytes);
        self.number(&specs.working_set, memory.working_set_bytes);
        if let Some(more) = &specs.more {
            self.number(&more.available, memory.available_bytes);
            self.number(&more.rss, memory.rss_bytes);
            self.number(&more.page_faults, memory.page_faults);
            self.number(&more.major_page_faults, memory.major_page_faults);
        }
        if let (Some(shares), Some(used)) = (&specs.shares, memory.usage_bytes) {
            let Resources { memory_limit, memory_request, .. } = stats.resources;
            self.shares(shares, used as f64, memory_limit, memory_request, stats.capacity.memory);
        }
    }

    /// What there is, if anything.
    pub(super) fn finish(self, attributes: Vec<KeyValue>) -> Option<ResourceMetrics> {
        let mut metrics = self.recorder.finish();
        let start = self.start.unwrap_or_default();
        for metric in &mut metrics {
            if let Some(Data::Gauge(gauge)) = &mut metric.data {
                gauge.data_points.iter_mut().for_each(|point| point.start_time_unix_nano = start);
            }
        }
        (!metrics.is_empty()).then(|| resource(attributes, SCOPE, "", metrics))
    }
}
