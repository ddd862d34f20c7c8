//! The exporter against several next hops that answer as they were told to.

mod refusals;
mod resolving;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use host_component::{
    Authenticators, BoxFuture, DeadLetters, Delivery, Exporter, Failure, Origin, Outcome, Payload, Signal,
};
use host_config::delivery::{Retry, SendingQueue};
use host_otlp::build::Traces;
use host_otlp::{Limits, check, view};
use host_telemetry::Metrics;
use host_tls::ClientConfig;
use tokio::task::JoinHandle;

use super::{Config, Protocol, Resolver, Static};
use crate::Deps;
use crate::otlp::tests::next_hop::{Answer, NextHop, until};
use crate::otlp::{self, Compression};
use crate::resolve::{Lookup, System};

/// An exporter under test; unlike by default it does not compress and hardly waits between attempts.
struct Script {
    exporter: Arc<dyn Exporter>,
    metrics: Metrics,
}

/// What the exporters to the backends are made of.
fn protocol() -> Protocol {
    Protocol {
        otlp: otlp::Config {
            tls: ClientConfig::plain(),
            compression: Compression::None,
            retry_on_failure: never(),
            ..otlp::Config::default()
        },
    }
}

fn never() -> Retry {
    Retry { enabled: false, ..Retry::default() }
}

fn soon() -> Retry {
    Retry { initial_interval: Duration::from_millis(1), max_interval: Duration::from_millis(5), ..Retry::default() }
}

/// One retry after an hour.
fn late() -> Retry {
    let hour = Duration::from_secs(3600);
    Retry { initial_interval: hour, max_interval: hour, max_elapsed_time: Some(Duration::ZERO), ..Retry::default() }
}

impl Script {
    /// The exporter to these backends.
    fn new(hops: &[NextHop], change: impl FnOnce(&mut Config)) -> Script {
        let hostnames = hops.iter().map(NextHop::address).collect();
        let resolver = Resolver { r#static: Some(Static { hostnames }), ..Resolver::default() };
        Script::of(Config { resolver, protocol: protocol(), ..Config::default() }, Arc::new(System), change)
    }

    fn of(mut config: Config, lookup: Arc<dyn Lookup>, change: impl FnOnce(&mut Config)) -> Script {
        change(&mut config);
        let metrics = Metrics::new();
        let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics };
        let exporter = config.build_with(&"load_balancing/all".parse().unwrap(), &deps, lookup).unwrap();
        Script { exporter, metrics }
    }

    async fn send(&self, payload: Payload) -> Outcome {
        self.exporter.consume(Delivery::new(payload)).await
    }

    fn start(&self, payload: Payload) -> JoinHandle<Outcome> {
        let exporter = self.exporter.clone();
        tokio::spawn(async move { exporter.consume(Delivery::new(payload)).await })
    }

