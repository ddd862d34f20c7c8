//! Translation by example, held to what a decoder of Loki's own messages makes of it.

mod answers;
mod config;
mod labels;
mod lines;
mod metadata;

use std::collections::BTreeMap;

use host_otlp::Payload;
use host_otlp::build::{LogRecord, Logs, Resource};
use prost::Message as _;

use super::labels::Plan;
use super::line::Format;
use super::push::{Manner, Push, Translation, translate};

/// Loki's messages, as its own proto has them.
#[derive(Clone, PartialEq, prost::Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<Stream>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<prost_types::Timestamp>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Pair>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Pair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl Entry {
    fn pairs(&self) -> BTreeMap<&str, &str> {
        self.metadata.iter().map(|pair| (pair.name.as_str(), pair.value.as_str())).collect()
    }

    fn nanos(&self) -> u64 {
        let time = self.timestamp.unwrap();
        u64::try_from(time.seconds).unwrap() * 1_000_000_000 + u64::try_from(time.nanos).unwrap()
    }
}

const NOW: u64 = 1_700_000_000_000_000_009;

/// Without labels but those that the test asks for.
fn bare(resource: &[&str], attributes: &[&str]) -> Manner {
    let owned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let plan = Plan {
        exporter: false,
        job: false,
        instance: false,
        level: false,
        ..Plan::new(&owned(resource), &owned(attributes), &owned(&["hub.received_at"]))
    };
    Manner { plan, format: Format::Raw, structured_metadata: true }
}

/// Records of one resource.
fn payload(resource: impl FnOnce(&mut Resource<'_>), records: &[&dyn Fn(&mut LogRecord<'_>)]) -> Payload {
    let mut request = Logs::new();
    request.resource_logs(|resource_logs| {
        resource_logs.resource(resource);
        resource_logs.scope_logs(|scope_logs| {
            for record in records {
                scope_logs.log_record(|builder| record(builder));
            }
        });
    });
    request.finish()
}

fn decoded(push: &Push) -> PushRequest {
    PushRequest::decode(push.body.as_slice()).unwrap()
}

/// The streams of the only request.
fn streams(manner: &Manner, payload: &Payload) -> Vec<Stream> {
    let Translation { pushes, .. } = translate(manner, payload, NOW);
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].items, payload.items());
    decoded(&pushes[0]).streams
}

/// The only entry.
fn entry(manner: &Manner, payload: &Payload) -> Entry {
    let mut streams = streams(manner, payload);
    assert_eq!((streams.len(), streams[0].entries.len()), (1, 1));
    streams.remove(0).entries.remove(0)
}

#[test]
fn entries_stand_in_the_order_of_their_times_which_stay_as_they_are() {
    let payload = payload(
        |_| {},
        &[
            &|r| {
                r.time_unix_nano(2_000_000_003);
                r.body("second");
            },
            &|r| {
                r.time_unix_nano(2);
                r.observed_time_unix_nano(9);
                r.body("first");
            },
            &|r| {
                r.observed_time_unix_nano(3_000_000_000);
                r.body("by the time when it was seen");
            },
            &|r| r.body("without any time"),
            &|r| {
                r.time_unix_nano(2_000_000_003);
                r.body("of the same time, and behind");
            },
        ],
    );
    let found = streams(&bare(&[], &[]), &payload);
    let entries: Vec<_> = found[0].entries.iter().map(|entry| (entry.nanos(), entry.line.as_str())).collect();
    assert_eq!(
        entries,
        [
            (2, "first"),
            (2_000_000_003, "second"),
            (2_000_000_003, "of the same time, and behind"),
            (3_000_000_000, "by the time when it was seen"),
            (NOW, "without any time"),
        ]
    );
}

#[test]
fn records_of_two_tenants_are_two_requests() {
    let payload = payload(
        |resource| resource.attribute("host.name", "a"),
        &[
            &|r| {
                r.attribute("loki.tenant", "team");
                r.attribute("team", "blue");
                r.body("of blue");
            },
            &|r| r.body("of nobody"),
            &|r| {
                r.attribute("loki.tenant", "team");
                r.attribute("team", "blue");
                r.body("of blue, too");
            },
        ],
    );
    let found = translate(&bare(&[], &[]), &payload, NOW).pushes;
    let lines =
        |push: &Push| decoded(push).streams.into_iter().flat_map(|s| s.entries).map(|e| e.line).collect::<Vec<_>>();
    let told: Vec<_> = found.iter().map(|push| (push.tenant.as_deref(), push.items, lines(push))).collect();
    let blue = vec!["of blue".to_owned(), "of blue, too".to_owned()];
    assert_eq!(told, [(None, 1, vec!["of nobody".to_owned()]), (Some("blue"), 2, blue)]);
}

#[test]
fn the_tenant_of_a_resource_comes_before_that_of_a_record() {
    let payload = payload(
        |resource| {
            resource.attribute("loki.tenant", "host.name");
            resource.attribute("host.name", "red");
        },
        &[&|r| {
            r.attribute("loki.tenant", "team");
            r.attribute("team", "blue");
        }],
    );
    let found = translate(&bare(&[], &[]), &payload, NOW).pushes;
    assert_eq!(found[0].tenant.as_deref(), Some("red"));
    assert!(!decoded(&found[0]).streams[0].entries[0].pairs().contains_key("loki_tenant"));
}

#[test]
fn a_batch_of_many_segments_is_one_request() {
    let one = |body: &'static str| payload(|r| r.attribute("service.name", "shop"), &[&|r| r.body(body)]);
    let mut joined = one("a");
    joined.join(one("b"));
    let found = streams(&bare(&["service.name"], &[]), &joined);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].labels, r#"{service_name="shop"}"#);
    assert_eq!(found[0].entries.len(), 2);
}

#[test]
fn a_small_request_does_not_become_a_large_one_by_what_its_resource_says() {
    let large = "x".repeat(20 << 10);
    let none = |_: &mut LogRecord<'_>| {};
    let records: Vec<&dyn Fn(&mut LogRecord<'_>)> = (0..2000).map(|_| &none as _).collect();
    let payload = payload(|resource| resource.attribute("large", large.as_str()), &records);
    let Translation { pushes, too_much, .. } = translate(&bare(&[], &[]), &payload, NOW);
    let (items, bytes) = (pushes[0].items, pushes[0].body.len());
    assert!(bytes < 9 << 20 && items > 50, "{bytes} bytes of {items}");
    assert_eq!(items + too_much, 2000);
}
