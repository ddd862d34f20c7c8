//! The bindings of C and Go are what their generators make of the contract.
//!
//! They are part of the repository, so that a build needs no generator. `UPDATE_BINDINGS=1 cargo test -p host-toolchain` writes
//! them anew. What Go's need besides, `sdk/go/internal/wit`, is what wit-bindgen-go 0.61.1 has in `src/pkg/wit`, with other
//! import paths.

use std::path::{Path, PathBuf};
use std::{env, fs};

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::{Resolve, WorldId};

use crate::embedded::WIT;

fn world() -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("processor.wit", WIT).unwrap();
    let world = resolve.select_world(&[package], Some("processor")).unwrap();
    (resolve, world)
}

/// Holds what was generated against what there is, or writes it.
fn hold(folder: &str, files: impl IntoIterator<Item = (PathBuf, String)>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    for (name, text) in files {
        let path = folder.join(name);
        if env::var_os("UPDATE_BINDINGS").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        assert!(there == text, "{} is not current: UPDATE_BINDINGS=1 cargo test -p host-toolchain", path.display());
    }
}

fn text(contents: &[u8]) -> String {
    String::from_utf8(contents.to_vec()).unwrap()
}

#[test]
fn of_c() {
    let (mut resolve, world) = world();
    let mut files = Files::default();
    wit_bindgen_c::Opts::default().build().generate(&mut resolve, world, &mut files).unwrap();
    let sources = files.iter().filter(|(name, _)| !name.ends_with(".o"));
    hold("sdk/c/src/bindings", sources.map(|(name, contents)| (name.into(), text(contents))));
}

#[test]
fn of_go() {
    let (mut resolve, world) = world();
    let mut files = Files::default();
    wit_bindgen_go::Opts::default().build().generate(&mut resolve, world, &mut files).unwrap();
    let sources = files.iter().filter(|(name, _)| name.ends_with(".go") && !name.starts_with("wit_world"));
    hold("sdk/go/internal/bindings", sources.map(|(name, contents)| placed(name, &text(contents))));
}

/// Bindings are a program of their own as they come; in the SDK they are packages of its module.
fn placed(name: &str, text: &str) -> (PathBuf, String) {
    let text = text
        .replace("\"wit_component/", "\"tidegate.dev/tidegate/internal/bindings/")
        .replace("\"go.bytecodealliance.org/pkg/wit/", "\"tidegate.dev/tidegate/internal/wit/");
    let wasm_only = |text: String| format!("//go:build wasm\n\n{text}");
    if name == "wit_exports.go" {
        let text = text
            .replace("package main\n", "package exports\n")
            .replace("// Unused, but present to make the compiler happy\nfunc main() {}\n", "");
        return ("exports/exports.go".into(), wasm_only(text));
    }
    let has_imports = name.starts_with("tidegate_processor_log") || name.starts_with("tidegate_processor_counters");
    (name.into(), if has_imports { wasm_only(text) } else { text })
}
