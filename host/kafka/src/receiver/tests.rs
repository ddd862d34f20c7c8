//! What becomes of a record on its way into a pipeline, and which offsets may be committed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use host_component::{
    BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Outcome, Payload, Signal, Trigger,
};
use host_config::{Check as _, Value};
use host_otlp::view::{AnyValue, Element as _};
use host_otlp::wire::{Fields, put_len};
use host_otlp::{Limits, check, json};
use host_receivers::{Budget, Lanes};
use host_telemetry::Metrics;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::attributes::with_attributes;
use super::config::Config;
use super::counts::Counts;
use super::partition::{Partition, Progress};
use super::record::{Reading, Record};
use super::topics::Topics;
use super::work::{Bench, End, Finished};
use crate::client::Form;

/// A request with so many records in a resource with these attributes; none without any.
pub(super) fn logs(attributes: Option<&[(&str, &str)]>, records: usize) -> Payload {
    let (mut scope, mut message, mut request) = (Vec::new(), Vec::new(), Vec::new());
    (0..records).for_each(|_| put_len(&mut scope, 2, &[]));
    if let Some(attributes) = attributes {
        let mut resource = Vec::new();
        for (key, text) in attributes {
            let (mut value, mut attribute) = (Vec::new(), Vec::new());
            put_len(&mut value, 1, text.as_bytes());
            put_len(&mut attribute, 1, key.as_bytes());
            put_len(&mut attribute, 2, &value);
            put_len(&mut resource, 1, &attribute);
        }
        put_len(&mut message, 1, &resource);
    }
    put_len(&mut message, 2, &scope);
    put_len(&mut request, 1, &message);
    check(Signal::Logs, request.into(), &Limits::default()).unwrap()
}

