//! What the generator promises.

mod server;

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Parser;
use host_otlp::{Limits, Signal, check};
use tonic::{Code, Status};

use self::server::Server;
use super::personal;
use super::report::Report;
use super::request::{Plan, Request};
use super::{Args, send};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

fn args(line: &str) -> Args {
    Cli::try_parse_from(["generate"].into_iter().chain(line.split_whitespace())).expect("the arguments are right").args
}

const NOW: u64 = 1_700_000_000_000_000_000;

fn requests(line: &str) -> Vec<Request> {
    let plan = Plan::new(&args(line));
    (0..60).map(|number| plan.request(number, u32::MAX, NOW)).collect()
}

#[test]
fn the_seed_decides_what_is_sent() {
    let bytes = |line| requests(line).into_iter().map(|request| request.bytes).collect::<Vec<_>>();
    assert_eq!(bytes("--seed 7"), bytes("--seed 7"));
    assert_ne!(bytes("--seed 7"), bytes("--seed 8"));
}

#[test]
fn every_request_passes_the_door_and_has_the_items_that_were_asked_for() {
    for items in [1, 2, 7, 100] {
        for request in requests(&format!("--items-per-request {items}")) {
            let payload = check(request.signal, request.bytes, &Limits::default()).unwrap();
            assert_eq!((payload.items(), request.items), (items, items as u32));
            assert_eq!(payload.unknown_fields(), 0);
        }
    }
}

#[test]
fn every_item_has_an_id_of_its_own() {
    let plan = Plan::new(&args("--seed 3 --id-attribute my.id"));
    for request in requests("--seed 3 --id-attribute my.id") {
        let sent = server::ids(request.signal, &request.bytes, "my.id");
        let expected: Vec<String> = (0..request.items).map(|item| plan.id(request.number, item)).collect();
        assert_eq!(sent, expected, "request {}", request.number);
    }
}

#[test]
fn as_many_items_as_wanted_have_personal_data() {
    for share in [0.0, 0.1, 1.0] {
        let requests = requests(&format!("--personal-data {share}"));
        let personal: u32 = requests.iter().map(|request| request.personal).sum();
        let items: u32 = requests.iter().map(|request| request.items).sum();
        assert!((f64::from(personal) / f64::from(items) - share).abs() < 0.02, "{personal} of {items} at {share}");
    }
}

#[test]
fn all_kinds_of_metrics_and_parts_of_spans_occur() {
    let text: String = requests("all")
        .iter()
        .map(|request| match request.signal {
            Signal::Logs => String::new(),
            Signal::Traces => format!("{:?}", server::traces(&request.bytes)),
            Signal::Metrics => format!("{:?}", server::metrics(&request.bytes)),
        })
        .collect();
    for part in ["Gauge", "Sum(", "Histogram(", "ExponentialHistogram", "Summary", "Exemplar", "Event {", "Link {"] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn cards_have_sixteen_digits_that_add_up() {
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..1_000 {
        let card = personal::card(&mut rng);
        let digits: Vec<u32> = card.chars().filter_map(|c| c.to_digit(10)).collect();
        let luhn = |(place, digit): (usize, &u32)| match place % 2 {
            1 if *digit > 4 => 2 * digit - 9,
            1 => 2 * digit,
            _ => *digit,
        };
        assert_eq!(digits.len(), 16, "{card}");
        assert_eq!(digits.iter().rev().enumerate().map(luhn).sum::<u32>() % 10, 0, "{card}");
    }
}

#[tokio::test]
async fn acknowledged_items_are_those_that_the_server_took() {
    let server = Server::start(|_| Ok(0)).await;
    let folder = tempfile::tempdir().unwrap();
    let ids = folder.path().join("ids");
    let line = format!(
        "--endpoint {} --rate 0 --items 1050 --connections 2 --in-flight 3 --ids-to {}",
        server.address,
        ids.display()
    );
    let report = send(args(&line)).await.unwrap();
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.sent_items, report.sent_requests, report.acknowledged_items), (1050, 11, 1050));
    assert_eq!(report.acknowledged.values().sum::<u64>(), 1050);
    assert_eq!(report.answers["Ok"], 11);
    let written = std::fs::read_to_string(ids).unwrap();
    let written: BTreeSet<String> = written.lines().map(str::to_owned).collect();
    assert_eq!(written.len(), 1050);
    assert_eq!(written, server.taken().into_iter().collect());
}

