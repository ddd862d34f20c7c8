//! Joining against prost's merge.

use host_otlp::{Limits, Signal, check};
use proptest::prelude::proptest;

use crate::agree::bytes;
use crate::entropy::Entropy;
use crate::generate;
use crate::reread::{decoded, viewed};

proptest! {
    #[test]
    fn joined_payloads_are_what_prost_merges(signal in 0..3usize, first in bytes(), second in bytes()) {
        let signal = Signal::ALL[signal];
        let first = generate::of(signal, &mut Entropy::new(&first));
        let second = generate::of(signal, &mut Entropy::new(&second));
        let mut joined = check(signal, first.clone().into(), &Limits::default()).unwrap();
        let other = check(signal, second.clone().into(), &Limits::default()).unwrap();
        let items = joined.items() + other.items();
        joined.join(other);

        assert_eq!(joined.items(), items);
        assert_eq!(joined.len(), first.len() + second.len());
        // Prost merges what is read after one another from the same buffer: the lists of both, in order.
        let merged = decoded(signal, &[first, second].concat()).unwrap();
        assert_eq!(viewed(&joined), merged);
        assert_eq!(decoded(signal, &joined.contiguous()).unwrap(), merged);
        assert_eq!(check(signal, joined.contiguous(), &Limits::default()).unwrap().items(), items);
    }
}
