//! Embeds the bundled modules where `cargo xtask guests` has built them; without them the binary is built all the same
//! and says what to run when a configuration names one.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// Keep in step with the grants in `src/bundled.rs`, which a test does.
const NAMES: [&str; 11] = [
    "attributes",
    "cardinality-guard",
    "cluster-labels",
    "filter",
    "pii-scrub",
    "probabilistic-sampler",
    "redaction",
    "resource",
    "routing",
    "routing-connector",
    "transform",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=TIDEGATE_GUESTS");
    let folder = env::var_os("TIDEGATE_GUESTS").map_or_else(default_folder, PathBuf::from);
    // A path that is missing would make Cargo run this each time: so there is a folder to watch.
    let _ = fs::create_dir_all(&folder);
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut list = String::from("&[\n");
    for name in NAMES {
        let path = folder.join(format!("{name}.wasm"));
        if path.is_file() {
            writeln!(list, "    ({name:?}, include_bytes!({:?})),", path.display().to_string())
                .expect("text takes text");
        }
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("bundled.rs");
    fs::write(out, list).expect("cargo's folder for build scripts can be written");
}

fn default_folder() -> PathBuf {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    here.join("../../target/guests/components")
}
