//! What is asked of a card, and what it answers. A card or driver that has no such thing has nothing to tell; other failures are
//! missed, each by its name.

use std::fmt::Display;

use host_periodic::Missed;
use nvml_wrapper::enum_wrappers::device::{Clock, EccCounter, MemoryError, PcieUtilCounter, TemperatureSensor};
use nvml_wrapper::enums::device::{SampleValue, UsedGpuMemory};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::{
    NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_NVLINK_BANDWIDTH_C0_TOTAL, NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL,
    NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL, NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL,
    NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL, NVML_FI_DEV_PCIE_COUNT_RX_BYTES, NVML_FI_DEV_PCIE_COUNT_TX_BYTES,
    NVML_FI_DEV_REMAPPED_COR, NVML_FI_DEV_REMAPPED_FAILURE, NVML_FI_DEV_REMAPPED_UNC,
};
use nvml_wrapper::{Device, Nvml};

use super::library::{Severity, severity};

/// The longest name of a process that is told.
const PROCESS_NAME: usize = 256;
/// As many instances as a card can have, and fans, whatever the library says.
const PARTS: u32 = 16;

/// Who a card is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) index: u32,
    /// `GPU-…`.
    pub(super) uuid: String,
    pub(super) model: String,
    pub(super) serial: Option<String>,
    pub(super) minor: Option<u32>,
    pub(super) bus: Option<String>,
    pub(super) driver: Option<String>,
}

impl Identity {
    /// What the device is called under `/dev`.
    pub(super) fn device(&self) -> String {
        format!("nvidia{}", self.minor.unwrap_or(self.index))
    }
}

/// What questions are asked that take time or need rights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wants {
    /// Each takes 20 ms.
    pub(super) throughput: bool,
    pub(super) processes: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) identity: Identity,
    pub(super) state: State,
    pub(super) readings: Readings,
    pub(super) instances: Vec<Instance>,
    pub(super) processes: Vec<Process>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ok,
    /// There were errors that nothing corrected, or memory waits to be taken out of use.
    Degraded,
    /// It does not answer.
    Failed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    pub(super) total: u64,
    pub(super) used: u64,
    pub(super) free: u64,
    pub(super) reserved: u64,
}

/// A fan, in percent of its speed and, from younger drivers, in turns a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fan {
    pub(super) percent: Option<u32>,
    pub(super) rpm: Option<u32>,
}

/// What a card says, in the units of the library; none is what it does not know.
#[derive(Clone, Debug, Default)]
pub(super) struct Readings {
    pub(super) gpu_percent: Option<u32>,
    pub(super) memory_percent: Option<u32>,
    pub(super) encoder_percent: Option<u32>,
    pub(super) decoder_percent: Option<u32>,
    pub(super) memory: Option<Memory>,
    pub(super) celsius: Option<u32>,
    pub(super) memory_celsius: Option<u64>,
    pub(super) milliwatts: Option<u32>,
    pub(super) limit_milliwatts: Option<u32>,
    pub(super) millijoules: Option<u64>,
    pub(super) sm_megahertz: Option<u32>,
    pub(super) memory_megahertz: Option<u32>,
    /// Since the driver was loaded: those corrected, those not.
    pub(super) volatile_errors: [Option<u64>; 2],
    /// Since the card was made.
    pub(super) aggregate_errors: [Option<u64>; 2],
    pub(super) throttling: Option<u64>,
    pub(super) pcie_generation: Option<u32>,
    pub(super) pcie_width: Option<u32>,
    pub(super) pcie_replays: Option<u32>,
    /// Kilobytes a second that were sent and received.
    pub(super) pcie_throughput: [Option<u32>; 2],
    /// Bytes that were sent and received.
    pub(super) pcie_bytes: [Option<u64>; 2],
    pub(super) nvlink_bandwidth: Option<u64>,
    /// Flow-control CRC, data CRC, replays, recoveries.
    pub(super) nvlink_errors: [Option<u64>; 4],
    /// Corrected, not corrected, failed.
    pub(super) remapped_rows: [Option<u64>; 3],
    pub(super) fans: Vec<Fan>,
}

/// A part of a card that is used as one (MIG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    /// `MIG-…`.
    pub(super) uuid: String,
    /// Such as `1g.5gb`.
    pub(super) profile: String,
    pub(super) memory: Option<Memory>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) executable: Option<String>,
    pub(super) bytes: u64,
}