fn attributes(payload: &Payload) -> Vec<(String, String)> {
    let buf = payload.contiguous();
    let inside = |fields: Fields<'_>, number| -> Vec<_> { fields.filter(|field| field.number == number).collect() };
    let mut found = Vec::new();
    for message in inside(Fields::new(&buf, 0, buf.len()), 1) {
        for resource in inside(Fields::new(&buf, message.start, message.end), 1) {
            for attribute in inside(Fields::new(&buf, resource.start, resource.end), 1) {
                let part = |number| inside(Fields::new(&buf, attribute.start, attribute.end), number).remove(0);
                let key = String::from_utf8(buf[part(1).start..part(1).end].to_vec()).unwrap();
                let AnyValue::Text(text) = AnyValue::element(&buf, &part(2)) else { panic!("a text") };
                found.push((key, text.to_owned()));
            }
        }
    }
    found
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn puts_attributes_onto_each_resource_in_the_place_of_those_that_say_the_same() {
    let payload = logs(Some(&[("a", "1"), ("spoofed", "yes")]), 3);
    let edited = with_attributes(&payload, &pairs(&[("spoofed", "no"), ("new", "ü")]));
    assert_eq!(attributes(&edited), pairs(&[("a", "1"), ("spoofed", "no"), ("new", "ü")]));
    let again = check(Signal::Logs, edited.contiguous(), &Limits::default()).unwrap();
    assert_eq!((again.items(), edited.items()), (3, 3));
    let bare = with_attributes(&logs(None, 1), &pairs(&[("new", "x")]));
    assert_eq!(attributes(&bare), pairs(&[("new", "x")]));
}

#[test]
fn commits_up_to_the_first_record_that_is_not_acknowledged() {
    let mut progress = Progress::default();
    // Offsets have gaps where a topic is compacted.
    for offset in [3, 4, 7, 8] {
        progress.begin(offset);
    }
    assert_eq!(progress.done(4), None);
    assert_eq!(progress.done(8), None);
    assert_eq!(progress.done(3), Some(5));
    assert_eq!(progress.len(), 2);
    assert_eq!(progress.done(7), Some(9));
    assert_eq!((progress.len(), progress.done(7)), (0, None));
}

pub(super) fn record(offset: i64, value: Bytes) -> Record {
    Record { topic: "otlp_logs".into(), partition: 2, offset, value, headers: Vec::new() }
}

#[test]
fn begins_no_more_than_may_be_under_way_and_nothing_while_one_fails() {
    let budget = Budget::new(1000);
    let mut partition = Partition::new(1);
    for offset in 0..4 {
        partition.push(record(offset, Bytes::from_static(b"12345")), budget.reserve(5).unwrap());
    }
    assert_eq!(partition.waiting_bytes, 20);
    assert_eq!(partition.next(2).map(|(record, _)| record.offset), Some(0));
    assert_eq!(partition.next(2).map(|(record, _)| record.offset), Some(1));
    assert!(partition.next(2).is_none());
    // The second is done: it waits behind the first.
    assert_eq!(partition.progress.done(1), None);
    assert!(partition.next(2).is_none());
    assert_eq!(partition.progress.done(0), Some(2));
    partition.failing = 1;
    assert!(partition.next(2).is_none());
    partition.failing = 0;
    assert_eq!(partition.next(2).map(|(record, _)| record.offset), Some(2));
    assert_eq!(partition.waiting_bytes, 5);
}

fn config(text: &str) -> Config {
    Value::parse("test.yaml", text).unwrap().decode().unwrap()
}

fn told(text: &str) -> BTreeMap<String, String> {
    config(text).wrongs().into_iter().map(|wrong| (wrong.key, wrong.message)).collect()
}

#[test]
fn a_topic_says_which_signal_its_records_are() {
    let topics = Topics::new(&config(
        "{logs: {topics: ['^edge-.*-logs$', plain], encoding: otlp_json}, traces: {topics: ['^edge-']}, metrics: {topics: [edge-1-logs]}}",
    ))
    .unwrap();
    assert_eq!(topics.signal("edge-2-logs"), Some((Signal::Logs, Form::Json)));
    assert_eq!(topics.signal("edge-2"), Some((Signal::Traces, Form::Proto)));
    assert_eq!(topics.signal("edge-1-logs"), Some((Signal::Metrics, Form::Proto)));
    assert_eq!(topics.signal("other"), None);
    assert_eq!(topics.of(|signal| signal == Signal::Logs), ["^edge-.*-logs$", "plain"]);
}

#[test]
fn the_defaults_make_sense_and_so_do_the_collectors_values() {
    assert_eq!(told("{}"), BTreeMap::new());
    let collectors = "{brokers: [a:1], group_id: g, initial_offset: earliest, autocommit: {enable: true, interval: 5s}, \
                      message_marking: {after: true, on_error: false, on_permanent_error: false}, error_backoff: {enabled: true, \
                      initial_interval: 500ms, max_elapsed_time: 1m}, partition_processing: {independent: true}, \
                      header_extraction: {extract_headers: true, headers: [a]}, group_rebalance_strategies: [range, roundrobin]}";
    assert_eq!(told(collectors), BTreeMap::new());
}

#[test]
fn what_makes_no_sense_is_told_with_the_way_out() {
    for (text, key, way_out) in [
        ("{message_marking: {on_error: true}}", "message_marking.on_error", "take it out"),
        ("{group_rebalance_strategies: [sticky]}", "group_rebalance_strategies", "cooperative-sticky"),
        ("{group_rebalance_strategies: [range, cooperative-sticky]}", "group_rebalance_strategies", "alone"),
        ("{logs: {topics: [a]}, traces: {topics: [a]}}", "traces.topics", "one signal"),
        ("{logs: {topics: ['^(']}}", "logs.topics", "no pattern"),
        ("{logs: {topics: [a], exclude_topics: [b]}}", "logs.exclude_topics", "none of"),
        ("{logs: {encoding: text}}", "logs.encoding", "otlp_proto"),
        ("{max_fetch_size: 5, min_fetch_size: 10}", "max_fetch_size", "less"),
        ("{heartbeat_interval: 20s}", "heartbeat_interval", "session_timeout"),
        ("{trust_headers: [Kafka.topic]}", "trust_headers", "take it out"),
        ("{max_in_flight: 0}", "max_in_flight", "between 1"),
    ] {
        let told = told(text);
        assert!(told.get(key).is_some_and(|message| message.contains(way_out)), "{text}: {told:?}");
    }
}

fn reading(text: &str, keys: &[&str]) -> Reading {
    let mut read = MetadataKeys::default();
    read.add(Signal::Logs, keys.iter().map(|key| (*key).to_owned()));
    Reading::new(&config(text), &read)
}

#[test]
fn believes_the_headers_that_are_trusted_and_says_itself_where_a_record_lay() {
    let mut record = record(41, logs(None, 1).contiguous());
    record.headers = [("X-Tenant", "blue"), ("x-admin", "yes"), ("kafka.offset", "0")]
        .map(|(key, value)| (key.to_owned(), Some(Bytes::from(value))))
        .to_vec();
    let keys = ["x-tenant", "x-admin", "kafka.offset", "kafka.partition"];
    let origin = |trusted| {
        let reading = reading(trusted, &keys);
        reading.read(&record, Signal::Logs, Form::Proto).unwrap().delivery.origin.metadata.clone()
    };
    assert_eq!(origin("{}"), pairs(&[("kafka.offset", "41"), ("kafka.partition", "2")]));
    let trusted = origin("{trust_headers: [x-TENANT]}");
    assert_eq!(trusted, pairs(&[("kafka.offset", "41"), ("kafka.partition", "2"), ("x-tenant", "blue")]));
}

#[test]
fn reads_both_forms_and_says_why_something_is_neither() {
    let reading = reading("{header_extraction: {extract_headers: true, headers: [tenant]}}", &[]);
    let payload = logs(Some(&[("a", "b")]), 2);
    let mut text = Vec::new();
    json::write(&payload, &mut text);
    for (value, form) in [(payload.contiguous(), Form::Proto), (text.into(), Form::Json)] {
        let mut record = record(0, value);
        record.headers = vec![("tenant".to_owned(), Some(Bytes::from_static(b"blue")))];
        let read = reading.read(&record, Signal::Logs, form).unwrap();
        assert_eq!(read.delivery.payload.items(), 2);
        assert_eq!(attributes(&read.delivery.payload), pairs(&[("a", "b"), ("kafka.header.tenant", "blue")]));
    }
    for form in [Form::Proto, Form::Json] {
        let error = reading.read(&record(0, Bytes::from_static(b"\xff\xff")), Signal::Logs, form).unwrap_err();
        assert!(error.starts_with("it is no OTLP"), "{error}");
    }
}

/// Answers as it was told to, and then takes everything.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Outcome>>,
    seen: Mutex<usize>,
}

