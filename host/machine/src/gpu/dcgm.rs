//! Cards under the names of NVIDIA's exporter of DCGM, which dashboards ask for.
//!
//! Points have no unit, and what grows is a gauge: so an exporter to Prometheus leaves the names as they are.

use host_periodic::{Kind, Number, Recorder, Spec, attribute};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::card::{Card, Identity, Instance, Memory};
use super::pods::{Owner, Owners};

const fn metric(name: &'static str, description: &'static str) -> Spec {
    Spec::new(Kind::Gauge, name, "", description)
}

const SM_CLOCK: Spec = metric("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).");
const MEM_CLOCK: Spec = metric("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).");
const MEMORY_TEMP: Spec = metric("DCGM_FI_DEV_MEMORY_TEMP", "Memory temperature (in C).");
const GPU_TEMP: Spec = metric("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).");
const POWER_USAGE: Spec = metric("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).");
const POWER_LIMIT: Spec = metric("DCGM_FI_DEV_POWER_MGMT_LIMIT", "Power limit (in W).");
const ENERGY: Spec =
    metric("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Total energy consumption since the driver was loaded (in mJ).");
const PCIE_TX: Spec = metric("DCGM_FI_DEV_PCIE_TX_THROUGHPUT", "PCIe transmit throughput (in KB/s).").optional();
const PCIE_RX: Spec = metric("DCGM_FI_DEV_PCIE_RX_THROUGHPUT", "PCIe receive throughput (in KB/s).").optional();
const PCIE_REPLAYS: Spec = metric("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "Total number of PCIe retries.");
const PCIE_GENERATION: Spec = metric("DCGM_FI_DEV_PCIE_LINK_GEN", "PCIe link generation.");
const PCIE_WIDTH: Spec = metric("DCGM_FI_DEV_PCIE_LINK_WIDTH", "PCIe link width.");
const GPU_UTIL: Spec = metric("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).");
const MEM_COPY_UTIL: Spec = metric("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).");
const ENC_UTIL: Spec = metric("DCGM_FI_DEV_ENC_UTIL", "Encoder utilization (in %).");
const DEC_UTIL: Spec = metric("DCGM_FI_DEV_DEC_UTIL", "Decoder utilization (in %).");
const FB_TOTAL: Spec = metric("DCGM_FI_DEV_FB_TOTAL", "Framebuffer memory (in MiB).");
const FB_FREE: Spec = metric("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).");
const FB_USED: Spec = metric("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).");
const FB_RESERVED: Spec = metric("DCGM_FI_DEV_FB_RESERVED", "Framebuffer memory reserved (in MiB).");
const ECC_SBE_VOL: Spec = metric("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "Total number of single-bit volatile ECC errors.");
const ECC_DBE_VOL: Spec = metric("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Total number of double-bit volatile ECC errors.");
const ECC_SBE_AGG: Spec = metric("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "Total number of single-bit persistent ECC errors.");
const ECC_DBE_AGG: Spec = metric("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "Total number of double-bit persistent ECC errors.");
const THROTTLING: Spec =
    metric("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "Why the clocks are what they are (bits of NVML).");
pub(super) const XID_ERRORS: Spec = metric("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.");
const FAN_SPEED: Spec = metric("DCGM_FI_DEV_FAN_SPEED", "Fan speed (in %).");
const NVLINK: Spec =
    metric("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "Total number of NVLink bandwidth counters for all lanes.");
const NVLINK_FLIT: Spec =
    metric("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "Total number of NVLink flow-control CRC errors.");
const NVLINK_DATA: Spec =
    metric("DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL", "Total number of NVLink data CRC errors.");
const NVLINK_REPLAY: Spec = metric("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "Total number of NVLink retries.");
const NVLINK_RECOVERY: Spec =
    metric("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "Total number of NVLink recovery errors.");
const REMAPPED_COR: Spec =
    metric("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "Number of remapped rows for correctable errors.");
const REMAPPED_UNC: Spec =
    metric("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "Number of remapped rows for uncorrectable errors.");
const REMAP_FAILURE: Spec = metric("DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping of rows has failed.");

pub(super) const METRICS: &[Spec] = &[
    SM_CLOCK,
    MEM_CLOCK,
    MEMORY_TEMP,
    GPU_TEMP,
    POWER_USAGE,
    POWER_LIMIT,
    ENERGY,
    PCIE_TX,
    PCIE_RX,
    PCIE_REPLAYS,
    PCIE_GENERATION,
    PCIE_WIDTH,
    GPU_UTIL,
    MEM_COPY_UTIL,
    ENC_UTIL,
    DEC_UTIL,
    FB_TOTAL,
    FB_FREE,
    FB_USED,
    FB_RESERVED,
    ECC_SBE_VOL,
    ECC_DBE_VOL,
    ECC_SBE_AGG,
    ECC_DBE_AGG,
    THROTTLING,
    XID_ERRORS,
    FAN_SPEED,
    NVLINK,
    NVLINK_FLIT,
    NVLINK_DATA,
    NVLINK_REPLAY,
    NVLINK_RECOVERY,
    REMAPPED_COR,
    REMAPPED_UNC,
    REMAP_FAILURE,
];

/// Whether the questions are asked that wait for what goes over PCIe meanwhile.
pub(super) fn wants_throughput(recorder: &Recorder<'_>) -> bool {
    recorder.wants(&PCIE_TX) || recorder.wants(&PCIE_RX)
}

struct Points<'a, 'b> {
    recorder: &'a mut Recorder<'b>,
    labels: Vec<KeyValue>,
}

impl Points<'_, '_> {
    fn add(&mut self, spec: &Spec, value: Option<impl Into<Number>>) {
        if let Some(value) = value {
            self.recorder.record_with(spec, value, || self.labels.clone());
        }
    }

    fn memory(&mut self, memory: Option<&Memory>) {
        let mebibytes = |bytes: fn(&Memory) -> u64| memory.map(|memory| bytes(memory) >> 20);
        self.add(&FB_TOTAL, mebibytes(|memory| memory.total));
        self.add(&FB_FREE, mebibytes(|memory| memory.free));
        self.add(&FB_USED, mebibytes(|memory| memory.used));
        self.add(&FB_RESERVED, mebibytes(|memory| memory.reserved));
    }
}

pub(super) fn record(card: &Card, owners: &Owners, hostname: &str, xid: Option<u64>, recorder: &mut Recorder<'_>) {
    let identity = &card.identity;
    let labels = labels(identity, None, owners.of_card(identity), hostname);
    let mut points = Points { recorder, labels };
    let readings = &card.readings;
    points.add(&SM_CLOCK, readings.sm_megahertz);
    points.add(&MEM_CLOCK, readings.memory_megahertz);
    points.add(&MEMORY_TEMP, readings.memory_celsius);
    points.add(&GPU_TEMP, readings.celsius);
    let watts = |milliwatts: Option<u32>| milliwatts.map(|milliwatts| f64::from(milliwatts) / 1000.0);
    points.add(&POWER_USAGE, watts(readings.milliwatts));
    points.add(&POWER_LIMIT, watts(readings.limit_milliwatts));
    points.add(&ENERGY, readings.millijoules);
    for (spec, rate) in [PCIE_TX, PCIE_RX].iter().zip(readings.pcie_throughput) {
        points.add(spec, rate);
    }
    points.add(&PCIE_REPLAYS, readings.pcie_replays);
    points.add(&PCIE_GENERATION, readings.pcie_generation);
    points.add(&PCIE_WIDTH, readings.pcie_width);
    points.add(&GPU_UTIL, readings.gpu_percent);
    points.add(&MEM_COPY_UTIL, readings.memory_percent);
    points.add(&ENC_UTIL, readings.encoder_percent);
    points.add(&DEC_UTIL, readings.decoder_percent);
    points.memory(readings.memory.as_ref());
    let errors = [ECC_SBE_VOL, ECC_DBE_VOL].into_iter().zip(readings.volatile_errors);
    for (spec, count) in errors.chain([ECC_SBE_AGG, ECC_DBE_AGG].into_iter().zip(readings.aggregate_errors)) {
        points.add(&spec, count);
    }
    points.add(&THROTTLING, readings.throttling);
    points.add(&XID_ERRORS, xid);
    points.add(&FAN_SPEED, readings.fans.first().and_then(|fan| fan.percent));
    points.add(&NVLINK, readings.nvlink_bandwidth);
    let links = [NVLINK_FLIT, NVLINK_DATA, NVLINK_REPLAY, NVLINK_RECOVERY];
    for (spec, count) in links.iter().zip(readings.nvlink_errors) {
        points.add(spec, count);
    }
    for (spec, rows) in [REMAPPED_COR, REMAPPED_UNC, REMAP_FAILURE].iter().zip(readings.remapped_rows) {
        points.add(spec, rows);
    }
    for instance in &card.instances {
        let labels = self::labels(identity, Some(instance), owners.of_instance(instance), hostname);
        Points { recorder: points.recorder, labels }.memory(instance.memory.as_ref());
    }
}

fn labels(identity: &Identity, instance: Option<&Instance>, owner: Option<&Owner>, hostname: &str) -> Vec<KeyValue> {
    let (index, device) = (identity.index.to_string(), identity.device());
    let known = [
        ("gpu", Some(index.as_str())),
        ("UUID", Some(identity.uuid.as_str())),
        ("pci_bus_id", identity.bus.as_deref()),
        ("device", Some(device.as_str())),
        ("modelName", Some(identity.model.as_str())),
        ("GPU_I_PROFILE", instance.map(|instance| instance.profile.as_str())),
        ("GPU_I_UUID", instance.map(|instance| instance.uuid.as_str())),
        ("Hostname", Some(hostname)),
        ("DCGM_FI_DRIVER_VERSION", identity.driver.as_deref()),
        ("container", owner.map(|owner| owner.container.as_str())),
        ("namespace", owner.map(|owner| owner.namespace.as_str())),
        ("pod", owner.map(|owner| owner.pod.as_str())),
    ];
    known.into_iter().filter_map(|(key, value)| Some(attribute(key, value?))).collect()
}
