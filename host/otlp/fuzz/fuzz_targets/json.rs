//! Whatever text is read as OTLP/JSON takes no memory that it was not granted, and what passes the check after it is
//! written and read again as it was.

#![no_main]

use host_otlp::json::{read, write};
use host_otlp::{Limits, Signal, check};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 1 << 20;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let signal = Signal::ALL[usize::from(*first) % 3];
    let mut granted = 0;
    let read = |text: &[u8], granted: &mut usize| {
        read(signal, text, &Limits::default(), MOST, &mut |bytes| {
            *granted += bytes;
            *granted <= MOST
        })
    };
    let Ok(request) = read(text, &mut granted) else { return };
    assert!(request.bytes.len() <= granted && granted <= MOST);
    let Ok(payload) = check(signal, request.bytes, &Limits::default()) else { return };
    let mut written = Vec::new();
    write(&payload, &mut written);
    let again = read(&written, &mut 0).expect("what was written is read");
    let again = check(signal, again.bytes, &Limits::default()).expect("it passes the check");
    let mut rewritten = Vec::new();
    write(&again, &mut rewritten);
    assert_eq!(String::from_utf8(rewritten), String::from_utf8(written));
});
