//! Documents that were damaged on their way: nothing panics, and what comes of them is let in.

use host_component::Signal;
use host_otlp::{Limits, check};
use prost::Message as _;

use super::documents::{LATER, PODS, SUMMARY};
use crate::probe::scraped_twice;

/// A document with some of its bytes put in the place of others, left out, or turned into what JSON has a meaning for.
fn damaged(document: &str, random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = document.as_bytes().to_vec();
    for _ in 0..random.usize(1..4) {
        let (at, from) = (random.usize(..bytes.len()), random.usize(..bytes.len()));
        match random.u8(..4) {
            0 => bytes[at] = *random.choice(b"{}[],:\"0-.entf\\").unwrap(),
            1 => bytes[at] = bytes[from],
            2 => drop(bytes.drain(at.min(from)..at.max(from).min(at.min(from) + 40))),
            _ => bytes[at] = random.u8(..),
        }
    }
    bytes
}

#[test]
fn whatever_comes_of_a_damaged_document_is_let_in() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut read = 0;
    for _ in 0..400 {
        let summary = damaged(if random.bool() { SUMMARY } else { LATER }, &mut random);
        let pods = damaged(PODS, &mut random);
        for request in scraped_twice(&summary, &pods).into_iter().flatten() {
            read += 1;
            check(Signal::Metrics, request.encode_to_vec().into(), &Limits::default()).unwrap();
        }
    }
    assert!(read > 0, "some damage lies where it does not matter");
}
