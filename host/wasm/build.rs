//! Makes a component of the text of the module that does nothing.

use std::path::PathBuf;
use std::{env, fs};

const TEXT: &str = "src/offline/idle.wat";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={TEXT}");
    let component = wat::parse_file(TEXT).expect("the module that does nothing is one");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("idle.wasm");
    fs::write(out, component).expect("cargo's folder for build scripts can be written");
}
