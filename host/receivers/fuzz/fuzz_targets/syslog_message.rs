//! Whatever came as syslog, what it is taken to say stands in it.

#![no_main]

use host_receivers::syslog::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    probe::message(*how, &String::from_utf8_lossy(bytes));
});
