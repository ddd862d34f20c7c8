//! Whatever bytes stand in a file, they are cut into entries that follow one another, in each way that can be configured.

#![no_main]

use host_receivers::file_log::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    probe::split(*how, bytes);
});
