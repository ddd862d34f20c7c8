//! `tidegate module inspect`: what a module is, and why it is none.

use super::Folder;
use crate::harness::{Collector, modules};

#[test]
fn a_bundled_module_tells_what_it_is_and_what_it_asks_for() {
    let folder = Folder::new().file("rules.yaml", "rules: [{ match: { resource: { team: pay } }, route: audit }]\n");
    let told = folder.module("inspect routing --config rules.yaml --signal logs").fine();
    let lines: Vec<&str> = told.lines().collect();
    let value = |name: &str| {
        let line =
            lines.iter().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        line.trim_start()[name.len()..].trim().to_owned()
    };
    assert_eq!(lines[0], "routing");
    assert!(value("digest").starts_with("sha256:"), "{told}");
    assert_eq!(value("contract"), "tidegate:processor@0.2.0, world processor");
    assert!(value("size").contains(" core module"), "{told}");
    assert!(value("native code").contains(" bytes, compiled in "), "{told}");
    assert!(value("imports").contains("tidegate:processor/types@0.2.0"), "{told}");
    assert!(value("exports").contains("configure, process") || value("exports").contains("process"), "{told}");
    assert_eq!(value("reads"), r#"resource.attributes["team"]"#);
    assert_eq!(value("writes"), "route");
    assert_eq!(value("routes"), "audit");
    assert_eq!(value("state"), "none: any instance takes any batch");
    assert!(!told.contains("traces"), "one signal was asked for: {told}");
}

#[test]
fn patterns_are_told_with_the_names_that_they_have() {
    let folder = Folder::new().file("rules.yaml", "detectors: { us_ssn: {} }\nfields: [log.body, span.name]\n");
    let told = folder.module("inspect pii-scrub --config rules.yaml").fine();
    assert!(told.contains("  reads       log.body[**]  where A matches\n"), "{told}");
    assert!(told.contains("  reads       span.name  where A matches\n"), "{told}");
    assert!(told.contains("  patterns A  "), "{told}");
}

#[tokio::test]
async fn its_grants_are_all_that_a_configuration_needs() {
    let rules = "detectors: { email: {} }\n";
    let folder = Folder::new().file("modules/mine.wasm", modules::bundled("pii-scrub")).file("rules.yaml", rules);
    let told = folder.module("inspect modules/mine.wasm --config rules.yaml").fine();
    let (_, grants) = told.split_once("to paste into a configuration\n\n").unwrap();
    assert!(grants.starts_with("modules:\n  grants:\n    mine:\n"), "{grants}");
    let yaml = format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '${{env:HOST}}:4317' }} }} }} }}
processors: {{ wasm: {{ module: mine, config_file: rules.yaml, limits: {{ timeout: 5s }} }} }}
exporters: {{ debug: }}
service:
  telemetry: {{ metrics: {{ address: '${{env:HOST}}:8888' }} }}
  pipelines: {{ logs: {{ receivers: [otlp], processors: [wasm], exporters: [debug] }} }}
{}",
        grants.replace("modules:\n", "modules:\n  folder: modules\n  cache: '${env:CACHE}'\n")
    );
    let setup = Collector::from_yaml(&yaml).file("rules.yaml", rules);
    setup.file("modules/mine.wasm", modules::bundled("pii-scrub")).start().await;
}

#[test]
fn json_has_the_same_for_programs() {
    let folder = Folder::new().file("rules.yaml", "detectors: { us_ssn: {} }\nfields: [log.body]\n");
    let told = folder.module("inspect pii-scrub --config rules.yaml --json").json();
    assert_eq!((&told["name"], &told["contract"]), (&"pii-scrub".into(), &"tidegate:processor@0.2.0".into()));
    assert!(told["bytes"].as_u64() > told["core_modules"][0].as_u64(), "{told:#}");
    assert!(told["native_bytes"].as_u64() > Some(0) && told["compile_seconds"].as_f64() > Some(0.0), "{told:#}");
    let reads = &told["signals"]["logs"]["reads"][0];
    assert_eq!(reads["path"], "log.body[**]");
    assert!(reads["patterns"][0]["pattern"].is_string(), "{reads:#}");
    assert_eq!(told["signals"]["logs"]["state"], "none");
}

#[test]
fn what_is_no_module_is_told_with_the_words_of_a_start() {
    let labels = modules::bundled("cluster-labels");
    let folder = Folder::new()
        .file("empty.wasm", "")
        .file("script.wasm", "#!/bin/sh\n")
        .file("half.wasm", modules::truncated(&labels))
        .file("old.wasm", modules::of_another_version(&labels))
        .file("core.wasm", b"\0asm\x01\0\0\0")
        .file("large.wasm", vec![0; (32 << 20) + 1])
        .file("folder.wasm/readme", "")
        .file("rules.yaml", "attributes: 7\n")
        .file("latin.yaml", b"mask: \xe9\n");
    let refused = |line: &str| folder.module(line).error(1);
    for (module, cause) in [
        ("empty.wasm", "the file is empty"),
        ("script.wasm", "the file is no WebAssembly: it does not start with its magic number"),
        ("folder.wasm", "folder.wasm cannot be read: it is no regular file"),
        ("none.wasm", "none.wasm cannot be read: there is no such file"),
        ("large.wasm", "the module has 33554433 bytes, more than the limit of 33554432 (modules.limits.component_mib)"),
        (
            "core.wasm",
            "the file is a core WebAssembly module, not a component: make one of it with the SDK's build, or `wasm-tools \
             component new`",
        ),
        (
            "old.wasm",
            "the module was built for tidegate:processor@0.9.0, this host speaks 0.2.0: build it with this host's SDK",
        ),
    ] {
        let told = format!("error: cannot load the module `{module}`\n\nCaused by:\n  {cause}\n");
        assert_eq!(refused(&format!("inspect {module}")), told);
    }
    let half = refused("inspect half.wasm");
    assert!(half.contains("\n  the module is damaged or cut off: "), "{half}");
    let none = refused("inspect no-such-module");
    assert!(
        none.starts_with("error: there is no module `no-such-module`: name a file, or one of the bundled"),
        "{none}"
    );
    let config = refused("inspect cluster-labels --signal logs --config rules.yaml");
    let told = "error: cannot run the module `cluster-labels` on logs\n\nCaused by:\n  the module cannot be configured: attributes";
    assert!(config.starts_with(told), "{config}");
    let latin = refused("inspect cluster-labels --config latin.yaml");
    assert!(latin.contains("latin.yaml is no configuration: invalid utf-8"), "{latin}");
}

#[test]
fn a_module_that_asks_for_more_than_it_is_granted_is_refused() {
    let folder = Folder::new().file("rules.yaml", "attributes: { a: b }\n").file("grants.yaml", "reads: ['*']\n");
    let line = "inspect cluster-labels --config rules.yaml --grants grants.yaml";
    let refused = folder.module(line).error(1);
    assert!(refused.contains(r#"writes `resource.attributes["a"]`, which is not granted"#), "{refused}");
    folder.write("grants.yaml", "read: ['*']\n");
    let refused = folder.module(line).error(1);
    assert!(refused.contains("grants.yaml:1:1: read: unknown key"), "{refused}");
}
