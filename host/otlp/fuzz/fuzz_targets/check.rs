//! Whatever the check lets in, prost decodes, and the views show the same.

#![no_main]

use bytes::Bytes;
use host_otlp::{Limits, Signal, check};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/reread.rs"]
mod reread;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*first) % 3];
    let Ok(payload) = check(signal, Bytes::copy_from_slice(data), &Limits::default()) else { return };
    let decoded = reread::decoded(signal, data).expect("prost decodes what was let in");
    assert_eq!(reread::viewed(&payload), decoded);
});
