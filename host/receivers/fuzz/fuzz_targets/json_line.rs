//! Whatever JSON is in a line, it is the object that serde_json sees, or refused.

#![no_main]

use host_receivers::file_log::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((ints, text)) = data.split_first() else { return };
    probe::json(&String::from_utf8_lossy(text), ints % 2 == 1);
});
