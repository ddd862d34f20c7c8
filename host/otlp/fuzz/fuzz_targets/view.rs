//! A valid request, encoded anew with unknown fields and then with faults: views and prost agree on what is let in.

#![no_main]

use host_otlp::view::View;
use host_otlp::{Limits, check, strip};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/entropy.rs"]
mod entropy;
#[path = "../../tests/it/generate.rs"]
mod generate;
#[path = "../../tests/it/mutate.rs"]
mod mutate;
#[path = "../../tests/it/reread.rs"]
mod reread;

fuzz_target!(|data: &[u8]| {
    let (seed, changes) = data.split_at(data.len() / 2);
    let (signal, encoded) = generate::request(&mut entropy::Entropy::new(seed));
    let view = View::request(signal, &encoded);

    let valid = mutate::with_unknown(view, &mut entropy::Entropy::new(changes));
    let payload = check(signal, valid.clone().into(), &Limits::default()).expect("the request is valid");
    let decoded = reread::decoded(signal, &valid).expect("the request is valid");
    assert_eq!(reread::viewed(&payload), decoded);
    let stripped = strip::unknown(payload);
    assert_eq!(reread::viewed(&stripped), decoded);
    let again = check(signal, stripped.contiguous(), &Limits::default()).expect("the request is valid");
    assert_eq!((again.unknown_fields(), again.items()), (0, stripped.items()));

    let broken = mutate::broken(view, &mut entropy::Entropy::new(changes));
    if let Ok(payload) = check(signal, broken.clone().into(), &Limits::default()) {
        let decoded = reread::decoded(signal, &broken).expect("prost decodes what was let in");
        assert_eq!(reread::viewed(&payload), decoded);
    }
});
