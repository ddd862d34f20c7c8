//! What a machine may lack, and how to get it.

use std::env;

use anyhow::{Result, bail};

use crate::process;

/// Python with virtual environments, for the tests against the Python SDK.
pub(crate) fn python() -> Result<()> {
    if !process::answers("python3", &["-c", "import ensurepip, venv"]) {
        bail!("Python with venv is missing: apt-get install python3-venv");
    }
    Ok(())
}

/// valgrind, for counting instructions.
pub(crate) fn valgrind() -> Result<()> {
    if !process::answers("valgrind", &["--version"]) {
        bail!("valgrind is missing: apt-get install valgrind");
    }
    Ok(())
}

/// Go, for building the Collector that we test and measure against.
pub(crate) fn go() -> Result<()> {
    if !process::answers("go", &["version"]) {
        bail!("Go is missing: https://go.dev/dl, 1.26 or later");
    }
    Ok(())
}

/// kubectl, which has kustomize in it.
pub(crate) fn kubectl() -> Result<()> {
    if !process::answers("kubectl", &["version", "--client"]) {
        bail!("kubectl is missing: https://kubernetes.io/docs/tasks/tools");
    }
    Ok(())
}

/// npm, for the OpenTelemetry SDK for JavaScript.
pub(crate) fn npm() -> Result<()> {
    if !process::answers("npm", &["--version"]) {
        bail!("npm is missing: apt-get install npm");
    }
    Ok(())
}

/// Maven and Java, for the OpenTelemetry SDK for Java.
pub(crate) fn maven() -> Result<()> {
    if !process::answers("mvn", &["--version"]) {
        bail!("Maven is missing: apt-get install maven");
    }
    Ok(())
}

/// What a node of Kubernetes is made of besides its own programs: a program, and Debian's package of it.
const NODE: [(&str, &str); 5] = [
    ("runc", "runc"),
    ("/usr/lib/cni/bridge", "containernetworking-plugins"),
    ("iptables", "iptables"),
    ("conntrack", "conntrack"),
    ("busybox", "busybox-static"),
];

/// What the tests on a real Kubernetes need: root, since its containers are, and what a node has.
pub(crate) fn cluster() -> Result<()> {
    python()?;
    go()?;
    if !rustix::process::geteuid().is_root() {
        bail!("a node of Kubernetes needs root: run it as root, in a machine or a container that may be disturbed");
    }
    let missing: Vec<&str> = NODE.iter().filter(|(file, _)| !is_there(file)).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        bail!("parts of a node are missing: apt-get install --no-install-recommends {}", missing.join(" "));
    }
    for (program, package) in [("ip", "iproute2"), ("nsenter", "util-linux"), ("openssl", "openssl")] {
        if !is_there(program) {
            bail!("{program} is missing: apt-get install {package}");
        }
    }
    Ok(())
}

/// Whether there is such a program, on the path or where root's are. A whole path stands for itself.
fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.any(|folder| folder.join(program).is_file())
}

/// taskset, for pinning programs to cores.
pub(crate) fn taskset() -> Result<()> {
    if !process::answers("taskset", &["--version"]) {
        bail!("taskset is missing: apt-get install util-linux");
    }
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two cores are needed, one for the collector and one for the rig");
    }
    Ok(())
}

/// cargo-fuzz and the nightly toolchain that it needs.
pub(crate) fn cargo_fuzz() -> Result<()> {
    if !process::answers("cargo", &["+nightly", "--version"]) {
        bail!("the nightly toolchain is missing: rustup toolchain install nightly");
    }
    if !process::answers("cargo", &["fuzz", "--version"]) {
        bail!("cargo-fuzz is missing: cargo install --locked cargo-fuzz");
    }
    Ok(())
}
