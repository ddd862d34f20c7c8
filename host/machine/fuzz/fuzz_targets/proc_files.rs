//! Whatever a file of the kernel says, a reader makes something of it or leaves it out.

#![no_main]

use host_machine::host_metrics::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    probe::all(&String::from_utf8_lossy(data));
});
