//! The detector `system` asks the operating system: its name, its network, its processor.

mod cpu;
mod hostname;
mod network;
mod release;

use std::fs;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;

pub use hostname::HostnameSource;

use super::detector::{Found, SCHEMA_URL, Value};
use super::toggle::toggles;
use hostname::HostnameError;

/// What `system` gives, and where it has the name of the host from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct System {
    /// Who is asked for the name of the host, one after the other; `[dns, os]` where nobody is named.
    pub hostname_sources: Vec<HostnameSource>,
    pub resource_attributes: SystemAttributes,
}

toggles! {
    /// The attributes of `system`.
    SystemAttributes {
        host_arch: "host.arch" = false;
        host_cpu_cache_l2_size: "host.cpu.cache.l2.size" = false;
        host_cpu_family: "host.cpu.family" = false;
        host_cpu_model_id: "host.cpu.model.id" = false;
        host_cpu_model_name: "host.cpu.model.name" = false;
        host_cpu_stepping: "host.cpu.stepping" = false;
        host_cpu_vendor_id: "host.cpu.vendor.id" = false;
        host_id: "host.id" = false;
        host_interface: "host.interface" = false;
        host_ip: "host.ip" = false;
        host_mac: "host.mac" = false;
        host_name: "host.name" = true;
        os_build_id: "os.build.id" = false;
        os_description: "os.description" = false;
        os_name: "os.name" = false;
        os_type: "os.type" = true;
        os_version: "os.version" = false;
    }
}

/// Why the operating system did not tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemError {
    #[error("no source has the name of this host: {}", one_line(.0))]
    Hostname(Vec<HostnameError>),
    #[error("cannot list the network interfaces: {0}")]
    Interfaces(std::io::Error),
    #[error("cannot read {path}: {error}")]
    File { path: &'static str, error: std::io::Error },
    #[error("the question was lost inside the collector")]
    Lost,
}

fn one_line(errors: &[HostnameError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Asks on a thread of its own, since a name server may take its time.
pub(super) async fn detect(config: System) -> Result<Found, SystemError> {
    tokio::task::spawn_blocking(move || ask(&config)).await.unwrap_or(Err(SystemError::Lost))
}

fn ask(config: &System) -> Result<Found, SystemError> {
    let wanted = &config.resource_attributes;
    let mut found = Found { schema_url: SCHEMA_URL, ..Found::default() };
    let name = hostname::first_of(&config.hostname_sources).map_err(SystemError::Hostname)?;
    found.text(wanted.host_name(), name);
    found.text(wanted.os_type(), os_type());
    found.text(wanted.host_arch(), arch());
    if let Some(key) = wanted.host_id() {
        match host_id(Path::new("/")) {
            Some(id) => found.text(Some(key), id),
            None => tracing::warn!("there is no host.id: /etc/machine-id and /var/lib/dbus/machine-id cannot be read"),
        }
    }
    ask_for_network(wanted, &mut found)?;
    ask_for_release(wanted, &mut found);
    ask_for_cpu(wanted, &mut found)?;
    Ok(found)
}

fn ask_for_network(wanted: &SystemAttributes, found: &mut Found) -> Result<(), SystemError> {
    let (names, ips, macs) = (wanted.host_interface(), wanted.host_ip(), wanted.host_mac());
    if names.or(ips).or(macs).is_some() {
        let interfaces = network::interfaces().map_err(SystemError::Interfaces)?;
        found.put(names, Value::Texts(interfaces.names));
        found.put(ips, Value::Texts(interfaces.ips));
        found.put(macs, Value::Texts(interfaces.macs));
    }
    Ok(())
}

fn ask_for_release(wanted: &SystemAttributes, found: &mut Found) {
    let root = Path::new("/");
    if wanted.os_name().or(wanted.os_version()).is_some() {
        let platform = release::platform(root);
        found.text(wanted.os_name(), platform.name);
        found.text(wanted.os_version(), platform.version);
    }
    if let Some(key) = wanted.os_description() {
        found.text(Some(key), release::description(root));
    }
    if let Some(key) = wanted.os_build_id() {
        found.text(Some(key), release::build_id(root));
    }
}

fn ask_for_cpu(wanted: &SystemAttributes, found: &mut Found) -> Result<(), SystemError> {
    let texts = [
        wanted.host_cpu_vendor_id(),
        wanted.host_cpu_family(),
        wanted.host_cpu_model_id(),
        wanted.host_cpu_model_name(),
        wanted.host_cpu_stepping(),
    ];
    let size = wanted.host_cpu_cache_l2_size();
    if texts.iter().flatten().next().or(size.as_ref()).is_none() {
        return Ok(());
    }
    let path = "/proc/cpuinfo";
    let text = fs::read_to_string(path).map_err(|error| SystemError::File { path, error })?;
    let Some(cpu) = cpu::first(&text) else { return Ok(()) };
    for (key, value) in texts.into_iter().zip([cpu.vendor, cpu.family, cpu.model, cpu.name, cpu.stepping]) {
        // A processor that has no model is without the attribute; the others are there, empty or not.
        if !value.is_empty() || key != wanted.host_cpu_model_id() {
            found.text(key, value);
        }
    }
    found.put(size, Value::Int(cpu.cache));
    Ok(())
}

fn os_type() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// As the semantic conventions name it.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

fn host_id(root: &Path) -> Option<String> {
    let files = ["etc/machine-id", "var/lib/dbus/machine-id"];
    let text = files.iter().find_map(|file| fs::read_to_string(root.join(file)).ok())?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests;
