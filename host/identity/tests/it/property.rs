//! Whatever is sent and however it is encoded: what goes on claims nothing that its speaker may not say.

use host_component::cluster_of;
use host_identity::{Config, Judged, Names, OnViolation, Rule, Source, Speaker};
use host_otlp::view::{self, View};
use host_otlp::{Limits, Payload, Signal, check};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};

use crate::claims;
use crate::entropy::Entropy;
use crate::{generate, mutate, odd};

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..600)
}

fn speaker(clusters: &[&str], on_violation: OnViolation) -> Speaker {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rule = Rule { of: "*".to_owned(), clusters: owned(clusters), roles: Some(owned(&["edge"])), ..Rule::default() };
    let config = Config { from: vec![Source::Dns], rules: vec![rule], on_violation, ..Config::default() };
    let names = ["a.test".to_owned()];
    let rules = config.build("identity").expect("it makes sense");
    rules.speaker(&Names { dns: &names, ..Names::default() }).expect("the rule is for everybody")
}

/// The clusters that the resources with items name.
fn named(payload: &Payload) -> Vec<&str> {
    let logs = view::logs(payload).filter(|of| of.scope_logs.clone().any(|scope| scope.log_records.count() > 0));
    let traces = view::traces(payload).filter(|of| of.scope_spans.clone().any(|scope| scope.spans.count() > 0));
    let logs = logs.map(|of| cluster_of(of.resource));
    logs.chain(traces.map(|of| cluster_of(of.resource))).collect()
}

/// A request with claims in any place, encoded in any way.
fn request(seed: &[u8], changes: &[u8], encoding: &[u8]) -> (Signal, Vec<u8>) {
    let (signal, encoded) = generate::request(&mut Entropy::new(seed));
    let claiming = odd::claiming(View::request(signal, &encoded), &mut Entropy::new(changes));
    let mut e = Entropy::new(encoding);
    let claiming = View::request(signal, &claiming);
    let encoded = match e.below(3) {
        0 => mutate::reencoded(claiming, &mut e),
        1 => mutate::with_unknown(claiming, &mut e),
        // Most of these do not get past the door.
        _ => mutate::broken(claiming, &mut e),
    };
    (signal, encoded)
}

fn judged(speaker: &Speaker, payload: Payload) -> (Judged, usize) {
    let mut told = 0;
    (speaker.judge(payload, &mut |_| told += 1, &mut |_| true).expect("there is room"), told)
}

fn holds((name, text): &(String, Option<String>), cluster: impl Fn(&str) -> bool) -> bool {
    text.as_deref().is_some_and(|text| if name == "cluster_id" { cluster(text) } else { text == "edge" })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_gets_in_as_another_cluster(
        seed in bytes(), changes in bytes(), encoding in bytes(), action in 0..2usize, is_one in any::<bool>(),
    ) {
        let action = [OnViolation::Refuse, OnViolation::Overwrite][action];
        let is_one = is_one || action == OnViolation::Overwrite;
        let speaker = speaker(if is_one { &["a"] } else { &["a", "e*"] }, action);
        let may = |text: &str| text == "a" || (!is_one && text.starts_with('e'));
        let (signal, encoded) = request(&seed, &changes, &encoding);
        let Ok(payload) = check(signal, encoded.clone().into(), &Limits::default()) else { return Ok(()) };
        let items = payload.items();
        let (judged, told) = judged(&speaker, payload);

        let out = judged.payload.contiguous();
        let again = check(signal, out.clone(), &Limits::default()).expect("it is in order as it was");
        prop_assert_eq!(again.items(), judged.payload.items());
        prop_assert_eq!(again.unknown_fields(), 0);
        prop_assert_eq!(judged.payload.items() + judged.refused_items, items);
        for claim in claims::of(signal, &out) {
            prop_assert!(holds(&claim, may), "{claim:?}");
        }
        let offends = claims::of(signal, &encoded).iter().any(|claim| !holds(claim, may));
        prop_assert_eq!(told > 0, offends);
        if action == OnViolation::Refuse {
            prop_assert_eq!(judged.refused_resources > 0, offends);
        } else {
            prop_assert_eq!((judged.refused_resources, judged.refused_items), (0, 0));
        }
    }

    #[test]
    fn what_gets_in_names_the_one_cluster_of_its_speaker(
        seed in bytes(), changes in bytes(), encoding in bytes(), action in 0..2usize,
    ) {
        let speaker = speaker(&["a"], [OnViolation::Refuse, OnViolation::Overwrite][action]);
        let (signal, encoded) = request(&seed, &changes, &encoding);
        let Ok(payload) = check(signal, encoded.into(), &Limits::default()) else { return Ok(()) };
        let (judged, _) = judged(&speaker, payload);
        let named = named(&judged.payload);
        prop_assert!(named.iter().all(|name| *name == "a"), "{named:?}");
    }

    #[test]
    fn what_claims_nothing_that_does_not_hold_goes_on_as_it_is(seed in bytes(), encoding in bytes()) {
        let speaker = speaker(&["a", "**"], OnViolation::Refuse);
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let encoded = mutate::reencoded(View::request(signal, &encoded), &mut Entropy::new(&encoding));
        let payload = check(signal, encoded.clone().into(), &Limits::default()).unwrap();
        let mut told = 0;
        let judged = speaker.judge(payload, &mut |_| told += 1, &mut |_| false).expect("it takes no room");
        prop_assert_eq!((told, judged.refused_items), (0, 0));
        prop_assert_eq!(judged.payload.contiguous(), encoded);
    }

    #[test]
    fn names_are_compared_as_prometheus_writes_them(key in "[cC_.]{0,2}(cluster|Cluster|CLUSTER)?[._é-]{0,3}(id|ID|role|x)?[_.]{0,2}") {
        use host_otlp::build::{Logs, Value};
        let mut logs = Logs::new();
        logs.resource_logs(|resource_logs| {
            resource_logs.scope_logs(|scope_logs| {
                scope_logs.log_record(|record| record.attribute(&key, Value::Text("b")));
            });
        });
        let is_claim = matches!(claims::normal(&key).as_str(), "cluster_id" | "cluster_role");
        let (judged, _) = judged(&speaker(&["a"], OnViolation::Refuse), logs.finish());
        prop_assert_eq!(judged.refused_items == 1, is_claim);
    }
}