impl Consumer for Script {
    fn consume(&self, _: Delivery) -> BoxFuture<'_, Outcome> {
        *self.seen.lock().unwrap() += 1;
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()));
        Box::pin(async move { answer })
    }
}

/// What records are worked on with, for this consumer.
pub(super) fn bench(text: &str, consumer: Arc<dyn Consumer>, metrics: &Metrics) -> Arc<Bench> {
    let config = config(text);
    let mut consumers = Consumers::default();
    consumers.set(Signal::Logs, consumer);
    Arc::new(Bench {
        topics: Topics::new(&config).unwrap(),
        reading: Reading::new(&config, &MetadataKeys::default()),
        consumers,
        lanes: Lanes::new("kafka", "kafka", metrics),
        counts: Counts::new("kafka", metrics),
        backoff: config.error_backoff.clone(),
        passes_permanent: config.message_marking.on_permanent_error,
    })
}

struct Rig {
    bench: Arc<Bench>,
    script: Arc<Script>,
    metrics: Metrics,
}

impl Rig {
    fn new(text: &str, answers: Vec<Outcome>) -> Self {
        let metrics = Metrics::new();
        let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
        let bench = bench(text, Arc::clone(&script) as Arc<dyn Consumer>, &metrics);
        Rig { bench, script, metrics }
    }

    /// Works on a record for so long at most.
    async fn work(&self, value: Bytes, most: Duration) -> Finished {
        self.work_on(record(5, value), most).await
    }

