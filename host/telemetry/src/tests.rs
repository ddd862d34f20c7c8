//! Tests of what stands in `src`: its promises, one sentence each.

use host_component::Trigger;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::metrics::quantile;
use crate::{Endpoint, Guard, Metrics, Page, Pages, process};

async fn ask(endpoint: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(endpoint).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn serves_the_metrics_of_the_collector_and_of_its_process() {
    let metrics = Metrics::new();
    metrics.counter("tidegate_test", "For this test", &[("kind", "x")]).inc_by(7);
    let pages = Pages::new().with_metrics(metrics).with("/debug/x", |_| Page::json("{}".to_owned()));
    let endpoint = Endpoint::bind("127.0.0.1:0", "metrics", pages, Guard::default()).await.unwrap();
    let address = endpoint.address().to_string();
    let (trigger, shutdown) = Trigger::new();
    let served = tokio::spawn(endpoint.run(shutdown));

    let answer = ask(&address, &get("/metrics")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("tidegate_test{kind=\"x\"} 7\n"), "{answer}");
    assert!(answer.contains("\notelcol_process_uptime "), "{answer}");
    assert!(ask(&address, &get("/debug/x")).await.contains("application/json"));
    let missing = ask(&address, &get("/nothing")).await;
    assert!(missing.starts_with("HTTP/1.1 404") && missing.contains("/debug/x /metrics"), "{missing}");
    let post =
        ask(&address, "POST /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
    assert!(post.starts_with("HTTP/1.1 405"), "{post}");

    trigger.fire();
    served.await.unwrap();
    assert!(TcpStream::connect(&address).await.is_err(), "the socket is closed when the endpoint has ended");
}

#[tokio::test]
async fn names_the_address_that_it_cannot_bind() {
    let taken = Endpoint::bind("127.0.0.1:0", "metrics", Pages::new(), Guard::default()).await.unwrap();
    let address = taken.address().to_string();
    let error = Endpoint::bind(&address, "metrics", Pages::new(), Guard::default()).await.err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {address} for metrics"));
}

#[test]
fn estimates_a_quantile_within_the_bucket_that_it_falls_into() {
    let histogram = Metrics::new().histogram("tidegate_test", "For this test", &[], &[1.0, 2.0, 4.0]);
    assert_eq!(quantile(&[&histogram], 0.5), None);
    for value in [0.5, 1.5, 1.5, 3.0] {
        histogram.observe(value);
    }
    assert_eq!(quantile(&[&histogram], 0.25), Some(1.0));
    assert_eq!(quantile(&[&histogram], 0.5), Some(1.5));
    assert_eq!(quantile(&[&histogram], 1.0), Some(4.0));
    histogram.observe(100.0);
    assert_eq!(quantile(&[&histogram], 1.0), Some(4.0), "beyond the last bound nothing is known");
    let other = Metrics::new().histogram("tidegate_test", "For this test", &[], &[1.0, 2.0, 4.0]);
    (0..5).for_each(|_| other.observe(0.5));
    assert_eq!(quantile(&[&histogram, &other], 0.6), Some(1.0), "six of ten are in the first bucket");
}

#[test]
fn a_gauge_that_was_forgotten_is_not_shown() {
    let metrics = Metrics::new();
    metrics.gauge("tidegate_test", "For this test", &[("digest", "a")]).set(1);
    metrics.forget_gauge("tidegate_test", &[("digest", "a")]);
    metrics.gauge("tidegate_test", "For this test", &[("digest", "b")]).set(1);
    let rendered = metrics.render();
    assert!(!rendered.contains("digest=\"a\"") && rendered.contains("digest=\"b\""), "{rendered}");
}

#[test]
fn what_was_forgotten_is_not_shown_and_begins_anew() {
    let metrics = Metrics::new();
    let labels = |endpoint| [("endpoint", endpoint)];
    let counter = |endpoint| metrics.counter("tidegate_test_total", "For this test", &labels(endpoint));
    let histogram = |endpoint| metrics.histogram("tidegate_test", "For this test", &labels(endpoint), &[1.0]);
    for endpoint in ["a", "b"] {
        counter(endpoint).inc();
        histogram(endpoint).observe(0.5);
    }
    let held = counter("a");
    metrics.forget("tidegate_test_total", &labels("a"));
    metrics.forget("tidegate_test", &labels("a"));
    metrics.forget("tidegate_test", &labels("nobody"));
    held.inc();
    let rendered = metrics.render();
    assert!(!rendered.contains("endpoint=\"a\"") && rendered.contains("endpoint=\"b\""), "{rendered}");
    assert_eq!(counter("a").get(), 0);
}

#[test]
fn an_own_gauge_is_shown_as_long_as_somebody_has_it_and_says_what_the_youngest_says() {
    let metrics = Metrics::new();
    let gauge = |value| metrics.own_gauge("tidegate_test", "For this test", &[("exporter", "a")], value);
    let shows = |value: &str| metrics.render().contains(&format!("tidegate_test{{exporter=\"a\"}} {value}\n"));
    let old = gauge(1);
    assert!(shows("1"));
    let refused = gauge(2);
    assert!(shows("2"));
    drop(refused);
    assert!(shows("1"), "what came to nothing is not told of");
    let new = gauge(3);
    old.set(4);
    assert!(shows("3"), "the old one is told of no more");
    drop(old);
    assert!(shows("3"));
    new.set(5);
    assert!(shows("5"));
    drop(new);
    assert!(!metrics.render().contains("tidegate_test"), "{}", metrics.render());
}

#[test]
fn sums_a_counter_over_its_labels() {
    let metrics = Metrics::new();
    for (kind, value) in [("a", 3), ("b", 4)] {
        metrics.counter("tidegate_test", "For this test", &[("kind", kind)]).inc_by(value);
    }
    assert_eq!(metrics.total("tidegate_test"), 7);
    let by_kind = [("a".to_owned(), 3), ("b".to_owned(), 4)];
    assert_eq!(metrics.totals("tidegate_test", "kind"), by_kind.into());
    assert_eq!(metrics.total("tidegate_other"), 0);
    assert_eq!(metrics.label_values("tidegate_test", &[], "kind"), ["a", "b"]);
    assert_eq!(metrics.label_values("tidegate_test", &[("kind", "b")], "kind"), ["b"]);
}

#[test]
fn reads_cpu_time_past_a_command_with_blanks_and_brackets() {
    let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0 100 1000 200 18446744073709551615";
    assert_eq!(process::cpu_seconds(stat), Some(2.0));
    assert_eq!(process::resident_bytes("Name:\tx\nVmRSS:\t   2048 kB\n"), Some(2_097_152.0));
}
