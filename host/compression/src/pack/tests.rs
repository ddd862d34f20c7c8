//! Tests of what stands in `pack`: its promises, one sentence each.

use super::{SPARE, SPARES, pack};
use crate::coding::Coding;

fn packed(coding: Coding, level: Option<i32>) -> Vec<u8> {
    let text: String = (0..5_000).map(|i| format!("line {i}: user {} logged in\n", i * 7919 % 1000)).collect();
    let mut out = Vec::new();
    pack(coding, level, text.as_bytes().chunks(777), text.len(), &mut out).unwrap();
    out
}

#[test]
fn a_higher_level_packs_smaller() {
    for (coding, levels) in [(Coding::Gzip, [1, 9]), (Coding::Zlib, [1, 9]), (Coding::Zstd, [1, 19])] {
        let [quick, small] = levels.map(|level| packed(coding, Some(level)));
        assert!(small.len() < quick.len(), "{coding:?}");
        assert_eq!(packed(coding, Some(99)), small, "{coding:?}: beyond the highest is the highest");
    }
}

#[test]
fn the_same_request_is_packed_to_the_same_bytes_whatever_was_packed_before() {
    for coding in Coding::ALL {
        let first = packed(coding, None);
        packed(Coding::Gzip, Some(1));
        packed(Coding::Zstd, Some(1));
        assert_eq!(packed(coding, None), first, "{coding:?}");
    }
    assert!(SPARE.with_borrow(Vec::len) <= SPARES);
}

#[test]
fn names_lead_to_codings() {
    assert_eq!(Coding::of_grpc(b"snappy"), Some(Coding::SnappyFramed));
    assert_eq!(Coding::of_http(b"snappy"), Some(Coding::Snappy));
    for name in Coding::GRPC.split(',').filter(|name| *name != "identity") {
        assert!(Coding::of_grpc(name.as_bytes()).is_some(), "{name}");
    }
    for name in Coding::HTTP.split(", ") {
        assert!(Coding::of_http(name.as_bytes()).is_some(), "{name}");
    }
}
