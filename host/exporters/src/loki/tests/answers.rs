//! What is read out of an answer: the texts are Loki's own.

use std::time::Duration;

use host_component::Failure;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::answer::{Meaning, meaning, put_off, rejected};
use super::super::cut::{pieces, streams};
use super::super::push::{Push, translate};
use super::{NOW, bare, decoded, payload};
use crate::http::Answer;
use crate::sending::{Denial, Rejected, Taken};

/// What is found in an answer to a request of three entries of one stream and one of another.
fn found(text: &str) -> Vec<(&'static str, u64)> {
    let payload = payload(
        |_| {},
        &[&|r| r.attribute("a", "x; y"), &|r| r.attribute("a", "x; y"), &|r| r.attribute("a", "x; y"), &|r| {
            r.attribute("a", "z");
        }],
    );
    let push = translate(&bare(&[], &["a"]), &payload, NOW).pushes.remove(0);
    rejected(text, &streams(&push.body)).into_iter().map(|rejected| (rejected.reason, rejected.items)).collect()
}

#[test]
fn entries_that_are_too_old_are_counted_by_the_number_of_alike_ones() {
    let text = "3 errors like: entry for stream '{a=\"x; y\"}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable \
                timestamp is: 2026-01-01T00:00:00Z; 1 errors like: entry for stream '{a=\"z\"}' has timestamp too new: \
                2036-01-01T00:00:00Z\n";
    assert_eq!(found(text), [("greater_than_max_sample_age", 3), ("too_far_in_future", 1)]);
}

#[test]
fn a_single_fault_has_no_number() {
    let text = "max entry size '262144' bytes exceeded for stream '{a=\"z\"}' while adding an entry with length '300000' bytes";
    assert_eq!(found(text), [("line_too_long", 1)]);
}

#[test]
fn a_fault_of_a_stream_counts_all_of_its_entries() {
    let text = "entry for stream '{a=\"x; y\"}' has 20 label names; limit 15";
    assert_eq!(found(text), [("max_label_names_per_series", 3)]);
    let text = "missing required labels 'team' for user 'fake' for stream '{a=\"z\"}' (policy: '')";
    assert_eq!(found(text), [("missing_enforced_labels", 1)]);
}

#[test]
fn an_ingester_tells_how_many_it_ignored() {
    let text = "entry with timestamp 2026-01-01 00:00:00 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: \
                2026-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-01T01:00:00Z',\nuser 'fake', total ignored: 2 \
                out of 3 for stream: {a=\"x; y\"}";
    assert_eq!(found(text), [("too_far_behind", 2)]);
}

