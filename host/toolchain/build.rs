//! Embeds the SDKs, the templates and the contract, so that a project can be made where there is nothing but this program.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders under the root of the repository that are embedded.
const FOLDERS: [&str; 7] = ["sdk/c", "sdk/go", "sdk/javascript", "sdk/python", "sdk/rust", "sdk/template", "wit"];

/// What lies in them and is no part of an SDK.
const NOT_EMBEDDED: [&str; 6] = ["__pycache__", "build", "examples", "node_modules", "target", "tests"];

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let root = here.join("../..").canonicalize().expect("the crate lies two levels under the root");
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).expect("it was found under the root").display().to_string();
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.display().to_string()).expect("text takes text");
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("embedded.rs");
    fs::write(out, table).expect("cargo's folder for build scripts can be written");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).expect("the folder is part of the repository") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A template's own dot files are wanted, and have another name here.
        if NOT_EMBEDDED.contains(&name.as_ref()) || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
