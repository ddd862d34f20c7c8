//! Which operating system this is, from the files by which distributions tell.

use std::fs;
use std::path::Path;

/// A distribution, in lower case, and its version; empty where they are not known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Platform {
    pub(super) name: String,
    pub(super) version: String,
}

impl Platform {
    fn new(name: &str, version: &str) -> Self {
        Platform { name: name.to_owned(), version: version.to_owned() }
    }
}

/// What the files of the distribution say, the more specific ones before `os-release`.
pub(super) fn platform(root: &Path) -> Platform {
    let etc = |name: &str| fs::read_to_string(root.join("etc").join(name)).ok().filter(|text| !text.is_empty());
    let lsb = |key: &str| etc("lsb-release").and_then(|text| value_of(&text, key)).unwrap_or_default();
    for name in ["oracle-release", "enterprise-release"] {
        if let Some(text) = etc(name) {
            return Platform::new("oracle", &behind_release(&text));
        }
    }
    if let Some(text) = etc("debian_version") {
        return match lsb("DISTRIB_ID").as_str() {
            "Ubuntu" => Platform::new("ubuntu", &lsb("DISTRIB_RELEASE")),
            "LinuxMint" => Platform::new("linuxmint", &lsb("DISTRIB_RELEASE")),
            _ => Platform::new("debian", first_line(&text)),
        };
    }
    for name in ["redhat-release", "system-release"] {
        if let Some(text) = etc(name) {
            let lower = text.to_lowercase();
            let first = lower.split(' ').next().unwrap_or_default();
            let name = if lower.contains("red hat") { "redhat" } else { first.trim() };
            return Platform::new(name, &behind_release(&text));
        }
    }
    if etc("arch-release").is_some() {
        return Platform::new("arch", &lsb("DISTRIB_RELEASE"));
    }
    if let Some(text) = etc("alpine-release") {
        return Platform::new("alpine", first_line(&text));
    }
    match etc("os-release") {
        Some(text) => Platform {
            name: value_of(&text, "ID").unwrap_or_default(),
            version: value_of(&text, "VERSION_ID").unwrap_or_default(),
        },
        None => Platform { name: lsb("DISTRIB_ID").to_lowercase(), version: lsb("DISTRIB_RELEASE") },
    }
}

/// Name and version, and in parentheses what `uname` says: the form of the OpenTelemetry SDKs.
pub(super) fn description(root: &Path) -> String {
    let uname = rustix::system::uname();
    let parts = [uname.sysname(), uname.nodename(), uname.release(), uname.version(), uname.machine()];
    let uname = parts.map(|part| part.to_string_lossy().into_owned()).join(" ");
    match named(&os_release(root)) {
        Some(release) => format!("{release} ({uname})"),
        None => uname,
    }
}

/// The build of the image, else the release of the kernel.
pub(super) fn build_id(root: &Path) -> String {
    let text = fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
    match value_of(&text, "BUILD_ID").filter(|id| !id.is_empty()) {
        Some(id) => id,
        None => rustix::system::uname().release().to_string_lossy().into_owned(),
    }
}

fn os_release(root: &Path) -> String {
    let files = ["etc/os-release", "usr/lib/os-release"];
    files.iter().find_map(|file| fs::read_to_string(root.join(file)).ok()).unwrap_or_default()
}

fn named(os_release: &str) -> Option<String> {
    let value = |key| value_of(os_release, key).filter(|value| !value.is_empty());
    match (value("NAME"), value("VERSION").or_else(|| value("VERSION_ID"))) {
        (Some(name), Some(version)) => Some(format!("{name} {version}")),
        _ => value("PRETTY_NAME"),
    }
}

/// The value of a key in a file of `KEY=value` lines, without the quotes.
fn value_of(text: &str, key: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let mut values = lines.filter_map(|line| line.split_once('=')).filter(|(name, _)| name.trim() == key);
    let value = values.next_back()?.1.trim();
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(unescaped(inner.unwrap_or(value)))
}

fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.next_if(|next| c == '\\' && matches!(next, '$' | '"' | '\'' | '\\' | '`')) {
            Some(escaped) => out.push(escaped),
            None => out.push(c),
        }
    }
    out
}

/// The version in `NAME release VERSION (CODENAME)`.
fn behind_release(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower.contains("rawhide") {
        return "rawhide".to_owned();
    }
    let rest = lower.split_once("release ").map_or("", |(_, rest)| rest);
    let is_version = |(at, c): &(usize, char)| c.is_ascii_digit() || *c == '.' || (*at == 0 && c.is_alphanumeric());
    rest.char_indices().take_while(is_version).map(|(_, c)| c).collect()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}