    /// The sum of what a metric shows that has these labels.
    fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.metrics.render();
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}{{")));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

async fn hops(count: usize) -> Vec<NextHop> {
    let mut hops = Vec::new();
    for _ in 0..count {
        hops.push(NextHop::start().await);
    }
    hops
}

/// The id of the trace of this number.
fn id(number: u32) -> [u8; 16] {
    let mut id = [1; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    id
}

/// Spans by their names, each of the trace of this number.
fn spans(spans: &[(u32, &str)]) -> Payload {
    let mut traces = Traces::new();
    traces.resource_spans(|resource_spans| {
        resource_spans.resource(|resource| resource.attribute("service.name", "cart"));
        resource_spans.scope_spans(|scope_spans| {
            for (trace, name) in spans {
                scope_spans.span(|span| {
                    span.trace_id(&id(*trace));
                    span.name(name);
                });
            }
        });
    });
    traces.finish()
}

/// One span of each of so many traces.
fn traces(count: u32) -> Payload {
    let names: Vec<String> = (0..count).map(|trace| trace.to_string()).collect();
    let named: Vec<(u32, &str)> = (0..count).zip(names.iter().map(String::as_str)).collect();
    spans(&named)
}

/// The spans of a payload, in order: the start of the id of their trace, and their name.
fn told(payload: &Payload) -> Vec<(u32, String)> {
    let scopes = view::traces(payload).flat_map(|resource_spans| {
        let mut attributes = resource_spans.resource.unwrap().attributes;
        assert_eq!(attributes.next().unwrap().key, "service.name");
        resource_spans.scope_spans
    });
    let spans = scopes.flat_map(|scope_spans| scope_spans.spans);
    spans.map(|span| (u32::from_be_bytes(span.trace_id[..4].try_into().unwrap()), span.name.to_owned())).collect()
}

/// The spans that a next hop got, refused ones too.
fn got(hop: &NextHop) -> Vec<(u32, String)> {
    let requests = hop.requests().into_iter();
    requests.flat_map(|request| told(&check(Signal::Traces, request.message, &Limits::default()).unwrap())).collect()
}

/// Which hop each trace of so many belongs to, by its place in the list.
async fn owners(hops: &[NextHop], count: u32) -> BTreeMap<u32, usize> {
    let script = Script::new(hops, |_| ());
    let before: Vec<usize> = hops.iter().map(|hop| hop.requests().len()).collect();
    assert_eq!(script.send(traces(count)).await, Ok(()));
    let mut owners = BTreeMap::new();
    for (at, (hop, before)) in hops.iter().zip(before).enumerate() {
        for request in hop.requests().split_off(before) {
            let payload = check(Signal::Traces, request.message, &Limits::default()).unwrap();
            owners.extend(told(&payload).into_iter().map(|(trace, _)| (trace, at)));
        }
    }
    owners
}

#[tokio::test]
async fn spans_of_one_trace_go_to_one_backend_each_once_and_in_order() {
    let hops = hops(3).await;
    let script = Script::new(&hops, |_| ());
    let names: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let all: Vec<(u32, &str)> = names.iter().map(|name| (name.parse::<u32>().unwrap() % 50, name.as_str())).collect();
    for half in all.chunks(150) {
        assert_eq!(script.send(spans(half)).await, Ok(()));
    }
    let mut owners = BTreeMap::new();
    let mut count = 0;
    for (at, hop) in hops.iter().enumerate() {
        let got = got(hop);
        count += got.len();
        assert!(got.len() > 10, "{at} has {}", got.len());
        assert!(hop.requests().len() <= 2, "one request a delivery");
        let numbers: Vec<u32> = got.iter().map(|(_, name)| name.parse().unwrap()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        for (trace, _) in got {
            assert_eq!(*owners.entry(trace).or_insert(at), at, "trace {trace}");
        }
    }
    assert_eq!((count, owners.len()), (300, 50));
    assert_eq!(script.metric("otelcol_exporter_sent_spans", &["exporter=\"load_balancing/all\""]), 300);
    let outcomes = |labels: &[&str]| script.metric("otelcol_loadbalancer_backend_outcome", labels);
    assert_eq!((outcomes(&["success=\"true\""]), outcomes(&["success=\"false\""])), (6, 0));
    assert_eq!(outcomes(&[&format!("endpoint=\"{}\"", hops[0].address())]), 2);
    assert_eq!(script.metric("otelcol_loadbalancer_backend_latency_count", &[]), 6);
    assert_eq!(script.metric("otelcol_loadbalancer_num_backends", &["resolver=\"static\""]), 3);
    assert_eq!(script.metric("otelcol_loadbalancer_num_resolutions", &["success=\"true\""]), 1);
    assert_eq!(script.metric("otelcol_loadbalancer_num_backend_updates", &[]), 1);
}

#[tokio::test]
async fn what_one_backend_fails_at_is_tried_again_alone_where_that_is_wanted() {
    let hops = hops(2).await;
    let script = Script::new(&hops, |config| config.retry_on_failure = Some(soon()));
    hops[0].answers_next(Answer::Status { code: 14, after: None });
    assert_eq!(script.send(traces(40)).await, Ok(()));
    assert_eq!(hops.iter().map(|hop| hop.requests().len()).collect::<Vec<_>>(), [2, 1]);
    let requests = hops[0].requests();
    assert_eq!(requests[0].message, requests[1].message);
    assert_eq!(script.metric("otelcol_exporter_sent_spans", &[]), 40);
}

#[tokio::test]
async fn the_sender_hears_of_what_was_not_taken() {
    let hops = hops(2).await;
    let script = Script::new(&hops, |_| ());
    hops[1].always_answers(Answer::Status { code: 14, after: None });
    let failure = script.send(traces(40)).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("Unavailable")), "{failure:?}");
    assert_eq!(hops.iter().map(|hop| hop.requests().len()).collect::<Vec<_>>(), [1, 1], "one holds up no other");
    assert_eq!(script.metric("otelcol_loadbalancer_backend_outcome", &["success=\"false\""]), 1);
}

/// Keeps how many items are put away.
#[derive(Default)]
struct Letters(Mutex<Vec<u64>>);

impl DeadLetters for Letters {
    fn put<'a>(&'a self, payload: Payload, _: &'a Origin, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.lock().unwrap().push(payload.items()) })
    }
}

#[tokio::test]
async fn what_one_backend_will_never_take_makes_nobody_send_the_rest_again() {
    let hops = hops(2).await;
    let script = Script::new(&hops, |_| ());
    let letters = Arc::new(Letters::default());
    script.exporter.keep_undeliverable(letters.clone());
    hops[0].always_answers(Answer::Status { code: 3, after: None });
    assert_eq!(script.send(traces(40)).await, Ok(()));
    let refused = got(&hops[0]).len() as u64;
    assert_eq!(*letters.0.lock().unwrap(), [refused]);
    assert_eq!(script.metric("otelcol_exporter_sent_spans", &[]), 40 - refused);
    assert_eq!(script.metric("otelcol_exporter_send_failed_spans", &[]), refused);
    hops[1].always_answers(Answer::Status { code: 3, after: None });
    assert!(script.send(traces(40)).await.unwrap_err().is_permanent());
    assert_eq!(letters.0.lock().unwrap().len(), 1, "the whole is whoever calls to put away");
}

#[tokio::test]
async fn an_attempt_ends_after_the_time_for_all_backends_together() {
    let hops = hops(1).await;
    let script = Script::new(&hops, |config| config.timeout = Duration::from_millis(50));
    hops[0].answers_next(Answer::Silence);
    let failure = script.send(traces(1)).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("50ms")), "{failure:?}");
}

#[tokio::test]
async fn refuses_a_caller_when_too_many_wait_for_all_backends_together() {
    let hops = hops(1).await;
    hops[0].always_answers(Answer::Silence);
    let queue = SendingQueue { num_consumers: 1, queue_size: 0, ..SendingQueue::default() };
    let script = Script::new(&hops, |config| config.sending_queue = Some(queue));
    let first = script.start(traces(1));
    until("the first is under way", || hops[0].requests().len() == 1).await;
    let refused = script.send(traces(1)).await;
    assert!(matches!(refused, Err(Failure::Refused { .. })), "{refused:?}");
    first.abort();
}

#[tokio::test]
async fn tries_nothing_again_once_the_end_has_begun() {
    let hops = hops(1).await;
    hops[0].always_answers(Answer::Status { code: 14, after: None });
    let script = Script::new(&hops, |config| config.protocol.otlp.retry_on_failure = late());
    let waiting = script.start(traces(1));
    until("it has failed once", || hops[0].requests().len() == 1).await;
    script.exporter.stop_retrying();
    assert!(matches!(waiting.await.unwrap(), Err(Failure::Retryable { .. })));
    assert_eq!(hops[0].requests().len(), 1);
}
