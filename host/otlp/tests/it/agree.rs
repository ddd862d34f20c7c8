//! The check and the views against prost.

use bytes::Bytes;
use host_otlp::view::View;
use host_otlp::{Limits, check};
use proptest::prelude::{any, proptest};
use proptest::test_runner::TestCaseError;

use crate::entropy::Entropy;
use crate::reread::{decoded, viewed};
use crate::{generate, mutate};

pub(crate) fn bytes() -> proptest::collection::VecStrategy<proptest::arbitrary::StrategyFor<u8>> {
    proptest::collection::vec(any::<u8>(), 0..3_000)
}

proptest! {
    #[test]
    fn what_prost_encodes_is_let_in_and_viewed_as_it_was(seed in bytes()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let payload = check(signal, encoded.clone().into(), &Limits::default()).unwrap();
        assert_eq!(payload.unknown_fields(), 0);
        assert_eq!(viewed(&payload), encoded);
    }

    #[test]
    fn another_encoding_of_the_same_is_let_in_and_viewed_as_prost_decodes_it(seed in bytes(), changes in bytes()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let encoded = mutate::reencoded(View::request(signal, &encoded), &mut Entropy::new(&changes));
        let payload = check(signal, encoded.clone().into(), &Limits::default()).unwrap();
        assert_eq!(payload.unknown_fields(), 0);
        assert_eq!(viewed(&payload), decoded(signal, &encoded).unwrap());
    }

    #[test]
    fn unknown_fields_are_let_in_and_change_no_view(seed in bytes(), changes in bytes()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let encoded = mutate::with_unknown(View::request(signal, &encoded), &mut Entropy::new(&changes));
        let payload = check(signal, encoded.clone().into(), &Limits::default()).unwrap();
        assert_eq!(viewed(&payload), decoded(signal, &encoded).unwrap());
    }

    #[test]
    fn what_is_let_in_prost_decodes_to_what_the_views_show(seed in bytes(), changes in bytes()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let encoded = mutate::broken(View::request(signal, &encoded), &mut Entropy::new(&changes));
        agrees(signal, encoded)?;
    }

    #[test]
    fn so_it_is_for_arbitrary_bytes(signal in 0..3usize, bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        agrees(host_otlp::Signal::ALL[signal], bytes)?;
    }

    #[test]
    fn so_it_is_for_a_request_that_was_cut_off(seed in bytes(), at in any::<proptest::sample::Index>()) {
        let (signal, mut encoded) = generate::request(&mut Entropy::new(&seed));
        encoded.truncate(at.index(encoded.len() + 1));
        agrees(signal, encoded)?;
    }
}

/// Whatever is let in is decoded by prost to what the views show; so what prost refuses is refused.
fn agrees(signal: host_otlp::Signal, encoded: Vec<u8>) -> Result<(), TestCaseError> {
    let encoded = Bytes::from(encoded);
    if let Ok(payload) = check(signal, encoded.clone(), &Limits::default()) {
        let decoded = decoded(signal, &encoded).map_err(|error| TestCaseError::fail(error.to_string()))?;
        assert_eq!(viewed(&payload), decoded);
    }
    Ok(())
}

#[test]
fn each_kind_of_mutation_is_let_in_often_and_refused_often() {
    let (mut taken, mut refused) = (0, 0);
    for round in 0..2_000u32 {
        let noise = |salt: u32| -> Vec<u8> {
            let mut state = round.wrapping_mul(2_654_435_761) ^ salt;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state.to_le_bytes()[1]
            };
            (0..1_500).map(|_| next()).collect()
        };
        let (signal, encoded) = generate::request(&mut Entropy::new(&noise(1)));
        let encoded = mutate::broken(View::request(signal, &encoded), &mut Entropy::new(&noise(7)));
        match check(signal, encoded.into(), &Limits::default()) {
            Ok(_) => taken += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(taken > 200 && refused > 200, "the generator is one-sided: {taken} taken, {refused} refused");
}
