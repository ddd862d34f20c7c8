//! Whatever bytes come over a connection, they are cut into messages that follow one another, in each way that can be configured.

#![no_main]

use host_receivers::syslog::probe;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    probe::frames(*how, bytes);
});