/// Asks, and remembers what went wrong.
pub(super) struct Asking<'a> {
    pub(super) missed: &'a mut Vec<Missed>,
    /// The worst that was heard.
    pub(super) worst: Option<Severity>,
    /// Why the library cannot be used any more.
    pub(super) stale: Option<NvmlError>,
    pub(super) whom: String,
}

impl Asking<'_> {
    pub(super) fn ask<T>(&mut self, what: impl Display, answer: Result<T, NvmlError>) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let severity = severity(&error);
        if self.worst.is_none_or(|worst| worst < severity) {
            self.worst = Some(severity);
        }
        if severity == Severity::Failed {
            let way_out = "see what `nvidia-smi` says of it, or switch the metric off";
            self.missed.push(Missed::new(format!("{} {what}", self.whom), error.to_string(), way_out));
        }
        if severity == Severity::Stale {
            self.stale = Some(error);
        }
        None
    }
}

/// Who a card is; none where it does not say.
pub(super) fn identify(nvml: &Nvml, device: &Device<'_>, index: u32, asking: &mut Asking<'_>) -> Option<Identity> {
    Some(Identity {
        index,
        uuid: asking.ask("uuid", device.uuid())?,
        model: asking.ask("name", device.name()).unwrap_or_default(),
        serial: asking.ask("serial", device.serial()),
        minor: asking.ask("minor number", device.minor_number()),
        bus: asking.ask("bus", device.pci_info()).map(|pci| pci.bus_id),
        driver: asking.ask("driver", nvml.sys_driver_version()),
    })
}

/// Asks everything of a card.
pub(super) fn read(
    nvml: &Nvml,
    device: &Device<'_>,
    identity: Identity,
    wants: Wants,
    asking: &mut Asking<'_>,
) -> Card {
    let readings = readings(device, wants, asking);
    let is_split = asking.ask("MIG mode", device.mig_mode()).is_some_and(|mode| mode.current == 1);
    let instances = if is_split { instances(device, asking) } else { Vec::new() };
    let processes = if wants.processes { processes(nvml, device, asking) } else { Vec::new() };
    let is_pending = asking.ask("retired pages", device.are_pages_pending_retired()).unwrap_or(false);
    let is_bad = readings.volatile_errors[1].is_some_and(|count| count > 0)
        || readings.remapped_rows[2].is_some_and(|failures| failures > 0);
    let state = if is_pending || is_bad { State::Degraded } else { State::Ok };
    Card { identity, state, readings, instances, processes }
}

fn readings(device: &Device<'_>, wants: Wants, asking: &mut Asking<'_>) -> Readings {
    let mut readings = Readings::default();
    if let Some(utilization) = asking.ask("utilization", device.utilization_rates()) {
        readings.gpu_percent = Some(utilization.gpu);
        readings.memory_percent = Some(utilization.memory);
    }
    let percent = |info: nvml_wrapper::structs::device::UtilizationInfo| info.utilization;
    readings.encoder_percent = asking.ask("encoder utilization", device.encoder_utilization()).map(percent);
    readings.decoder_percent = asking.ask("decoder utilization", device.decoder_utilization()).map(percent);
    readings.memory = memory(device, asking);
    readings.celsius = asking.ask("temperature", device.temperature(TemperatureSensor::Gpu));
    readings.milliwatts = asking.ask("power", device.power_usage());
    readings.limit_milliwatts = asking.ask("power limit", device.power_management_limit());
    readings.millijoules = asking.ask("energy", device.total_energy_consumption());
    readings.sm_megahertz = asking.ask("SM clock", device.clock_info(Clock::SM));
    readings.memory_megahertz = asking.ask("memory clock", device.clock_info(Clock::Memory));
    let kinds = [MemoryError::Corrected, MemoryError::Uncorrected];
    readings.volatile_errors =
        kinds.map(|kind| asking.ask("volatile ECC errors", device.total_ecc_errors(kind, EccCounter::Volatile)));
    readings.aggregate_errors =
        kinds.map(|kind| asking.ask("aggregate ECC errors", device.total_ecc_errors(kind, EccCounter::Aggregate)));
    readings.throttling = asking.ask("clock reasons", device.current_throttle_reasons()).map(|reasons| reasons.bits());
    readings.pcie_generation = asking.ask("PCIe generation", device.current_pcie_link_gen());
    readings.pcie_width = asking.ask("PCIe width", device.current_pcie_link_width());
    readings.pcie_replays = asking.ask("PCIe replays", device.pcie_replay_counter());
    if wants.throughput {
        readings.pcie_throughput = [PcieUtilCounter::Send, PcieUtilCounter::Receive]
            .map(|counter| asking.ask("PCIe throughput", device.pcie_throughput(counter)));
    }
    let fans = asking.ask("fans", device.num_fans()).unwrap_or(0).min(PARTS);
    let fan = |at| Fan {
        percent: asking.ask("fan speed", device.fan_speed(at)),
        rpm: asking.ask("fan speed", device.fan_speed_rpm(at)),
    };
    readings.fans = (0..fans).map(fan).collect();
    fields(device, &mut readings, asking);
    readings
}