#[tokio::test]
async fn what_is_refused_is_sent_again_until_it_is_taken() {
    let server = Server::start(|attempt| match attempt % 3 {
        0 => Err(Status::unavailable("soon")),
        1 => Err(Status::resource_exhausted("slower")),
        _ => Ok(0),
    })
    .await;
    let line = format!("logs --endpoint {} --rate 0 --items 40 --items-per-request 10 --in-flight 1", server.address);
    let report = send(args(&line)).await.unwrap();
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.sent_items, report.acknowledged_items, report.retries), (40, 40, 8));
    assert_eq!((report.answers["Unavailable"], report.answers["ResourceExhausted"], report.answers["Ok"]), (4, 4, 4));
    assert_eq!(server.taken().len(), 40);
}

#[tokio::test]
async fn waits_as_long_as_the_server_says() {
    // google.rpc.Status { details: [Any { RetryInfo { retry_delay: 1.5s } }] }
    let delay = [0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01];
    let info = [&[0x0a, delay.len() as u8][..], &delay].concat();
    let name = b"type.googleapis.com/google.rpc.RetryInfo";
    let any = [&[0x0a, name.len() as u8][..], name, &[0x12, info.len() as u8], &info].concat();
    let details = bytes::Bytes::from([&[0x1a, any.len() as u8][..], &any].concat());
    let server = Server::start(move |attempt| match attempt {
        0 => Err(Status::with_details(Code::ResourceExhausted, "slower", details.clone())),
        _ => Ok(0),
    })
    .await;
    let line = format!("logs --endpoint {} --rate 0 --items 1", server.address);
    let report = send(args(&line)).await.unwrap();
    assert!(report.is_complete() && report.seconds >= 1.5, "{report}");
}

#[tokio::test]
async fn what_is_never_taken_is_reported() {
    let server = Server::start(|_| Err(Status::invalid_argument("no"))).await;
    let line = format!("--endpoint {} --rate 0 --items 25 --items-per-request 10", server.address);
    let report = send(args(&line)).await.unwrap();
    assert!(!report.is_complete());
    assert_eq!((report.unacknowledged_items, report.answers["InvalidArgument"]), (25, 3));
    assert_eq!(report.unacknowledged.len(), 10);
    assert!(report.to_string().contains("NOT acknowledged: 25 items"), "{report}");

    let server = Server::start(|_| Err(Status::unavailable("never"))).await;
    let line = format!("--endpoint {} --rate 0 --items 5 --duration 10ms --retry-for 200ms", server.address);
    let report = send(args(&line)).await.unwrap();
    assert_eq!((report.unacknowledged_items, report.acknowledged_items), (5, 0), "{report}");
}

#[tokio::test]
async fn items_that_were_rejected_are_not_counted_as_acknowledged() {
    let server = Server::start(|_| Ok(3)).await;
    let line = format!("logs --endpoint {} --rate 0 --items 10", server.address);
    let report = send(args(&line)).await.unwrap();
    assert_eq!((report.acknowledged_items, report.rejected_items, report.is_complete()), (7, 3, false));
}

#[tokio::test]
async fn sends_at_the_rate_that_was_asked_for() {
    let server = Server::start(|_| Ok(0)).await;
    let line = format!("--endpoint {} --rate 1000 --duration 500ms --items-per-request 10", server.address);
    let report = send(args(&line)).await.unwrap();
    assert_eq!(report.sent_items, 500, "{report}");
    assert!(report.seconds >= 0.49, "{report}");
}

#[tokio::test]
async fn says_that_nobody_listens() {
    let error = send(args("--endpoint 127.0.0.1:1 --duration 1s")).await.unwrap_err();
    assert_eq!(error.to_string(), "nobody answers at 127.0.0.1:1: is the collector running?");
}

#[test]
fn quantiles_are_off_by_little() {
    let mut report = Report::default();
    (1..=1_000).for_each(|ms| report.acknowledged(Signal::Logs, 1, 0, Duration::from_millis(ms)));
    let report = report.finish(Duration::from_secs(1));
    assert!((report.p50_ms - 500.0).abs() < 20.0 && (report.p99_ms - 990.0).abs() < 35.0, "{report}");
    assert_eq!((Report::default().finish(Duration::ZERO).p99_ms, report.seconds), (0.0, 1.0));
}

#[test]
fn refuses_arguments_that_make_no_sense() {
    for line in ["--duration 10", "--personal-data 2", "--connections 0", "--in-flight 0", "--items-per-request 0", "x"]
    {
        let words = ["generate"].into_iter().chain(line.split_whitespace());
        assert!(Cli::try_parse_from(words).is_err(), "{line}");
    }
    assert_eq!(args("logs").duration, Duration::from_secs(10));
}
