//! Whatever is exposed as protobuf becomes OTLP that the check lets in, or is told; the same again is read as well.

#![no_main]

use host_scrape::probe::{Form, scraped_twice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (first, second) = scraped_twice(Form::Protobuf, data);
    assert_eq!(first.is_some(), second.is_some());
});
