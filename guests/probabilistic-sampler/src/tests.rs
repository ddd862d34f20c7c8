//! The decisions of the Collector's sampler: the vectors are those of its own tests, at version 0.161.

use tidegate_sdk::testing::{Any, TestBatch, Tester, json};
use tidegate_sdk::{Error, Signal};

use super::{ProbabilisticSampler, probability, randomness};

/// Sampled at 50 % and not at 49 %.
const HALF: &str = "fefefefefefefefefe80000000000000";
/// Sampled at every probability.
const LAST: &str = "111111111111111111ffffffffffffff";

fn id(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn tester(signal: Signal, config: &serde_json::Value) -> Result<Tester<ProbabilisticSampler>, Error> {
    Tester::new(signal, config)
}

/// The trace state of a span that stays, and nothing of one that goes.
fn span(config: &serde_json::Value, trace: &str, state: &str, attributes: serde_json::Value) -> Option<String> {
    let mut batch = TestBatch::traces().resource(json!({})).span("s", attributes);
    if !trace.is_empty() {
        batch = batch.with("span", "trace_id", Any::Bytes(id(trace)));
    }
    if !state.is_empty() {
        batch = batch.with("span", "trace_state", state);
    }
    let after = tester(Signal::Traces, config).unwrap().process(&batch).unwrap();
    after.field("span", 0, "name")?;
    let state = after.field("span", 0, "trace_state").and_then(Any::as_text).unwrap_or_default();
    Some(state.to_owned())
}

/// Percentage, precision, trace and state; then what equalizing and proportional make of it.
type Case = (f64, u32, &'static str, &'static str, Option<&'static str>, Option<&'static str>);

#[test]
fn consistent_sampling_decides_as_the_collector_does() {
    let cases: [Case; 21] = [
        (100.0, 14, HALF, "", Some("ot=th:0"), Some("ot=th:0")),
        (50.0, 14, HALF, "", Some("ot=th:8"), Some("ot=th:8")),
        (49.0, 14, HALF, "", None, None),
        (200.0, 14, HALF, "", Some("ot=th:0"), Some("ot=th:0")),
        (25.0, 14, "ddddddddddddddddddc0000000000000", "", Some("ot=th:c"), Some("ot=th:c")),
        (25.0, 14, "ddddddddddddddddddb0000000000000", "", None, None),
        (
            1.0,
            14,
            HALF,
            "ot=rv:FD70A3D70A3D71",
            Some("ot=rv:FD70A3D70A3D71;th:fd70a3d70a3d71"),
            Some("ot=rv:FD70A3D70A3D71;th:fd70a3d70a3d71"),
        ),
        (
            1.0,
            4,
            HALF,
            "ot=rv:FD70A3D70A3D71",
            Some("ot=rv:FD70A3D70A3D71;th:fd70a"),
            Some("ot=rv:FD70A3D70A3D71;th:fd70a"),
        ),
        (1.0, 3, HALF, "ot=rv:FD70A3D70A3D71", None, None),
        (1.0, 14, HALF, "ot=rv:FD70A3D70A3D70", None, None),
        (1.0, 4, "a0a0a0a0a0a0a0a0a0fe000000000000", "", Some("ot=th:fd70a"), Some("ot=th:fd70a")),
        (50.0, 14, HALF, "ot=rv:90000000000000;th:80000000000000", Some("ot=rv:90000000000000;th:8"), None),
        (25.0, 14, HALF, "ot=th:8", None, None),
        (25.0, 14, LAST, "ot=th:8", Some("ot=th:c"), Some("ot=th:e")),
        (
            50.0,
            14,
            HALF,
            "ot=rv:c0000000000000;th:8",
            Some("ot=rv:c0000000000000;th:8"),
            Some("ot=rv:c0000000000000;th:c"),
        ),
        (
            40.0,
            3,
            HALF,
            "ot=rv:a0000000000000",
            Some("ot=rv:a0000000000000;th:99a"),
            Some("ot=rv:a0000000000000;th:99a"),
        ),
        (40.0, 6, "a0a0a0a0a0a0a0a0a0d0000000000000", "ot=th:8", Some("ot=th:99999a"), Some("ot=th:cccccd")),
        (40.0, 3, "a0a0a0a0a0a0a0a0a0b0000000000000", "ot=th:8", Some("ot=th:99a"), None),
        (100.0 / 16384.0, 14, LAST, "ot=th:fffc", Some("ot=th:fffc"), Some("ot=th:fffffff")),
        ((1.0 - 8e-7) * 100.0, 10, LAST, "", Some("ot=th:00000cccccccd"), Some("ot=th:00000cccccccd")),
        (0.0625, 14, LAST, "ot=th:fffffffffffff8", Some("ot=th:fffffffffffff8"), None),
    ];
    for (percentage, precision, trace, state, equalizing, proportional) in cases {
        for (mode, expected) in [("equalizing", equalizing), ("proportional", proportional)] {
            let config = json!({
                "sampling_percentage": percentage, "sampling_precision": precision, "mode": mode, "fail_closed": false
            });
            let after = span(&config, trace, state, json!({}));
            assert_eq!(after.as_deref(), expected, "{mode} at {percentage} with {precision} of {trace} {state}");
        }
    }
}

#[test]
fn what_cannot_be_decided_is_decided_by_fail_closed() {
    for (trace, state, open) in [
        (HALF, "ot=rv:40000000000000;th:8", "ot=rv:40000000000000;th:0"),
        (HALF, "ot=rv:abababababababab", "ot=rv:abababababababab"),
        (HALF, "ot=th:-1", "ot=th:-1"),
        (HALF, "no trace state", "no trace state"),
        ("", "", "ot=th:0"),
        ("00000000000000000000000000000000", "x=y", "ot=th:0,x=y"),
    ] {
        let config = |closed: bool| json!({ "sampling_percentage": 100, "mode": "equalizing", "fail_closed": closed, "hash_seed": 1 });
        assert_eq!(span(&config(true), trace, state, json!({})), None, "{trace} {state}");
        assert_eq!(span(&config(false), trace, state, json!({})).as_deref(), Some(open), "{trace} {state}");
    }
}

#[test]
fn the_hash_is_the_one_of_all_versions() {
    let vectors = [
        (653, "474a03c76d75951a4b4c537ced8f1122", true),
        (563, "53a518291e91307e43cd8467bb06f986", true),
        (142, "a56a02f843b9bc6ee0b13889249e90e6", true),
        (904, "4e40762d3ee97a1c0932e4fa584f89a8", false),
        (445, "5224507db93db513f0ea2a4b4e0578c8", true),
        (38, "0c8717ced36216037af657e9d7f8b35b", true),
        (561, "2a8aa76c18d08e1e8be935541f9318c7", false),
        (757, "9e3d0f9481dc422cb613ea550897ae71", false),
        (22, "66a66c516ac22054673e5da5e6492545", false),
        (172, "84a1ce7bcea3e66194e72b4aa2694e31", true),
        (552, "a811a7def34ca4b98d8e320afd115fad", false),
        (546, "e3a345cc8dbb6f014bfa1edad3981820", true),
        (315, "a71effb50e28d27cbdc9892f3765b8c2", false),
        (510, "55ee665a3fa22f8ea1b744ce15a7339d", false),
        (230, "7a5006be4d0ce7b542d59f83cd6f1c41", false),
        (544, "825b8fb9cfd45867794f4cd8a5a699bd", false),
        (790, "7629ecbea89398bfd9752a2f51c2c137", true),
        (555, "de6cdfb44d69e211f886c57120d7bda0", true),
        (147, "a8a5c3bb9205883fae17ead6675b2450", false),
        (238, "937e6cb3332dbe87062fa3997f48f425", false),
        (122, "5a357e150995e005847816c431ba502d", false),
        (963, "20cb3dcebe2cf8abe6102f4a2e548245", false),
        (141, "1b0afbd09abaaf7996cd26f8f6533795", false),
        (666, "3ee60b013303bcfda06be89071b90bd1", true),
        (305, "c90c7cf3471bbc3a804a8a831633705b", true),
        (270, "18dda74dfca45a7b0261510f385fb4de", true),
        (381, "600cf70c7bb4918e54aefd78c84f3996", true),
        (35, "855f493c5b5b1e2fcbc9993f8061eac8", false),
        (839, "89bc498feb21d969cf0eabf916aa621a", false),
        (561, "0a0af00f63e098a39883705a423b0aa8", true),
        (667, "0c38553d71f54dfc37155c22cc8bf243", false),
        (603, "49493809d1a49ea879e6aba37afde958", true),
        (92, "eb60d98b8f8fe22d8970f44f0e2b6bad", true),
        (70, "19c386ee7a9f2d56ff9ab2e6374540af", false),
        (567, "2a033c15405f1c7a311f653719ed47b7", false),
        (936, "62dda24e4be24f5198e4d8dd4010c811", true),
        (210, "bb134e26ee92e282e29cabdb1d00d333", true),
        (835, "6c77db08bbded7bdd5c99c6e2fea41d2", false),
        (864, "99f6a7e7b50845b4fb64b7c2ee49f53c", true),
        (775, "e908cb91224bee8fd4b5f3632f65717f", true),
    ];
    for (seed, trace, sampled) in vectors {
        let config = json!({ "sampling_percentage": 50, "hash_seed": seed });
        assert_eq!(span(&config, trace, "", json!({})).is_some(), sampled, "{seed} {trace}");
    }
}

#[test]
fn spans_that_are_sampled_by_hash_tell_it() {
    for (percentage, threshold) in
        [(100.0, "0"), (75.0, "4"), (50.0, "8"), (25.0, "c"), (10.0, "e668"), (100.0 / 3.0, "aaac")]
    {
        let config = json!({ "sampling_percentage": percentage, "hash_seed": 4321 });
        let mut kept = 0;
        for number in 0..200_u128 {
            let trace = format!("{:032x}", (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            let Some(state) = span(&config, &trace, "a=b", json!({})) else { continue };
            kept += 1;
            let random = probability::hex(randomness::of_hash(&id(&trace), 4321));
            assert_eq!(state, format!("ot=rv:{random};th:{threshold},a=b"));
            let threshold = probability::read_threshold(threshold).unwrap();
            assert!(threshold <= probability::read_randomness(&random).unwrap());
        }
        assert!(kept > 0, "{percentage}");
    }
    // The state says how it was sampled before: it is not to be sampled by a hash.
    for state in ["ot=rv:90000000000000", "ot=th:8"] {
        let config = |closed| json!({ "sampling_percentage": 100, "hash_seed": 1, "fail_closed": closed });
        assert_eq!(span(&config(true), HALF, state, json!({})), None);
        assert_eq!(span(&config(false), HALF, state, json!({})).as_deref(), Some(state));
    }
}

#[test]
fn a_priority_of_a_span_decides_for_it() {
    let config = |percentage: u32| json!({ "sampling_percentage": percentage, "mode": "equalizing" });
    for priority in [json!(2), json!(0.1), json!("1")] {
        let kept = span(&config(1), HALF, "", json!({ "sampling.priority": priority }));
        assert_eq!(kept.as_deref(), Some("ot=th:0"), "{priority}");
    }
    assert_eq!(span(&config(0), HALF, "", json!({ "sampling.priority": 1 })).as_deref(), Some("ot=th:0"));
    for priority in [json!(0), json!(0.0), json!("0")] {
        assert_eq!(span(&config(100), HALF, "", json!({ "sampling.priority": priority })), None, "{priority}");
    }
    for priority in [json!(-1), json!("x"), json!(true), json!([1])] {
        let kept = span(&config(100), HALF, "", json!({ "sampling.priority": priority }));
        assert_eq!(kept.as_deref(), Some("ot=th:0"), "{priority} says nothing");
    }
}

/// The attributes of a record that stays.
fn record(config: &serde_json::Value, trace: &str, attributes: serde_json::Value) -> Option<serde_json::Value> {
    let mut batch = TestBatch::logs().resource(json!({})).log("body", attributes);
    if !trace.is_empty() {
        batch = batch.with("log", "trace_id", Any::Bytes(id(trace)));
    }
    let after = tester(Signal::Logs, config).unwrap().process(&batch).unwrap();
    let entries = after.field("log", 0, "attributes")?.clone().into_entries();
    Some(serde_json::to_value(Any::Map(entries)).unwrap())
}

#[test]
fn log_records_are_sampled_as_the_collector_samples_them() {
    let random = |bytes: &[u8], seed| probability::hex(randomness::of_hash(bytes, seed));
    for (config, trace, before, after) in [
        (
            json!({ "sampling_percentage": 100, "mode": "proportional" }),
            HALF,
            json!({ "ignored": "value" }),
            Some(json!({ "ignored": "value", "sampling.threshold": "0" })),
        ),
        (
            json!({ "sampling_percentage": 100, "mode": "hash_seed", "hash_seed": 22 }),
            HALF,
            json!({ "K": "V" }),
            Some(json!({ "K": "V", "sampling.threshold": "0", "sampling.randomness": random(&id(HALF), 22) })),
        ),
        (
            json!({ "sampling_percentage": 100, "attribute_source": "record", "from_attribute": "r", "hash_seed": 49 }),
            HALF,
            json!({ "r": "1234" }),
            Some(json!({ "r": "1234", "sampling.threshold": "0", "sampling.randomness": random(b"1234", 49) })),
        ),
        (
            json!({ "sampling_percentage": 100, "from_attribute": "r" }),
            "",
            json!({ "r": 12.5 }),
            Some(json!({ "r": 12.5, "sampling.threshold": "0", "sampling.randomness": random(b"12.5", 0) })),
        ),
        (json!({ "sampling_percentage": 0 }), HALF, json!({}), None),
        (json!({ "sampling_percentage": 100 }), "", json!({}), None),
        (
            json!({ "sampling_percentage": 100, "fail_closed": false }),
            "",
            json!({}),
            Some(json!({ "sampling.threshold": "0" })),
        ),
        (
            json!({ "sampling_percentage": 0, "sampling_priority": "p", "sampling_precision": 6 }),
            HALF,
            json!({ "sampling.randomness": "e6147c00000000", "p": 10.125 }),
            Some(json!({ "sampling.randomness": "e6147c00000000", "sampling.threshold": "e6147b", "p": 10.125 })),
        ),
        (
            json!({ "sampling_percentage": 50, "mode": "proportional" }),
            "fefefefefefefefefef0000000000000",
            json!({ "sampling.threshold": "c" }),
            Some(json!({ "sampling.threshold": "e" })),
        ),
        (
            json!({ "sampling_percentage": 50, "mode": "equalizing" }),
            "fefefefefefefefefeb0000000000000",
            json!({ "sampling.threshold": "c" }),
            None,
        ),
        (
            json!({ "sampling_percentage": 50, "mode": "equalizing", "sampling_priority": "prio" }),
            "fefefefefefefefefefefefefefefefe",
            json!({ "sampling.threshold": "c", "prio": 37 }),
            Some(json!({ "sampling.threshold": "c", "prio": 37 })),
        ),
        (
            json!({ "sampling_percentage": 100, "mode": "hash_seed", "fail_closed": false }),
            HALF,
            json!({ "sampling.randomness": "f2341234123412" }),
            Some(json!({ "sampling.randomness": "f2341234123412" })),
        ),
    ] {
        assert_eq!(record(&config, trace, before.clone()), after, "{config} of {before}");
    }
}

#[test]
fn what_makes_no_sense_is_named_by_its_key() {
    for (config, key) in [
        (json!({ "sampling_percentage": -1 }), "sampling_percentage"),
        (json!({ "sampling_percentage": 1e-20 }), "sampling_percentage"),
        (json!({ "sampling_percentage": 1, "mode": "dunno" }), "mode"),
        (json!({ "sampling_precision": 0 }), "sampling_precision"),
        (json!({ "sampling_precision": 15 }), "sampling_precision"),
        (json!({ "attribute_source": "traceid" }), "attribute_source"),
    ] {
        assert_eq!(tester(Signal::Traces, &config).err().unwrap().key(), Some(key), "{config}");
    }
    assert!(tester(Signal::Metrics, &json!({})).is_err());
}

#[test]
fn what_was_done_is_counted() {
    let config = json!({ "sampling_percentage": 100, "mode": "equalizing" });
    let batch = TestBatch::traces()
        .resource(json!({}))
        .span("a", json!({}))
        .with("span", "trace_id", Any::Bytes(id(LAST)))
        .span("b", json!({}));
    let mut tester = tester(Signal::Traces, &config).unwrap();
    tester.process(&batch).unwrap();
    let counts: Vec<_> = tester.counters().into_iter().collect();
    assert_eq!(counts, [("dropped".into(), 1), ("failed".into(), 1), ("kept".into(), 1)]);
}
