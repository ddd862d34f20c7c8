//! Splitting against prost: every item once, in order, with everything that was around it.

use host_otlp::view::View;
use host_otlp::{Limits, Payload, check};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::TestCaseError;

use crate::agree::bytes;
use crate::entropy::Entropy;
use crate::flat::{Flat, flat};
use crate::{generate, mutate};

proptest! {
    #[test]
    fn the_pieces_hold_each_item_once_with_what_was_around_it(
        seed in bytes(), changes in bytes(), segments in 1..4usize, items in 1..9u64, size in 0..4_000usize,
    ) {
        let mut entropy = Entropy::new(&seed);
        let (signal, first) = generate::request(&mut entropy);
        let first = mutate::with_unknown(View::request(signal, &first), &mut Entropy::new(&changes));
        let mut payload = check(signal, first.into(), &Limits::default()).unwrap();
        for _ in 1..segments {
            payload.join(check(signal, generate::of(signal, &mut entropy).into(), &Limits::default()).unwrap());
        }
        let pieces = payload.clone().split(items, size);
        keeps(&payload, &pieces, items, size)?;
    }
}

fn keeps(payload: &Payload, pieces: &[Payload], items: u64, size: usize) -> Result<(), TestCaseError> {
    let signal = payload.signal();
    let mut found: Vec<Flat> = Vec::new();
    for piece in pieces {
        let bytes = piece.contiguous();
        let again = check(signal, bytes.clone(), &Limits::default()).expect("a piece is valid");
        prop_assert_eq!(again.items(), piece.items());
        prop_assert_eq!(again.unknown_fields(), piece.unknown_fields());
        prop_assert_eq!(bytes.len(), piece.len());

        let inside = flat(signal, &bytes);
        prop_assert!(piece.items() <= items);
        // What cannot be cut may be too large, but then it is alone.
        prop_assert!(piece.len() <= size || inside.len() <= 1, "{} > {size}: {inside:?}", piece.len());
        found.extend(inside);
    }
    prop_assert_eq!(found, flat(signal, &payload.contiguous()));
    Ok(())
}
