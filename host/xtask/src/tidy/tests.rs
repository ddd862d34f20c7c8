//! Each rule finds what breaks it and leaves alone what does not.

use std::path::PathBuf;

use super::{arrows, layout, text};
use crate::workspace::{Dependency, Package};

fn package(name: &str, dependencies: &[&str]) -> Package {
    let dependency = |name: &&str| Dependency { name: (*name).to_owned(), kind: None };
    Package {
        name: name.to_owned(),
        manifest_path: PathBuf::from(format!("/repo/host/{name}/Cargo.toml")),
        dependencies: dependencies.iter().map(dependency).collect(),
    }
}

fn arrows_of(name: &str, dependencies: &[&str]) -> Vec<String> {
    arrows::check(&[package("host-otlp", &[]), package("host-config", &[]), package(name, dependencies)])
}

#[test]
fn an_arrow_against_the_grain_is_found() {
    assert_eq!(arrows_of("host-projection", &["host-otlp"]), [""; 0]);
    let found = arrows_of("host-projection", &["host-otlp", "host-config"]);
    assert_eq!(found, ["host-projection depends on host-config, which it must not know"]);
}

#[test]
fn what_only_tests_use_is_no_arrow() {
    let mut projection = package("host-projection", &["host-config"]);
    projection.dependencies[0].kind = Some("dev".to_owned());
    assert_eq!(arrows::check(&[package("host-config", &[]), projection]), [""; 0]);
}

#[test]
fn wasmtime_is_seen_by_one_crate_only() {
    assert_eq!(arrows_of("host-wasm", &["wasmtime"]), [""; 0]);
    assert_eq!(arrows_of("tidegate", &["wasmtime-environ"]), ["tidegate sees wasmtime; only host-wasm may"]);
}

#[test]
fn a_crate_without_arrows_is_asked_for_them() {
    assert!(arrows_of("host-new", &[])[0].starts_with("host-new: no arrows are set"));
}

#[test]
fn a_package_is_named_by_its_path() {
    for (folder, name) in [
        ("host/pipeline", "host-pipeline"),
        ("host/tidegate", "tidegate"),
        ("sdk/rust", "tidegate-sdk"),
        ("guests/routing", "guest-routing"),
    ] {
        assert_eq!(layout::package(folder, name), None, "{folder}");
    }
    for (folder, name) in [("host/pipeline", "pipeline"), ("host/a/b", "host-a-b"), ("host/wasm", "tidegate")] {
        assert!(layout::package(folder, name).is_some(), "{folder}");
    }
}

#[test]
fn a_file_says_first_what_it_is_about_and_is_short() {
    assert_eq!(layout::file("host/a/src/lib.rs", "//! One.\n"), [""; 0]);
    assert_eq!(layout::file("README.md", "Anything\n"), [""; 0]);
    assert_eq!(layout::file("host/a/src/b/mod.rs", "//! One.\n").len(), 1);
    assert_eq!(layout::file("host/a/src/lib.rs", "use std::fs;\n").len(), 1);
    assert_eq!(layout::file("host/a/src/lib.rs", &"//! One.\n".repeat(501)).len(), 1);
}

#[test]
fn a_component_has_the_files_that_all_components_have() {
    let files =
        |names: &[&str]| -> Vec<String> { names.iter().map(|name| format!("host/receivers/src/{name}")).collect() };
    let whole = files(&["otlp.rs", "otlp/config.rs", "otlp/receiver.rs", "otlp/tests.rs", "budget/tests.rs"]);
    assert_eq!(layout::components(&whole), [""; 0]);
    let found = layout::components(&files(&["otlp/receiver.rs", "otlp/tests.rs"]));
    assert_eq!(found, ["host/receivers/src/otlp: a component has a file config.rs"]);
}

#[test]
fn words_that_no_file_may_have_are_found_with_their_line() {
    let note = format!("// fine\n// {}: later\n", concat!("TO", "DO"));
    assert!(text::check("docs/a.md", &note)[0].starts_with("docs/a.md:2: "));
    let unwraps = format!("let a = b{};\n", concat!(".unw", "rap()"));
    assert_eq!(text::check("host/a/src/lib.rs", &unwraps).len(), 1);
    assert_eq!(text::check("host/a/src/tests.rs", &unwraps), [""; 0]);
    let registry = format!("https://{}/simple", concat!("pypi", ".org"));
    assert_eq!(text::check(".ci/run", &registry).len(), 1);
    assert_eq!(text::check("Cargo.lock", &registry), [""; 0]);
}
