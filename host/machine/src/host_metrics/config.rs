//! What a user may write under `receivers: host_metrics:`. The keys and defaults are the Collector's.

use std::path::PathBuf;
use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Refused, Wrong};
use host_periodic::{Choices, Schedule, Spec};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::filter::{Devices, Filter, FsTypes, Interfaces, MountPoints};
use super::scrapers;

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub collection_interval: Duration,
    /// How long the first collection waits.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub initial_delay: Duration,
    /// What a collection may take; 0 is no limit.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
    /// Where the root of the machine is mounted, for a collector in a container.
    pub root_path: PathBuf,
    /// What is collected: each scraper that is named.
    pub scrapers: Scrapers,
    metadata_collection_interval: Refused,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            collection_interval: Duration::from_secs(60),
            initial_delay: Schedule::INITIAL_DELAY,
            timeout: Duration::ZERO,
            root_path: PathBuf::new(),
            scrapers: Scrapers::default(),
            metadata_collection_interval: Refused::default(),
        }
    }
}

/// `scrapers:`; one that is named is on, also with nothing behind its name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scrapers {
    #[serde(deserialize_with = "named")]
    pub cpu: Option<Plain>,
    #[serde(deserialize_with = "named")]
    pub disk: Option<Disk>,
    #[serde(deserialize_with = "named")]
    pub filesystem: Option<Filesystem>,
    #[serde(deserialize_with = "named")]
    pub load: Option<Load>,
    #[serde(deserialize_with = "named")]
    pub memory: Option<Plain>,
    #[serde(deserialize_with = "named")]
    pub network: Option<Network>,
    #[serde(deserialize_with = "named")]
    pub paging: Option<Plain>,
    #[serde(deserialize_with = "named")]
    pub processes: Option<Plain>,
    #[serde(deserialize_with = "named")]
    pub system: Option<Plain>,
    process: Refused,
    nfs: Refused,
}

/// A scraper that has nothing to set but which of its metrics are wanted.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Plain {
    pub metrics: Choices,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    pub metrics: Choices,
    pub include: Devices,
    pub exclude: Devices,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filesystem {
    pub metrics: Choices,
    pub include_devices: Devices,
    pub exclude_devices: Devices,
    pub include_fs_types: FsTypes,
    pub exclude_fs_types: FsTypes,
    pub include_mount_points: MountPoints,
    pub exclude_mount_points: MountPoints,
    /// Whether those are told, too, that stand on no device, such as `tmpfs`.
    pub include_virtual_filesystems: bool,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Load {
    pub metrics: Choices,
    /// Whether the averages are divided by the number of logical CPUs.
    pub cpu_average: bool,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    pub metrics: Choices,
    pub include: Interfaces,
    pub exclude: Interfaces,
}

/// Something that is there where its key is, whatever stands behind it.
fn named<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(|value| Some(value.unwrap_or_default()))
}

impl Config {
    pub(super) fn schedule(&self) -> Schedule {
        Schedule { interval: self.collection_interval, initial_delay: self.initial_delay, timeout: self.timeout }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.schedule().wrongs();
        wrongs.extend(Wrong::among([
            (
                "metadata_collection_interval",
                self.metadata_collection_interval.0,
                "no events of entities are sent: take it out",
            ),
            (
                "root_path",
                !self.root_path.as_os_str().is_empty() && !self.root_path.is_absolute(),
                "it starts with `/`: write where the root of the machine is mounted, such as `/hostfs`",
            ),
        ]));
        wrongs.extend(self.scrapers.wrongs());
        wrongs
    }
}

impl Scrapers {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            (
                "scrapers.process",
                self.process.0,
                "single processes are not told: take it out; `processes` counts them, and a Collector before this one tells each",
            ),
            ("scrapers.nfs", self.nfs.0, "NFS is not told: take it out, or keep it in a Collector before this one"),
        ]);
        let mut check = |name: &str, metrics: Option<&Choices>, specs: &[Spec]| {
            wrongs
                .extend(metrics.iter().flat_map(|choices| choices.wrongs(&format!("scrapers.{name}.metrics"), specs)));
            metrics.is_some()
        };
        let is_on = [
            check("cpu", self.cpu.as_ref().map(|cpu| &cpu.metrics), scrapers::cpu::METRICS),
            check("disk", self.disk.as_ref().map(|disk| &disk.metrics), scrapers::disk::METRICS),
            check("filesystem", self.filesystem.as_ref().map(|fs| &fs.metrics), scrapers::filesystem::METRICS),
            check("load", self.load.as_ref().map(|load| &load.metrics), scrapers::load::METRICS),
            check("memory", self.memory.as_ref().map(|memory| &memory.metrics), scrapers::memory::METRICS),
            check("network", self.network.as_ref().map(|network| &network.metrics), scrapers::network::METRICS),
            check("paging", self.paging.as_ref().map(|paging| &paging.metrics), scrapers::paging::METRICS),
            check(
                "processes",
                self.processes.as_ref().map(|processes| &processes.metrics),
                scrapers::processes::METRICS,
            ),
            check("system", self.system.as_ref().map(|system| &system.metrics), scrapers::system::METRICS),
        ];
        if !is_on.contains(&true) && wrongs.is_empty() {
            let message = "there is none: name at least one, such as `cpu`, `memory` or `filesystem`, each with a colon behind it";
            wrongs.push(Wrong::new("scrapers", message));
        }
        wrongs.extend(self.disk.iter().flat_map(|disk| disk.filter().err()));
        wrongs.extend(self.network.iter().flat_map(|network| network.filter().err()));
        if let Some(filesystem) = &self.filesystem {
            let filters = [filesystem.devices(), filesystem.fs_types(), filesystem.mount_points()];
            wrongs.extend(filters.into_iter().flat_map(Result::err));
        }
        wrongs
    }
}

impl Disk {
    pub(super) fn filter(&self) -> Result<Filter, Wrong> {
        let key = |which| format!("scrapers.disk.{which}");
        Filter::new(&self.include, &key("include"), &self.exclude, &key("exclude"))
    }
}

impl Network {
    pub(super) fn filter(&self) -> Result<Filter, Wrong> {
        let key = |which| format!("scrapers.network.{which}");
        Filter::new(&self.include, &key("include"), &self.exclude, &key("exclude"))
    }
}

impl Filesystem {
    pub(super) fn devices(&self) -> Result<Filter, Wrong> {
        let key = |which| format!("scrapers.filesystem.{which}_devices");
        Filter::new(&self.include_devices, &key("include"), &self.exclude_devices, &key("exclude"))
    }

    pub(super) fn fs_types(&self) -> Result<Filter, Wrong> {
        let key = |which| format!("scrapers.filesystem.{which}_fs_types");
        Filter::new(&self.include_fs_types, &key("include"), &self.exclude_fs_types, &key("exclude"))
    }

    pub(super) fn mount_points(&self) -> Result<Filter, Wrong> {
        let key = |which| format!("scrapers.filesystem.{which}_mount_points");
        Filter::new(&self.include_mount_points, &key("include"), &self.exclude_mount_points, &key("exclude"))
    }
}
