//! Whatever stands in a file, it is read to its end, and each of its bytes is a record's, a mark's or told as damage.

#![no_main]

use host_quarantine::{Poison, contents};
use libfuzzer_sys::fuzz_target;

/// The head of a file whose salt is nothing.
const HEAD: &[u8; 20] = b"TIDEQUAR\x01\0\0\0\0\0\0\0\0\0\0\0";

fuzz_target!(|data: &[u8]| {
    contents::<Poison>(&data.to_vec().into());
    let found = contents::<Poison>(&[HEAD.as_slice(), data].concat().into()).expect("the head is one");
    let held: usize = found.records.iter().map(|record| record.content.payload.len()).sum();
    assert!(held + found.damaged_bytes <= data.len());
});
