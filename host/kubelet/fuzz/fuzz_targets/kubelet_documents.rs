//! Whatever a kubelet answers at `/stats/summary` and `/pods`: nothing panics, and what comes of it is OTLP that is let in.

#![no_main]

use host_kubelet::probe::scraped_twice;
use host_otlp::{Limits, Signal, check};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|data: &[u8]| {
    let end = data.windows(5).position(|part| part == b"\n---\n");
    let (summary, pods) = match end {
        Some(end) => (&data[..end], &data[end + 5..]),
        None => (data, &b"{\"items\":[]}"[..]),
    };
    for request in scraped_twice(summary, pods).into_iter().flatten() {
        // Beyond these limits a request is refused, which is no mistake of the reader's.
        if data.len() < 1 << 16 {
            check(Signal::Metrics, request.encode_to_vec().into(), &Limits::default()).unwrap();
        }
    }
});
