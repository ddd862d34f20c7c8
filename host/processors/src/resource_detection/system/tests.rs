//! Files of operating systems, read.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::cpu::{self, Cpu};
use super::hostname::in_hosts;
use super::{host_id, network, release};

fn root(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

fn platform(files: &[(&str, &str)]) -> (String, String) {
    let platform = release::platform(root(files).path());
    (platform.name, platform.version)
}

#[test]
fn finds_the_full_name_in_a_hosts_file() {
    let hosts =
        "# all of them\n127.0.0.1 localhost\n\n10.0.0.7\tnode.example.com node n1 # here\n10.0.0.8 other node2\n";
    assert_eq!(in_hosts(hosts, "node"), Some("node.example.com"));
    assert_eq!(in_hosts(hosts, "node.example.com"), Some("node.example.com"));
    assert_eq!(in_hosts(hosts, "here"), None);
    assert_eq!(in_hosts(hosts, "nod"), None);
}

#[test]
fn tells_distributions_by_their_own_files() {
    let os_release = ("etc/os-release", "ID=\"wolfi\"\nVERSION_ID='20230201'\n");
    let of = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    assert_eq!(platform(&[os_release]), of("wolfi", "20230201"));
    assert_eq!(platform(&[os_release, ("etc/debian_version", "12.7\n")]), of("debian", "12.7"));
    let lsb = ("etc/lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\n");
    assert_eq!(platform(&[("etc/debian_version", "trixie/sid\n"), lsb]), of("ubuntu", "24.04"));
    let redhat = ("etc/redhat-release", "Red Hat Enterprise Linux release 9.4 (Plow)\n");
    assert_eq!(platform(&[os_release, redhat]), of("redhat", "9.4"));
    assert_eq!(platform(&[("etc/redhat-release", "Rocky Linux release 9.3 (Blue Onyx)")]), of("rocky", "9.3"));
    assert_eq!(platform(&[("etc/alpine-release", "3.20.1\n")]), of("alpine", "3.20.1"));
    assert_eq!(platform(&[]), of("", ""));
}

#[test]
fn describes_the_system_as_the_sdks_do() {
    let described = |content: &str| release::description(root(&[("etc/os-release", content)]).path());
    let debian = described("NAME=\"Debian GNU/Linux\"\nVERSION_ID=12\nVERSION=\"12 (book\\\"worm)\"\n");
    assert!(debian.starts_with("Debian GNU/Linux 12 (book\"worm) (Linux "), "{debian}");
    assert!(described("PRETTY_NAME=Small\n").starts_with("Small (Linux "));
    assert!(release::description(Path::new("/nowhere")).starts_with("Linux "));
}

#[test]
fn a_build_is_named_by_the_image_or_by_the_kernel() {
    let kernel = rustix::system::uname().release().to_string_lossy().into_owned();
    assert_eq!(release::build_id(root(&[("etc/os-release", "BUILD_ID=rolling\n")]).path()), "rolling");
    assert_eq!(release::build_id(root(&[]).path()), kernel);
}

#[test]
fn the_id_of_the_host_is_that_of_the_machine() {
    assert_eq!(host_id(root(&[("etc/machine-id", "abc\n")]).path()).as_deref(), Some("abc"));
    assert_eq!(host_id(root(&[("var/lib/dbus/machine-id", "def\n")]).path()).as_deref(), Some("def"));
    assert_eq!(host_id(root(&[]).path()), None);
}

#[test]
fn reads_the_first_processor_of_each_make() {
    let intel = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n\
                 model name\t: Xeon @ 2.00GHz\nstepping\t: 3\ncache size\t: 39424 KB\n\n\
                 processor\t: 1\nvendor_id\t: Another\n";
    let of = |vendor: &str, family: &str, model: &str, name: &str, stepping: &str, cache| {
        let [vendor, family, model, name, stepping] = [vendor, family, model, name, stepping].map(str::to_owned);
        Some(Cpu { vendor, family, model, name, stepping, cache })
    };
    assert_eq!(cpu::first(intel), of("GenuineIntel", "6", "85", "Xeon @ 2.00GHz", "3", 39424));
    let ampere = "processor\t: 0\nCPU implementer\t: 0xc0\nCPU part\t: 0xac3\nCPU revision\t: 1\n";
    assert_eq!(cpu::first(ampere), of("Ampere", "", "0xac3", "", "1", 0));
    assert_eq!(cpu::first("nothing of this kind"), None);
}

#[test]
fn lists_the_interfaces_of_this_machine() {
    let interfaces = network::interfaces().unwrap();
    assert!(interfaces.names.iter().any(|name| name == "lo"), "{interfaces:?}");
    assert!(!interfaces.ips.iter().any(|ip| ip == "127.0.0.1" || ip == "::1"), "{interfaces:?}");
    let is_mac = |mac: &String| {
        mac.len() == 17 && mac.bytes().all(|b| b == b'-' || b.is_ascii_digit() || b.is_ascii_uppercase())
    };
    assert!(interfaces.macs.iter().all(is_mac), "{interfaces:?}");
}