    async fn work_on(&self, record: Record, most: Duration) -> Finished {
        let (end, ending) = Trigger::new();
        let (words, _heard) = mpsc::channel(16);
        let reservation = Budget::new(1000).reserve(10).unwrap();
        let work = Arc::clone(&self.bench).work(record, reservation, 1, ending, words);
        tokio::pin!(work);
        tokio::select! {
            finished = &mut work => return finished,
            () = tokio::time::sleep(most) => end.fire(),
        }
        work.await
    }

    fn has(&self, line: &str) -> bool {
        self.metrics.render().lines().any(|shown| shown == line)
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn tries_again_what_may_pass_until_it_is_taken() {
    let later = || Err(Failure::retryable("later"));
    let rig = Rig::new("{}", vec![later(), later(), Err(Failure::refused("full", Duration::from_secs(90)))]);
    let began = Instant::now();
    let finished = rig.work(logs(None, 3).contiguous(), HOUR).await;
    assert_eq!((finished.end, finished.offset, finished.room), (End::Taken, 5, 10));
    assert_eq!(*rig.script.seen.lock().unwrap(), 4);
    assert!(began.elapsed() >= Duration::from_secs(90), "as long as it was told to wait");
    let labels = r#"receiver="kafka",transport="kafka""#;
    assert!(rig.has(&format!("otelcol_receiver_accepted_log_records{{{labels}}} 3")), "{}", rig.metrics.render());
    assert!(rig.has(&format!("otelcol_receiver_refused_log_records{{{labels}}} 9")));
    assert!(rig.has(r#"tidegate_kafka_receiver_failing_records{receiver="kafka"} 0"#));
}

#[tokio::test(start_paused = true)]
async fn passes_what_will_never_be_taken_unless_it_is_to_stand_still() {
    let never = || Err(Failure::permanent("never"));
    let rig = Rig::new("{}", vec![never()]);
    assert_eq!(rig.work(logs(None, 1).contiguous(), HOUR).await.end, End::Passed);
    let rig = Rig::new("{message_marking: {on_permanent_error: false}}", vec![never(), never()]);
    assert_eq!(rig.work(logs(None, 1).contiguous(), HOUR).await.end, End::Taken);
}

#[tokio::test(start_paused = true)]
async fn counts_a_record_that_is_no_otlp_once_and_hands_nothing_on() {
    for (text, end) in [("{}", End::Passed), ("{message_marking: {on_permanent_error: false}}", End::Abandoned)] {
        let rig = Rig::new(text, Vec::new());
        assert_eq!(rig.work(Bytes::from_static(b"\xff"), HOUR).await.end, end);
        assert_eq!(*rig.script.seen.lock().unwrap(), 0);
        let labels = r#"receiver="kafka",topic="otlp_logs",partition="2""#;
        let name = "otelcol_kafka_receiver_unmarshal_failed_log_records";
        assert!(rig.metrics.total(name) == 1, "{labels}: {}", rig.metrics.render());
    }
}

#[tokio::test(start_paused = true)]
async fn counts_a_record_of_a_topic_that_is_no_signals_here() {
    let rig = Rig::new("{}", Vec::new());
    let other = Record { topic: "other".into(), ..record(5, logs(None, 1).contiguous()) };
    assert_eq!(rig.work_on(other, HOUR).await.end, End::Passed);
    assert_eq!(rig.metrics.total("tidegate_kafka_receiver_unknown_topic_records"), 1);
}

#[tokio::test(start_paused = true)]
async fn leaves_a_record_that_waits_to_be_tried_again_when_its_partition_goes() {
    let rig = Rig::new("{}", (0..100).map(|_| Err(Failure::retryable("later"))).collect());
    let finished = rig.work(logs(None, 1).contiguous(), Duration::from_secs(60)).await;
    assert_eq!(finished.end, End::Abandoned);
    assert!(rig.has(r#"tidegate_kafka_receiver_failing_records{receiver="kafka"} 0"#));
}
