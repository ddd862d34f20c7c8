//! Whatever the check lets in becomes pushes of as many entries, however small they are cut; and whatever Loki answers is read.

#![no_main]

use host_exporters::loki::probe;
use host_otlp::{Limits, Signal, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((most, request)) = data.split_first() else { return };
    let answer = String::from_utf8_lossy(request);
    let Ok(payload) = check(Signal::Logs, request.to_vec().into(), &Limits::default()) else {
        probe(&check(Signal::Logs, Vec::new().into(), &Limits::default()).expect("nothing is a request"), 1, &answer);
        return;
    };
    assert_eq!(probe(&payload, usize::from(*most) * 16, &answer), payload.items());
});
