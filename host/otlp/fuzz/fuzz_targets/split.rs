//! The pieces of a request hold each of its items once, in order, with what was around it.

#![no_main]

use host_otlp::view::View;
use host_otlp::{Limits, check};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/entropy.rs"]
mod entropy;
#[path = "../../tests/it/flat.rs"]
mod flat;
#[path = "../../tests/it/generate.rs"]
mod generate;
#[path = "../../tests/it/mutate.rs"]
mod mutate;

fuzz_target!(|data: &[u8]| {
    let (seed, changes) = data.split_at(data.len() / 2);
    let mut changes = entropy::Entropy::new(changes);
    let (items, bytes) = (changes.below(9) as u64, changes.below(5_000));
    let (signal, encoded) = generate::request(&mut entropy::Entropy::new(seed));
    let encoded = mutate::with_unknown(View::request(signal, &encoded), &mut changes);
    let payload = check(signal, encoded.clone().into(), &Limits::default()).expect("the request is valid");

    let mut found = Vec::new();
    for piece in payload.split(items, bytes) {
        let contiguous = piece.contiguous();
        let again = check(signal, contiguous.clone(), &Limits::default()).expect("a piece is valid");
        assert_eq!((again.items(), again.unknown_fields()), (piece.items(), piece.unknown_fields()));
        let inside = flat::flat(signal, &contiguous);
        assert!(inside.len() <= 1 || (piece.items() <= items && piece.len() <= bytes));
        found.extend(inside);
    }
    assert_eq!(found, flat::flat(signal, &encoded));
});