/// What is asked by number, all at once.
fn fields(device: &Device<'_>, readings: &mut Readings, asking: &mut Asking<'_>) {
    let ids = [
        NVML_FI_DEV_MEMORY_TEMP,
        NVML_FI_DEV_PCIE_COUNT_TX_BYTES,
        NVML_FI_DEV_PCIE_COUNT_RX_BYTES,
        NVML_FI_DEV_NVLINK_BANDWIDTH_C0_TOTAL,
        NVML_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL,
        NVML_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL,
        NVML_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL,
        NVML_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL,
        NVML_FI_DEV_REMAPPED_COR,
        NVML_FI_DEV_REMAPPED_UNC,
        NVML_FI_DEV_REMAPPED_FAILURE,
    ];
    let Some(samples) = asking.ask("fields", device.field_values_for(&ids.map(FieldId))) else { return };
    let mut values = samples.into_iter().zip(ids).map(|(sample, id)| {
        let value = asking.ask(format_args!("field {id}"), sample.and_then(|sample| sample.value))?;
        match value {
            // Counted in 32 bits they begin anew every few seconds, and nobody could tell how often.
            SampleValue::U32(_) if [NVML_FI_DEV_PCIE_COUNT_TX_BYTES, NVML_FI_DEV_PCIE_COUNT_RX_BYTES].contains(&id) => {
                None
            }
            SampleValue::F64(value) => Some(value as u64),
            SampleValue::U32(value) => Some(value.into()),
            SampleValue::U64(value) => Some(value),
            SampleValue::I64(value) => u64::try_from(value).ok(),
        }
    });
    let mut next = || values.next().flatten();
    readings.memory_celsius = next();
    readings.pcie_bytes = [next(), next()];
    readings.nvlink_bandwidth = next();
    readings.nvlink_errors = [next(), next(), next(), next()];
    readings.remapped_rows = [next(), next(), next()];
}

fn memory(device: &Device<'_>, asking: &mut Asking<'_>) -> Option<Memory> {
    let info = asking.ask("memory", device.memory_info())?;
    Some(Memory { total: info.total, used: info.used, free: info.free, reserved: info.reserved })
}

fn instances(device: &Device<'_>, asking: &mut Asking<'_>) -> Vec<Instance> {
    let count = asking.ask("MIG instances", device.mig_device_count()).unwrap_or(0).min(PARTS);
    let instance = |at| {
        // There are places for as many as there may be.
        let part = asking.ask("MIG instance", device.mig_device_by_index(at))?;
        let uuid = asking.ask("MIG uuid", part.uuid())?;
        let name = asking.ask("MIG name", part.name()).unwrap_or_default();
        let profile = name.rsplit_once("MIG ").map_or(name.as_str(), |(_, profile)| profile).to_owned();
        Some(Instance { uuid, profile, memory: memory(&part, asking) })
    };
    (0..count).filter_map(instance).collect()
}

fn processes(nvml: &Nvml, device: &Device<'_>, asking: &mut Asking<'_>) -> Vec<Process> {
    let found = asking.ask("processes", device.running_compute_processes()).unwrap_or_default();
    let process = |info: nvml_wrapper::struct_wrappers::device::ProcessInfo| {
        let UsedGpuMemory::Used(bytes) = info.used_gpu_memory else { return None };
        let executable = nvml.sys_process_name(info.pid, PROCESS_NAME).ok();
        Some(Process { pid: info.pid, executable, bytes })
    };
    found.into_iter().filter_map(process).collect()
}
