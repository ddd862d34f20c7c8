//! The child that compiles, alone: what this crate's tests start in place of `tidegate compile`.

use std::process::ExitCode;

fn main() -> ExitCode {
    host_wasm::compile_main(std::env::args_os().skip(1))
}
