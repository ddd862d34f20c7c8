//! Splitting and dividing against prost: every item once, in order, with everything that was around it.

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

    #[test]
    fn the_parts_of_a_division_hold_each_item_once_with_what_was_around_it(
        seed in bytes(), changes in bytes(), segments in 1..4usize, places in proptest::collection::vec(0..4u32, 1..30),
    ) {
        let mut entropy = Entropy::new(&seed);
        let (signal, first) = generate::request(&mut entropy);
        let first = mutate::with_unknown(View::request(signal, &first), &mut Entropy::new(&changes));
        let mut payload = check(signal, first.into(), &Limits::default()).unwrap();
        for _ in 1..segments {
            payload.join(check(signal, generate::of(signal, &mut entropy).into(), &Limits::default()).unwrap());
        }
        let places: Vec<u32> = places.iter().copied().cycle().take(payload.items() as usize).collect();
        let division = payload.clone().divide(&places);
        let parts = [0, 1, 2, 3].map(|place| division.part(place));
        parts_hold(&payload, &places, &parts)?;
    }
}

fn parts_hold(payload: &Payload, places: &[u32], parts: &[Payload]) -> Result<(), TestCaseError> {
    let signal = payload.signal();
    let whole = flat(signal, &payload.contiguous());
    let (items, bare): (Vec<Flat>, Vec<Flat>) = whole.into_iter().partition(|flat| flat.item.is_some());
    let mut found_bare = 0;
    for (place, part) in (0..).zip(parts) {
        let bytes = part.contiguous();
        let again = check(signal, bytes.clone(), &Limits::default()).expect("a part is valid");
        prop_assert_eq!(again.items(), part.items());
        prop_assert_eq!(again.unknown_fields(), part.unknown_fields());
        let (found, without): (Vec<Flat>, Vec<Flat>) =
            flat(signal, &bytes).into_iter().partition(|flat| flat.item.is_some());
        let wanted = items.iter().zip(places).filter(|(_, own)| **own == place).map(|(flat, _)| flat.clone());
        prop_assert_eq!(found, wanted.collect::<Vec<_>>());
        found_bare += without.len();
    }
    prop_assert_eq!(found_bare, bare.len());
    Ok(())
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
