//! Cards under the names of OpenTelemetry's semantic conventions for hardware.

use host_periodic::{Kind, Number, Recorder, Spec, attribute};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};

use super::card::{Card, Fan, Identity, Instance, Memory, State};
use super::pods::{Owner, Owners};

const UTILIZATION: Spec =
    Spec::new(Kind::Gauge, "hw.gpu.utilization", "1", "Fraction of time spent in a specific task.");
const MEMORY_LIMIT: Spec = Spec::new(Kind::Sum, "hw.gpu.memory.limit", "By", "Size of the GPU memory.");
const MEMORY_USAGE: Spec = Spec::new(Kind::Sum, "hw.gpu.memory.usage", "By", "GPU memory used.");
const MEMORY_UTILIZATION: Spec =
    Spec::new(Kind::Gauge, "hw.gpu.memory.utilization", "1", "Fraction of GPU memory used.");
const IO: Spec = Spec::new(Kind::Counter, "hw.gpu.io", "By", "Received and transmitted bytes by the GPU.");
const TEMPERATURE: Spec = Spec::new(Kind::Gauge, "hw.temperature", "Cel", "Temperature in degrees Celsius.");
const POWER: Spec = Spec::new(Kind::Gauge, "hw.power", "W", "Instantaneous power consumed by the component.");
const ENERGY: Spec = Spec::new(Kind::Counter, "hw.energy", "J", "Energy consumed by the component.");
const ERRORS: Spec = Spec::new(Kind::Counter, "hw.errors", "{error}", "Number of errors encountered by the component.");
const STATUS: Spec = Spec::new(
    Kind::Sum,
    "hw.status",
    "1",
    "Operational status: `1` (true) or `0` (false) for each of the possible states.",
);
const FAN_SPEED: Spec = Spec::new(Kind::Gauge, "hw.fan.speed", "rpm", "Fan speed in revolutions per minute.");
const FAN_RATIO: Spec =
    Spec::new(Kind::Gauge, "hw.fan.speed_ratio", "1", "Fan speed expressed as a fraction of its maximum speed.");
/// The conventions have none for it.
pub(super) const PROCESS_MEMORY: Spec =
    Spec::new(Kind::Sum, "hw.gpu.process.memory.usage", "By", "GPU memory used by a process.").optional();

pub(super) const METRICS: &[Spec] = &[
    UTILIZATION,
    MEMORY_LIMIT,
    MEMORY_USAGE,
    MEMORY_UTILIZATION,
    IO,
    TEMPERATURE,
    POWER,
    ENERGY,
    ERRORS,
    STATUS,
    FAN_SPEED,
    FAN_RATIO,
    PROCESS_MEMORY,
];

/// Points of one piece of hardware.
struct Points<'a, 'b> {
    recorder: &'a mut Recorder<'b>,
    attributes: Vec<KeyValue>,
}

impl Points<'_, '_> {
    fn add(&mut self, spec: &Spec, value: Option<impl Into<Number>>, more: &[(&str, &str)]) {
        let Some(value) = value else { return };
        let attributes = &self.attributes;
        self.recorder.record_with(spec, value, || {
            let more = more.iter().map(|(key, value)| attribute(key, *value));
            attributes.iter().cloned().chain(more).collect()
        });
    }

    fn memory(&mut self, memory: Option<&Memory>) {
        let Some(memory) = memory else { return };
        self.add(&MEMORY_LIMIT, Some(memory.total), &[]);
        self.add(&MEMORY_USAGE, Some(memory.used), &[]);
        let share = (memory.total > 0).then(|| memory.used as f64 / memory.total as f64);
        self.add(&MEMORY_UTILIZATION, share, &[]);
    }
}

