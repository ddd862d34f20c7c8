//! Whatever stands in a line of a container's log, it is parsed or refused.

#![no_main]

use host_receivers::file_log::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| probe::container(&String::from_utf8_lossy(data)));
