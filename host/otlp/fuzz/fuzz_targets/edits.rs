//! Patches on a valid request, right ones and arbitrary ones: the result is what a plain writer makes, or an error.

#![no_main]

use host_otlp::edit::{Edits, Patch, REQUEST, Scratch, splice};
use host_otlp::view::View;
use host_otlp::{Limits, check};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/entropy.rs"]
mod entropy;
#[path = "../../tests/it/generate.rs"]
mod generate;
#[path = "../../tests/it/mutate.rs"]
mod mutate;
#[path = "../../tests/it/patches.rs"]
mod patches;

fuzz_target!(|data: &[u8]| {
    let (seed, changes) = data.split_at(data.len() / 2);
    let mut changes = entropy::Entropy::new(changes);
    let (signal, encoded) = generate::request(&mut entropy::Entropy::new(seed));
    let encoded = mutate::reencoded(View::request(signal, &encoded), &mut changes);
    let (frames, bounds) = patches::table(View::request(signal, &encoded));
    let side = patches::side();

    let right = patches::right(&bounds, &mut changes);
    let edits = Edits { frames: &frames, patches: &right, side: &side };
    let mut scratch = Scratch::default();
    let spliced = splice(&encoded, &edits, &mut scratch).expect("the patches are right");
    assert_eq!(spliced, patches::reference(&encoded, &edits, REQUEST));
    check(signal, spliced.into(), &Limits::default()).expect("fields were removed and unknown ones added");

    // Any bounds with any frame, in any order: where that is let through, it is what the plain writer makes, too.
    let mut number = |bound: usize| (changes.below(bound.min(60_000)) + changes.below(2)) as u32;
    let arbitrary: Vec<Patch> = (0..number(6))
        .map(|_| Patch {
            start: number(encoded.len() + 1),
            end: number(encoded.len() + 1),
            frame: number(frames.len() + 1).checked_sub(1).unwrap_or(REQUEST),
            with: (number(10), number(10)),
        })
        .collect();
    let edits = Edits { frames: &frames, patches: &arbitrary, side: &side };
    if let Ok(spliced) = splice(&encoded, &edits, &mut scratch) {
        assert_eq!(spliced, patches::reference(&encoded, &edits, REQUEST));
    }
});
