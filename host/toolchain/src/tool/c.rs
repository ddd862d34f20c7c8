//! C: clang for WASI, with its library.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::Tool;
use crate::{Error, Manifest};

const CLANG: Tool = Tool {
    name: "clang",
    install: "on Debian and Ubuntu `apt-get install clang lld wasi-libc libclang-rt-dev-wasm32`; elsewhere put the folder of \
              https://github.com/WebAssembly/wasi-sdk in WASI_SDK_PATH, or a compiler for wasm32-wasi in CC",
    hint: "; where it lacks a header or library, it is that of WASI: install wasi-libc and libclang-rt-dev-wasm32, or put the \
           folder of https://github.com/WebAssembly/wasi-sdk in WASI_SDK_PATH",
};

/// Compiles what is in `src` with the SDK, and returns the core module.
pub(crate) fn run(folder: &Path, manifest: &Manifest, work: &Path) -> Result<PathBuf, Error> {
    let (sdk, core) = (folder.join(&manifest.sdk), work.join("core.wasm"));
    let mut clang = Command::new(compiler());
    clang.current_dir(folder).args([
        "--target=wasm32-wasi",
        "-mexec-model=reactor",
        "-std=c11",
        "-Os",
        "-Wall",
        "-Wextra",
    ]);
    // The stack lies first in memory, so that one that is too deep is a trap and overwrites nothing.
    clang.args(["-Wl,--strip-all", "-Wl,--stack-first", "-Wl,-z,stack-size=262144"]);
    clang.arg("-I").arg(&sdk).args(&manifest.flags).arg("-o").arg(&core);
    // Relative, so that where a project lies is no part of its module.
    clang.args(sources(&folder.join("src"), Path::new("src"))?);
    clang.args(sources(&sdk.join("src"), &sdk.join("src"))?);
    clang.args(sources(&sdk.join("src/bindings"), &sdk.join("src/bindings"))?);
    CLANG.run(&mut clang)?;
    Ok(core)
}

fn compiler() -> PathBuf {
    if let Some(chosen) = env::var_os("CC") {
        return chosen.into();
    }
    env::var_os("WASI_SDK_PATH").map_or_else(|| "clang".into(), |sdk| PathBuf::from(sdk).join("bin/clang"))
}

/// The files of C in a folder, in one order, as they lie under `shown`.
fn sources(folder: &Path, shown: &Path) -> Result<Vec<PathBuf>, Error> {
    let files = fs::read_dir(folder).map_err(|error| Error::Read { path: folder.to_owned(), error })?;
    let names = files.filter_map(|file| Some(PathBuf::from(file.ok()?.file_name())));
    let mut sources: Vec<PathBuf> =
        names.filter(|name| name.extension() == Some(OsStr::new("c"))).map(|name| shown.join(name)).collect();
    sources.sort();
    if sources.is_empty() {
        return Err(Error::Project(format!("there is no file of C in {}", folder.display())));
    }
    Ok(sources)
}
