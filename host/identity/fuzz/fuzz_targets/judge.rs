//! Arbitrary bytes, and requests with claims in arbitrary encodings: what goes on claims nothing that its speaker may not say.

#![no_main]

use std::sync::LazyLock;

use host_identity::{Config, Names, OnViolation, Rule, Source, Speaker};
use host_otlp::view::View;
use host_otlp::{Limits, Signal, check};
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/it/claims.rs"]
mod claims;
#[path = "../../../otlp/tests/it/entropy.rs"]
mod entropy;
#[path = "../../../otlp/tests/it/generate.rs"]
mod generate;
#[path = "../../../otlp/tests/it/mutate.rs"]
mod mutate;
#[path = "../../tests/it/odd.rs"]
mod odd;

static SPEAKERS: LazyLock<[Speaker; 2]> =
    LazyLock::new(|| [OnViolation::Refuse, OnViolation::Overwrite].map(speaker));

fn speaker(on_violation: OnViolation) -> Speaker {
    let one = |text: &str| vec![text.to_owned()];
    let rule = Rule { of: "*".to_owned(), clusters: one("a"), roles: Some(one("edge")), ..Rule::default() };
    let config = Config { from: vec![Source::Dns], rules: vec![rule], on_violation, ..Config::default() };
    let names = one("a.test");
    let rules = config.build("identity").expect("it makes sense");
    rules.speaker(&Names { dns: &names, ..Names::default() }).expect("the rule is for everybody")
}

fn request(data: &[u8]) -> (Signal, Vec<u8>) {
    match data {
        // As it comes, for what no generator thinks of.
        [first, rest @ ..] if *first < 64 => (Signal::ALL[usize::from(*first % 3)], rest.to_vec()),
        data => {
            let (seed, rest) = data.split_at(data.len() / 3);
            let (changes, encoding) = rest.split_at(rest.len() / 2);
            let (signal, encoded) = generate::request(&mut entropy::Entropy::new(seed));
            let claiming = odd::claiming(View::request(signal, &encoded), &mut entropy::Entropy::new(changes));
            (signal, mutate::broken(View::request(signal, &claiming), &mut entropy::Entropy::new(encoding)))
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let (signal, encoded) = request(data);
    let Ok(payload) = check(signal, encoded.into(), &Limits::default()) else { return };
    for speaker in SPEAKERS.iter() {
        let items = payload.items();
        let judged = speaker.judge(payload.clone(), &mut |_| {}, &mut |_| true).expect("there is room");
        let out = judged.payload.contiguous();
        let again = check(signal, out.clone(), &Limits::default()).expect("it is in order as it was");
        assert_eq!((again.items(), again.items() + judged.refused_items), (judged.payload.items(), items));
        for (name, text) in claims::of(signal, &out) {
            let may = if name == "cluster_id" { "a" } else { "edge" };
            assert_eq!(text.as_deref(), Some(may), "{name}");
        }
    }
});