pub(super) fn record(card: &Card, owners: &Owners, recorder: &mut Recorder<'_>) {
    let identity = &card.identity;
    let uuid = identity.uuid.as_str();
    let owner = owners.of_card(identity);
    let mut points = Points { recorder, attributes: attributes(identity, uuid, None, &identity.device(), owner) };
    for (state, name) in [(State::Ok, "ok"), (State::Degraded, "degraded"), (State::Failed, "failed")] {
        points.add(&STATUS, Some(i64::from(card.state == state)), &[("hw.state", name)]);
    }
    let readings = &card.readings;
    let fraction = |percent: Option<u32>| percent.map(|percent| f64::from(percent) / 100.0);
    points.add(&UTILIZATION, fraction(readings.gpu_percent), &[("hw.gpu.task", "general")]);
    points.add(&UTILIZATION, fraction(readings.encoder_percent), &[("hw.gpu.task", "encoder")]);
    points.add(&UTILIZATION, fraction(readings.decoder_percent), &[("hw.gpu.task", "decoder")]);
    points.memory(readings.memory.as_ref());
    for (direction, bytes) in ["transmit", "receive"].into_iter().zip(readings.pcie_bytes) {
        points.add(&IO, bytes, &[("network.io.direction", direction)]);
    }
    points.add(&TEMPERATURE, readings.celsius, &[("hw.sensor_location", "gpu")]);
    points.add(&TEMPERATURE, readings.memory_celsius, &[("hw.sensor_location", "memory")]);
    let thousandth = |thousandths: u64| thousandths as f64 / 1000.0;
    points.add(&POWER, readings.milliwatts.map(|milliwatts| thousandth(milliwatts.into())), &[]);
    points.add(&ENERGY, readings.millijoules.map(thousandth), &[]);
    for (kind, count) in ["corrected", "uncorrected"].into_iter().zip(readings.aggregate_errors) {
        points.add(&ERRORS, count, &[("error.type", kind)]);
    }
    for process in &card.processes {
        let mut attributes = points.attributes.clone();
        let pid = any_value::Value::IntValue(process.pid.into());
        let value = Some(AnyValue { value: Some(pid) });
        attributes.push(KeyValue { key: "process.pid".to_owned(), value, ..KeyValue::default() });
        attributes.extend(process.executable.iter().map(|path| attribute("process.executable.path", path)));
        points.recorder.record_with(&PROCESS_MEMORY, process.bytes, || attributes);
    }
    for (at, fan) in readings.fans.iter().enumerate() {
        record_fan(identity, at, *fan, points.recorder);
    }
    for instance in &card.instances {
        record_instance(identity, instance, owners, points.recorder);
    }
}

fn record_fan(identity: &Identity, at: usize, fan: Fan, recorder: &mut Recorder<'_>) {
    let texts = [
        ("hw.id", format!("{}/fan{at}", identity.uuid)),
        ("hw.type", "fan".to_owned()),
        ("hw.name", format!("fan {at} of {}", identity.device())),
        ("hw.parent", identity.uuid.clone()),
    ];
    let attributes = texts.into_iter().map(|(key, value)| attribute(key, value)).collect();
    let mut points = Points { recorder, attributes };
    points.add(&FAN_SPEED, fan.rpm, &[]);
    points.add(&FAN_RATIO, fan.percent.map(|percent| f64::from(percent) / 100.0), &[]);
}

fn record_instance(identity: &Identity, instance: &Instance, owners: &Owners, recorder: &mut Recorder<'_>) {
    let name = format!("{} MIG {}", identity.device(), instance.profile);
    let owner = owners.of_instance(instance);
    let attributes = attributes(identity, &instance.uuid, Some(&identity.uuid), &name, owner);
    Points { recorder, attributes }.memory(instance.memory.as_ref());
}

fn attributes(identity: &Identity, id: &str, parent: Option<&str>, name: &str, owner: Option<&Owner>) -> Vec<KeyValue> {
    let known = [
        ("hw.id", Some(id)),
        ("hw.type", Some("gpu")),
        ("hw.name", Some(name)),
        ("hw.parent", parent),
        ("hw.model", Some(identity.model.as_str()).filter(|model| !model.is_empty())),
        ("hw.vendor", Some("NVIDIA")),
        ("hw.serial_number", identity.serial.as_deref()),
        ("hw.driver_version", identity.driver.as_deref()),
        ("k8s.namespace.name", owner.map(|owner| owner.namespace.as_str())),
        ("k8s.pod.name", owner.map(|owner| owner.pod.as_str())),
        ("k8s.container.name", owner.map(|owner| owner.container.as_str())),
    ];
    known.into_iter().filter_map(|(key, value)| Some(attribute(key, value?))).collect()
}
