//! Whatever was written to a journal, a line of it is one entry, with a place to go on from, or none.

#![no_main]

use host_receivers::journald::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    probe(&String::from_utf8_lossy(bytes), how & 1 == 1);
});
