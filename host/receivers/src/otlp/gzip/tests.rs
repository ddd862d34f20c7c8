//! Tests of what stands in `gzip`: its promises, one sentence each.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::inflate;
use crate::budget::Budget;
use crate::otlp::status::Cause;

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// What comes out, or why nothing does, with a budget of a mebibyte.
fn check(packed: &[u8], limit: usize) -> Result<Vec<u8>, Cause> {
    let budget = Budget::new(1 << 20);
    let mut reservation = budget.reserve(0).unwrap();
    inflate(packed, limit, &mut reservation).map(|bytes| bytes.to_vec()).map_err(|rejection| rejection.cause)
}

#[test]
fn unpacks_what_fits_and_nothing_more() {
    for len in [0, 1, super::STEP - 1, super::STEP, super::STEP + 1, 300_000] {
        let plain: Vec<u8> = (0..len).map(|i| i as u8).collect();
        assert_eq!(check(&gzip(&plain), len), Ok(plain.clone()), "{len}");
        if len > 0 {
            assert_eq!(check(&gzip(&plain), len - 1), Err(Cause::TooLarge), "{len}");
        }
    }
}

#[test]
fn stops_when_the_budget_is_spent() {
    assert_eq!(check(&gzip(&vec![0; 2 << 20]), 4 << 20), Err(Cause::NoRoom));
}

#[test]
fn refuses_data_that_is_cut_off_damaged_or_followed_by_more() {
    let packed = gzip(b"some text");
    assert_eq!(check(&packed[..packed.len() - 4], 100), Err(Cause::Malformed));
    let mut damaged = packed.clone();
    damaged[12] ^= 0xff;
    assert_eq!(check(&damaged, 100), Err(Cause::Malformed));
    assert_eq!(check(&[packed, vec![0]].concat(), 100), Err(Cause::Malformed));
}
