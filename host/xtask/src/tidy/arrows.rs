//! The arrows between crates: otlp ← component ← everything; config ← pipeline; only the binary names all.

use crate::workspace::Package;

/// Each crate with those of this repository that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("host-otlp", &[]),
    ("host-component", &["host-otlp"]),
    ("host-compression", &[]),
    ("host-config", &["host-component", "host-otlp"]),
    ("host-telemetry", &["host-component", "host-config", "host-otlp"]),
    ("host-tls", &["host-config", "host-telemetry"]),
    ("host-identity", &["host-component", "host-config", "host-otlp"]),
    ("host-projection", &["host-otlp"]),
    ("host-frames", &[]),
    ("host-manifest", &["host-compression"]),
    ("host-quarantine", &["host-frames", "host-otlp"]),
    ("host-queue", &["host-component", "host-config", "host-frames", "host-otlp", "host-quarantine", "host-telemetry"]),
    ("host-pipeline", &["host-component", "host-config", "host-otlp", "host-telemetry"]),
    (
        "host-receivers",
        &[
            "host-component",
            "host-compression",
            "host-config",
            "host-identity",
            "host-otlp",
            "host-telemetry",
            "host-tls",
            "sdk-patterns",
        ],
    ),
    (
        "host-processors",
        &["host-component", "host-config", "host-kubernetes", "host-otlp", "host-telemetry", "sdk-patterns"],
    ),
    (
        "host-exporters",
        &["host-component", "host-compression", "host-config", "host-otlp", "host-telemetry", "host-tls"],
    ),
    ("host-extensions", &["host-component", "host-config", "host-telemetry", "host-tls"]),
    (
        "host-wasm",
        &[
            "host-component",
            "host-config",
            "host-manifest",
            "host-otlp",
            "host-projection",
            "host-quarantine",
            "host-telemetry",
        ],
    ),
    (
        "host-kafka",
        &[
            "host-component",
            "host-config",
            "host-exporters",
            "host-otlp",
            "host-receivers",
            "host-telemetry",
            "host-tls",
        ],
    ),
    (
        "host-modules",
        &["host-component", "host-config", "host-kubernetes", "host-manifest", "host-telemetry", "host-wasm"],
    ),
    ("host-kubernetes", &["host-component", "host-config", "host-otlp", "host-telemetry"]),
    (
        "host-cluster",
        &["host-component", "host-config", "host-kubernetes", "host-periodic", "host-receivers", "host-telemetry"],
    ),
    (
        "host-events",
        &["host-component", "host-config", "host-kubernetes", "host-otlp", "host-receivers", "host-telemetry"],
    ),
    (
        "host-kubelet",
        &[
            "host-component",
            "host-config",
            "host-kubernetes",
            "host-periodic",
            "host-receivers",
            "host-telemetry",
            "host-tls",
        ],
    ),
    (
        "host-scrape",
        &[
            "host-component",
            "host-compression",
            "host-config",
            "host-kubernetes",
            "host-otlp",
            "host-receivers",
            "host-telemetry",
            "host-tls",
            "sdk-patterns",
        ],
    ),
    ("host-periodic", &["host-component", "host-config", "host-otlp", "host-receivers", "host-telemetry"]),
    ("host-machine", &["host-component", "host-config", "host-periodic", "host-receivers", "sdk-patterns"]),
    ("host-toolchain", &[]),
    ("host-xtask", &["host-toolchain", "test-adversaries"]),
    ("sdk-collector", &["sdk-patterns", "tidegate-sdk"]),
    ("sdk-ottl", &["sdk-collector", "tidegate-sdk"]),
    ("sdk-patterns", &[]),
    ("test-adversaries", &["host-projection"]),
    ("tidegate-sdk", &[]),
];

/// The one crate that names concrete components.
const BINARY: &str = "tidegate";

/// Dependencies that one crate seals: nobody else may see them, or anything whose name begins so.
const SEALED: [(&str, &str); 6] = [
    ("wasmtime", "host-wasm"),
    ("kube", "host-kubernetes"),
    ("rdkafka", "host-kafka"),
    ("rustls", "host-tls"),
    ("opentelemetry", "host-telemetry"),
    ("opentelemetry_sdk", "host-telemetry"),
];

/// What everybody may see though its name begins so: messages of the protocol.
const OPEN: &str = "opentelemetry-proto";

pub(crate) fn check(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| package.name != BINARY) {
        let name = &package.name;
        let is_guest = package.manifest_path.components().any(|part| part.as_os_str() == "guests");
        let allowed = match ALLOWED.iter().find(|(crate_name, _)| crate_name == name) {
            Some((_, allowed)) => allowed,
            None if is_guest => &["sdk-collector", "sdk-ottl", "tidegate-sdk"][..],
            None => {
                problems
                    .push(format!("{name}: no arrows are set for this crate; add it to the table in tidy/arrows.rs"));
                continue;
            }
        };
        // What a crate's tests use does not make it depend on anything.
        let needs =
            || package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")).map(|d| d.name.as_str());
        let ours = |dependency: &&str| packages.iter().any(|package| package.name == **dependency);
        for dependency in needs().filter(ours).filter(|dependency| !allowed.contains(dependency)) {
            problems.push(format!("{name} depends on {dependency}, which it must not know"));
        }
    }
    for package in packages {
        for (sealed, owner) in SEALED {
            let is_sealed = |name: &str| name == sealed || name.starts_with(&format!("{sealed}-"));
            let seen = package.dependencies.iter().any(|d| d.name != OPEN && is_sealed(&d.name));
            if seen && package.name != owner {
                problems.push(format!("{} sees {sealed}; only {owner} may", package.name));
            }
        }
    }
    problems
}
