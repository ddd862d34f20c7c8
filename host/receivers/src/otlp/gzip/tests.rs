//! Tests of what stands in `gzip`: its promises, one sentence each.

use std::io::Write as _;

use bytes::Bytes;
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
async fn check(packed: &[u8], limit: usize) -> Result<Vec<u8>, Cause> {
    let budget = Budget::new(1 << 20);
    let mut reservation = budget.reserve(packed.len()).unwrap();
    let plain = inflate(Bytes::copy_from_slice(packed), limit, &mut reservation).await;
    if let Ok(plain) = &plain {
        assert_eq!(budget.used(), plain.len(), "what is reserved is what is there");
    }
    plain.map(|bytes| bytes.to_vec()).map_err(|rejection| rejection.cause)
}

#[tokio::test]
async fn unpacks_what_fits_and_nothing_more() {
    for len in [0, 1, super::STEP - 1, super::STEP, super::STEP + 1, 300_000] {
        let plain: Vec<u8> = (0..len).map(|i| i as u8).collect();
        assert_eq!(check(&gzip(&plain), len).await, Ok(plain.clone()), "{len}");
        if len > 0 {
            assert_eq!(check(&gzip(&plain), len - 1).await, Err(Cause::TooLarge), "{len}");
        }
    }
}

#[tokio::test]
async fn stops_when_the_budget_is_spent() {
    assert_eq!(check(&gzip(&vec![0; 2 << 20]), 4 << 20).await, Err(Cause::NoRoom));
}

#[tokio::test]
async fn refuses_data_that_is_cut_off_damaged_or_followed_by_more() {
    let packed = gzip(b"some text");
    assert_eq!(check(&packed[..packed.len() - 4], 100).await, Err(Cause::Malformed));
    let mut damaged = packed.clone();
    damaged[12] ^= 0xff;
    assert_eq!(check(&damaged, 100).await, Err(Cause::Malformed));
    assert_eq!(check(&[packed, vec![0]].concat(), 100).await, Err(Cause::Malformed));
}

#[tokio::test]
async fn believes_no_size_that_is_told_and_takes_members_one_after_the_other() {
    let plain = vec![b'x'; 100_000];
    let mut small = gzip(&plain);
    let size = small.len() - 4;
    small[size..].copy_from_slice(&[0; 4]);
    assert_eq!(check(&small, 200_000).await, Err(Cause::Malformed));
    let members = [gzip(b"one "), gzip(b""), gzip(&plain)].concat();
    assert_eq!(check(&members, 200_000).await, Ok([b"one ", &plain[..]].concat()));
}
