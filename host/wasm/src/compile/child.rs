//! The child that compiles: one thread, niced, within limits of memory, CPU and file size that it sets on itself before
//! it reads a byte of the module.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, nice, setrlimit};

use crate::engine;

const NICE: i32 = 10;
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;
const CPU_SECONDS: u64 = 240;
const FILE_BYTES: u64 = 1 << 30;

/// The whole of `tidegate compile`; `arguments` are what follows that word.
pub fn compile_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<(), String> {
    let (input, output) = paths(arguments).ok_or("usage: tidegate compile --input FILE --output FILE")?;
    confine().map_err(|error| format!("limits cannot be set: {error}"))?;
    let component = fs::read(&input).map_err(|error| format!("{}: {error}", input.display()))?;
    let native = precompile(&component)?;
    fs::write(&output, native).map_err(|error| format!("{}: {error}", output.display()))
}

fn precompile(component: &[u8]) -> Result<Vec<u8>, String> {
    let engine = engine::compiling().map_err(|error| error.to_string())?;
    engine.precompile_component(component).map_err(|error| format!("{error:#}"))
}

fn paths(arguments: impl IntoIterator<Item = OsString>) -> Option<(PathBuf, PathBuf)> {
    let (mut input, mut output) = (None, None);
    let mut arguments = arguments.into_iter();
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match name.to_str()? {
            "--input" => input = Some(Path::new(&value).to_path_buf()),
            "--output" => output = Some(Path::new(&value).to_path_buf()),
            _ => return None,
        }
    }
    Some((input?, output?))
}

fn confine() -> rustix::io::Result<()> {
    for (resource, limit) in [
        (Resource::As, ADDRESS_SPACE_BYTES),
        (Resource::Cpu, CPU_SECONDS),
        (Resource::Fsize, FILE_BYTES),
        (Resource::Core, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    nice(NICE)?;
    Ok(())
}
