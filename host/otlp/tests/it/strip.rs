//! Stripping against prost, which drops unknown fields when it encodes anew.

use host_otlp::view::View;
use host_otlp::{Limits, check, strip};
use proptest::prelude::{prop_assert_eq, proptest};

use crate::agree::bytes;
use crate::entropy::Entropy;
use crate::reread::decoded;
use crate::{generate, mutate};

proptest! {
    #[test]
    fn what_is_left_is_what_prost_knows(seed in bytes(), changes in bytes()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let with_unknown = mutate::with_unknown(View::request(signal, &encoded), &mut Entropy::new(&changes));
        let payload = check(signal, with_unknown.clone().into(), &Limits::default()).unwrap();
        let items = payload.items();
        let stripped = strip::unknown(payload);

        prop_assert_eq!(stripped.unknown_fields(), 0);
        prop_assert_eq!(stripped.items(), items);
        let again = check(signal, stripped.contiguous(), &Limits::default()).unwrap();
        prop_assert_eq!(again.unknown_fields(), 0);
        prop_assert_eq!(again.items(), items);
        prop_assert_eq!(decoded(signal, &stripped.contiguous()).unwrap(), decoded(signal, &with_unknown).unwrap());
    }
}