#[test]
fn an_answer_about_the_whole_request_names_no_entries() {
    for text in ["couldn't parse labels: 1:2: parse error", "no org id", "", "; ", "5 errors like: "] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn limits_are_told_apart() {
    assert_eq!(put_off("ingestion rate limit exceeded for user fake (limit: 1 bytes/sec)"), "rate_limited");
    assert_eq!(put_off("maximum active stream limit exceeded when trying to create stream {a=\"b\"}"), "stream_limit");
    assert_eq!(put_off("… reason: 'Per stream rate limit exceeded (limit: 3MB/sec)'"), "per_stream_rate_limit");
}

#[test]
fn a_request_is_cut_at_the_borders_of_entries() {
    let payload = payload(
        |_| {},
        &[
            &|r| r.body("a".repeat(100).as_str()),
            &|r| r.body("b".repeat(100).as_str()),
            &|r| {
                r.attribute("a", "z");
                r.body("c".repeat(100).as_str());
            },
            &|r| r.body("d".repeat(1000).as_str()),
        ],
    );
    let push = translate(&bare(&[], &["a"]), &payload, NOW).pushes.remove(0);
    let told = |most| {
        let pieces = pieces(&push, most);
        assert!(pieces.iter().all(|piece| piece.body.len() <= most || piece.items == 1));
        let streams = |piece: &Push| decoded(piece).streams;
        let lines =
            |stream: super::Stream| stream.entries.into_iter().map(|entry| entry.line[..1].to_owned()).collect();
        let of_piece = |piece: &Push| streams(piece).into_iter().map(lines).collect::<Vec<String>>();
        pieces.iter().map(|piece| (piece.items, of_piece(piece).join("|"))).collect::<Vec<_>>()
    };
    let owned =
        |pieces: &[(u64, &str)]| pieces.iter().map(|(items, of)| (*items, (*of).to_owned())).collect::<Vec<_>>();
    assert_eq!(told(usize::MAX), owned(&[(4, "abd|c")]));
    assert_eq!(pieces(&push, usize::MAX)[0].body, push.body);
    assert_eq!(told(400), owned(&[(2, "ab"), (1, "d"), (1, "c")]));
    assert_eq!(told(1), owned(&[(1, "a"), (1, "b"), (1, "d"), (1, "c")]));
}

/// What an answer to the four entries means: what was taken or why not, and what is counted beside that.
fn meant(status: u16, text: &str) -> (Result<Taken, Denial>, Vec<(&'static str, u64)>) {
    let push =
        translate(&bare(&[], &[]), &payload(|_| {}, &[&|_| {}, &|_| {}, &|_| {}, &|_| {}]), NOW).pushes.remove(0);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
    let status = StatusCode::from_u16(status).unwrap();
    let Meaning { outcome, rejected } = meaning(&Answer { status, headers, body: text.to_owned().into() }, &push);
    (outcome, rejected.into_iter().map(|rejected| (rejected.reason, rejected.items)).collect())
}

const OLD: &str = "errors like: entry for stream '{service_name=\"unknown_service\"}' has timestamp too old: 1970";

#[test]
fn a_request_that_was_taken_in_part_is_taken_and_never_sent_again() {
    let (outcome, counted) = meant(400, &format!("3 {OLD}"));
    let rejected = vec![Rejected { items: 3, reason: "greater_than_max_sample_age" }];
    assert_eq!(outcome.unwrap().rejected, rejected);
    assert_eq!(counted, []);
}

#[test]
fn a_request_of_which_nothing_was_taken_failed_for_good_and_is_counted_by_reason() {
    let (outcome, counted) = meant(400, &format!("4 {OLD}"));
    assert!(matches!(outcome, Err(Denial::Failed(Failure::Permanent { .. }))));
    assert_eq!(counted, [("greater_than_max_sample_age", 4)]);
    let (outcome, counted) = meant(400, "couldn't parse push request");
    assert!(matches!(outcome, Err(Denial::Failed(Failure::Permanent { .. }))));
    assert_eq!(counted, []);
}

#[test]
fn what_may_pass_is_tried_again_when_loki_says_so() {
    for status in [429, 500, 502, 503, 504] {
        let (outcome, _) = meant(status, "ingestion rate limit exceeded for user fake");
        let Err(Denial::Failed(Failure::Retryable { after, reason })) = outcome else {
            panic!("{status}: {outcome:?}")
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
        assert_eq!(reason.starts_with("rate_limited: "), status == 429, "{reason}");
    }
}

#[test]
fn other_answers_are_what_http_says() {
    assert_eq!(meant(204, "").0, Ok(Taken::default()));
    assert!(matches!(meant(413, "").0, Err(Denial::TooLarge(_))));
    assert!(matches!(meant(401, "no org id").0, Err(Denial::Stranger(_))));
    for status in [403, 404, 422] {
        assert!(matches!(meant(status, "").0, Err(Denial::Failed(Failure::Permanent { .. }))), "{status}");
    }
}

#[test]
fn what_an_operator_has_blocked_is_not_taken_whatever_the_status_looks_like() {
    let (outcome, _) =
        meant(260, "ingestion blocked for user 'fake' until '2030-01-01T00:00:00Z' with status code '260'");
    assert!(matches!(outcome, Err(Denial::Failed(Failure::Permanent { .. }))));
}

#[test]
fn no_number_that_loki_tells_is_too_large() {
    let most = u64::MAX;
    let (_, counted) =
        meant(400, &format!("{most} {OLD}; {most} errors like: entry for stream '{{}}' has timestamp too new: 1"));
    assert_eq!(counted, [("greater_than_max_sample_age", most), ("too_far_in_future", most)]);
}
