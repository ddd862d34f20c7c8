//! The exporters against a next hop that answers as it was told to.

mod balancing;
mod http;
mod http_hop;
pub(crate) mod next_hop;
mod refusals;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use host_component::{
    Authenticators, BoxFuture, ClientAuth, Delivery, Exporter, Failure, HeaderChange, Origin, Outcome, Payload, Signal,
};
use host_config::delivery::{Retry, SendingQueue};
use host_config::{Auth, Secret};
use host_otlp::wire::put_len;
use host_otlp::{Limits, check};
use host_telemetry::Metrics;
use host_tls::ClientConfig;
use tokio::task::JoinHandle;

use super::{Compression, Config};
use crate::Deps;
use next_hop::{Answer, NextHop, until};

/// An exporter under test; unlike by default it does not compress and hardly waits between attempts.
struct Script {
    exporter: Arc<dyn Exporter>,
    metrics: Metrics,
}

impl Script {
    fn new(hop: &NextHop, change: impl FnOnce(&mut Config)) -> Script {
        Self::to(hop.address(), change)
    }

    fn to(endpoint: String, change: impl FnOnce(&mut Config)) -> Script {
        Self::knowing(endpoint, &Authenticators::default(), change)
    }

    fn knowing(endpoint: String, auth: &Authenticators, change: impl FnOnce(&mut Config)) -> Script {
        let mut config = Config {
            endpoint,
            tls: ClientConfig::plain(),
            compression: Compression::None,
            retry_on_failure: Retry { initial_interval: Duration::from_millis(1), ..Retry::default() },
            ..Config::default()
        };
        change(&mut config);
        let metrics = Metrics::new();
        let deps = Deps { base: Path::new("."), auth, metrics: &metrics };
        let exporter = config.build(&"otlp_grpc/next".parse().unwrap(), &deps).unwrap();
        Script { exporter, metrics }
    }

    async fn send(&self, payload: Payload) -> Outcome {
        self.exporter.consume(Delivery::new(payload)).await
    }

    fn start(&self, payload: Payload) -> JoinHandle<Outcome> {
        let exporter = self.exporter.clone();
        tokio::spawn(async move { exporter.consume(Delivery::new(payload)).await })
    }

    fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.render();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name} in\n{text}"));
        assert!(line.contains("exporter=\"otlp_grpc/next\""), "{line}");
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// Log records with these bodies, all of one resource.
fn logs(bodies: &[&str]) -> Payload {
    let nest = |number, inner: &[u8]| {
        let mut out = Vec::new();
        put_len(&mut out, number, inner);
        out
    };
    let records: Vec<u8> = bodies.iter().flat_map(|body| nest(2, &nest(5, &nest(1, body.as_bytes())))).collect();
    check(Signal::Logs, Bytes::from(nest(1, &nest(2, &records))), &Limits::default()).unwrap()
}

/// Payloads joined.
fn joined(parts: &[Payload]) -> Payload {
    let mut whole = Payload::empty(Signal::Logs);
    parts.iter().for_each(|part| whole.join(part.clone()));
    whole
}

fn never() -> Retry {
    Retry { enabled: false, ..Retry::default() }
}

#[tokio::test]
async fn sends_what_it_got_to_the_service_of_its_signal() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |config| {
        config.headers.insert("X-Tenant".to_owned(), Secret::new("blue"));
    });
    let (small, large) = (logs(&["small"]), logs(&[&"large".repeat(20_000)]));
    let payload = joined(&[small.clone(), small.clone(), large.clone(), small]);
    assert_eq!(script.send(payload.clone()).await, Ok(()));
    let request = hop.requests().remove(0);
    assert_eq!(request.path, "/opentelemetry.proto.collector.logs.v1.LogsService/Export");
    assert_eq!(request.message, payload.contiguous());
    let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("content-type").as_deref(), Some("application/grpc"));
    assert_eq!(header("te").as_deref(), Some("trailers"));
    assert_eq!(header("x-tenant").as_deref(), Some("blue"));
    assert_eq!(header("grpc-timeout").as_deref(), Some("5000m"));
    assert!(header("user-agent").unwrap().starts_with("tidegate/"));
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 4);
}

#[tokio::test]
async fn compresses_small_and_large_messages() {
    let hop = NextHop::start().await;
    for (compression, name) in
        [(Compression::Gzip, "gzip"), (Compression::Zstd, "zstd"), (Compression::Snappy, "snappy")]
    {
        let script = Script::new(&hop, |config| config.compression = compression);
        let (small, large) = (logs(&["small"]), logs(&[&"large".repeat(100_000)]));
        for payload in [small.clone(), large.clone(), joined(&[small, large])] {
            assert_eq!(script.send(payload.clone()).await, Ok(()));
            let request = hop.requests().pop().unwrap();
            assert_eq!(request.headers["grpc-encoding"], name);
            assert!(request.was_compressed);
            assert_eq!(request.message, payload.contiguous(), "{name}");
        }
    }
}

#[tokio::test]
async fn cuts_what_is_too_large_and_sends_each_item_once() {
    let hop = NextHop::start().await;
    let body = "x".repeat(400);
    let script = Script::new(&hop, |config| config.max_request_size = 1000);
    assert_eq!(script.send(logs(&[body.as_str(); 7])).await, Ok(()));
    let requests = hop.requests();
    assert!(requests.iter().all(|request| request.message.len() <= 1000));
    let items = |message: &Bytes| check(Signal::Logs, message.clone(), &Limits::default()).unwrap().items();
    assert_eq!(requests.iter().map(|request| items(&request.message)).sum::<u64>(), 7);
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 7);

    let failure = script.send(logs(&[&"x".repeat(2000)])).await.unwrap_err();
    assert!(failure.is_permanent() && failure.to_string().contains("max_request_size"), "{failure}");
}

#[tokio::test]
async fn tries_again_after_the_codes_that_may_pass_and_no_others() {
    for code in 1..=16 {
        let hop = NextHop::start().await;
        hop.answers_next(Answer::Status { code, after: None });
        let script = Script::new(&hop, |_| ());
        let outcome = script.send(logs(&["a"])).await;
        if [1, 4, 10, 11, 14, 15].contains(&code) {
            assert_eq!((outcome, hop.requests().len()), (Ok(()), 2), "code {code}");
        } else {
            assert!(outcome.unwrap_err().is_permanent(), "code {code}");
            assert_eq!(hop.requests().len(), 1, "code {code}");
            assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 1);
        }
    }
}

/// Shows a number, and one more each time that it hears that it was refused; not after `last`.
struct Passes {
    shown: AtomicUsize,
    last: usize,
}

impl ClientAuth for Passes {
    fn credentials<'a>(&'a self, _origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>> {
        let shown = self.shown.load(Ordering::SeqCst).to_string();
        Box::pin(async { Ok(vec![HeaderChange::upsert("x-pass", shown)]) })
    }

    fn refused(&self) -> bool {
        self.shown.fetch_add(1, Ordering::SeqCst) < self.last
    }

    fn is_secret(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn shows_once_more_who_it_is_where_it_is_not_known_by_what_it_showed() {
    let unknown = Answer::Status { code: 16, after: None };
    for (answers, last, shown, is_taken) in [
        (&[unknown][..], 9, &["0", "1"][..], true),
        (&[unknown, unknown], 9, &["0", "1"], false),
        (&[unknown], 0, &["0"], false),
    ] {
        let hop = NextHop::start().await;
        answers.iter().for_each(|answer| hop.answers_next(*answer));
        let (mut auth, passes) = (Authenticators::default(), Passes { shown: AtomicUsize::new(0), last });
        auth.add_client("passes".parse().unwrap(), Arc::new(passes));
        let script = Script::knowing(hop.address(), &auth, |config| {
            config.auth = Some(Auth { authenticator: "passes".to_owned() });
        });
        let outcome = script.send(logs(&["a"])).await;
        assert_eq!(outcome.is_ok(), is_taken, "{outcome:?}");
        assert!(is_taken || outcome.unwrap_err().is_permanent());
        let requests = hop.requests();
        assert_eq!(
            requests.iter().map(|request| request.headers["x-pass"].to_str().unwrap()).collect::<Vec<_>>(),
            shown
        );
    }
}

#[tokio::test]
async fn waits_as_long_as_the_next_hop_asks() {
    let hop = NextHop::start().await;
    hop.answers_next(Answer::Status { code: 8, after: Some(Duration::from_secs(1)) });
    let script = Script::new(&hop, |_| ());
    let before = std::time::Instant::now();
    assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    assert!(before.elapsed() >= Duration::from_secs(1));
    assert_eq!(hop.requests().len(), 2);
}

#[tokio::test]
async fn gives_up_after_the_time_that_it_may_try() {
    let hop = NextHop::start().await;
    hop.always_answers(Answer::Status { code: 14, after: None });
    let script = Script::new(&hop, |config| config.retry_on_failure.max_elapsed_time = Some(Duration::from_millis(20)));
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("Unavailable")), "{failure:?}");
    assert!(hop.requests().len() > 1);
    assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 1);
}

#[tokio::test]
async fn counts_what_the_next_hop_rejects_and_does_not_send_it_again() {
    let hop = NextHop::start().await;
    hop.answers_next(Answer::Partial { rejected: 2, message: "too old" });
    let script = Script::new(&hop, |_| ());
    assert_eq!(script.send(logs(&["a", "b", "c"])).await, Ok(()));
    assert_eq!(hop.requests().len(), 1);
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 1);
    assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 2);
    assert_eq!(script.metric("tidegate_exporter_rejected_log_records"), 2);
}

#[tokio::test]
async fn ends_an_attempt_that_takes_too_long() {
    let hop = NextHop::start().await;
    hop.answers_next(Answer::Silence);
    let script = Script::new(&hop, |config| {
        config.timeout = Duration::from_millis(500);
        config.retry_on_failure = never();
    });
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("500ms")), "{failure:?}");
    assert_eq!(script.send(logs(&["b"])).await, Ok(()));
}

#[tokio::test]
async fn says_why_there_is_no_connection_and_connects_when_there_is_one() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let script = Script::to(format!("http://{address}"), |config| config.retry_on_failure = never());
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("cannot connect")), "{failure:?}");
    let hop = NextHop::start_at(address).await;
    let arrives = async {
        while script.send(logs(&["b"])).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(next_hop::CAP, arrives).await.expect("it connects");
    assert_eq!(hop.requests().len(), 1);
}

#[tokio::test]
async fn loses_nothing_when_the_connection_is_lost() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |_| ());
    assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    hop.answers_next(Answer::Hangup);
    assert_eq!(script.send(logs(&["b"])).await, Ok(()));
    hop.answers_next(Answer::GoAway);
    assert_eq!(script.send(logs(&["c"])).await, Ok(()));
    assert_eq!(script.send(logs(&["d"])).await, Ok(()));
    assert!(hop.connections() >= 3);
}

#[tokio::test]
async fn takes_an_http_answer_for_what_it_is() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |config| config.retry_on_failure = never());
    for answer in [Answer::Http(503), Answer::Html(502), Answer::NoStatus] {
        hop.answers_next(answer);
        assert!(!script.send(logs(&["a"])).await.unwrap_err().is_permanent(), "{answer:?}");
    }
    hop.answers_next(Answer::Http(403));
    assert!(script.send(logs(&["a"])).await.unwrap_err().is_permanent());
}

#[tokio::test]
async fn hears_an_answer_that_comes_before_the_message_was_sent() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |config| config.retry_on_failure = never());
    hop.answers_next(Answer::Early { code: 14 });
    let failure = script.send(logs(&[&"x".repeat(3 << 20)])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains("Unavailable")), "{failure:?}");
    hop.answers_next(Answer::Early { code: 3 });
    let failure = script.send(logs(&[&"x".repeat(3 << 20)])).await.unwrap_err();
    assert!(failure.is_permanent(), "{failure:?}");
    assert_eq!(script.send(logs(&["the connection is as good as before"])).await, Ok(()));
    assert_eq!(hop.connections(), 1);
}

#[tokio::test]
async fn halves_what_the_next_hop_finds_too_large() {
    let hop = NextHop::start().await;
    hop.always_answers(Answer::Limit(200_000));
    let script = Script::new(&hop, |_| ());
    let body = "x".repeat(90_000);
    assert_eq!(script.send(logs(&[body.as_str(); 7])).await, Ok(()));
    let taken = hop.requests().into_iter().filter(|request| request.message.len() <= 200_000);
    let items = |message: &Bytes| check(Signal::Logs, message.clone(), &Limits::default()).unwrap().items();
    assert_eq!(taken.map(|request| items(&request.message)).sum::<u64>(), 7, "each once");
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 7);
    let failure = script.send(logs(&[&"x".repeat(300_000)])).await.unwrap_err();
    assert!(failure.is_permanent(), "{failure:?}");
    assert_eq!(script.metric("tidegate_exporter_requests_too_large"), 2);
    // What was learned is kept to, and nothing is found too large any more.
    let before = hop.requests().len();
    assert_eq!(script.send(logs(&[body.as_str(); 7])).await, Ok(()));
    assert!(hop.requests()[before..].iter().all(|request| request.message.len() <= 200_000));
    assert_eq!(script.metric("tidegate_exporter_requests_too_large"), 2);
    assert!((90_000..=200_000).contains(&script.metric("tidegate_exporter_learned_limit_bytes")));
    // A refusal of what is small already has another reason than its size.
    hop.always_answers(Answer::Limit(0));
    let before = hop.requests().len();
    assert!(script.send(logs(&["a", "b"])).await.unwrap_err().is_permanent());
    assert_eq!(hop.requests().len(), before + 1);
}

#[tokio::test]
async fn an_item_that_is_too_large_holds_up_no_other() {
    let hop = NextHop::start().await;
    hop.always_answers(Answer::Limit(100_000));
    let script = Script::new(&hop, |_| ());
    let (small, large) = ("x".repeat(30_000), "y".repeat(200_000));
    assert_eq!(script.send(logs(&[&small, &large, &small, &small])).await, Ok(()), "or the three were sent again");
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 3);
    assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 1);
}

#[tokio::test]
async fn a_piece_that_is_never_taken_holds_up_no_other_and_makes_nobody_send_them_again() {
    let denied = || Answer::Status { code: 3, after: None };
    let (small, hop) = ("x".repeat(400), NextHop::start().await);
    let script = Script::new(&hop, |config| config.max_request_size = 1000);
    hop.answers_next(denied());
    assert_eq!(script.send(logs(&[small.as_str(); 5])).await, Ok(()));
    assert_eq!(hop.requests().len(), 3);
    assert_eq!(script.metric("otelcol_exporter_sent_log_records"), 3);
    assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 2);
    // Of what was denied as a whole, the sender is told.
    hop.always_answers(denied());
    assert!(script.send(logs(&[small.as_str(); 5])).await.unwrap_err().is_permanent());
    assert_eq!(script.metric("otelcol_exporter_send_failed_log_records"), 7);
}

#[tokio::test]
async fn keeps_to_the_limit_that_it_is_told() {
    let hop = NextHop::start().await;
    hop.answers_next(Answer::TooLarge("received message larger than max (1300000 vs. 300000)"));
    let script = Script::new(&hop, |_| ());
    let body = "x".repeat(99_000);
    assert_eq!(script.send(logs(&[body.as_str(); 10])).await, Ok(()));
    let sizes: Vec<usize> = hop.requests().iter().map(|request| request.message.len() / 99_000).collect();
    assert_eq!(sizes, [10, 3, 3, 3, 1]);
    assert_eq!(script.metric("tidegate_exporter_learned_limit_bytes"), 300_000);
}

#[tokio::test]
async fn finds_out_that_a_peer_is_gone_which_answers_nothing_any_more() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |config| config.timeout = Duration::from_millis(100));
    hop.answers_next(Answer::Freeze);
    let sent = tokio::time::timeout(next_hop::CAP, script.send(logs(&["a"]))).await;
    assert_eq!(sent.expect("another connection is made"), Ok(()));
    assert_eq!(hop.connections(), 2);
}

#[tokio::test]
async fn goes_on_elsewhere_while_a_peer_that_goes_away_still_owes_an_answer() {
    let hop = NextHop::start().await;
    let script = Script::new(&hop, |config| config.timeout = 3 * next_hop::CAP);
    hop.answers_next(Answer::Silence);
    let owed = script.start(logs(&["a"]));
    until("the first is under way", || hop.requests().len() == 1).await;
    hop.answers_next(Answer::GoAway);
    assert_eq!(script.send(logs(&["b"])).await, Ok(()));
    let sent = tokio::time::timeout(next_hop::CAP, script.send(logs(&["c"]))).await;
    assert_eq!(sent.expect("another connection is made"), Ok(()));
    assert!(!owed.is_finished());
    owed.abort();
}

#[tokio::test]
async fn tries_nothing_again_once_the_end_has_begun() {
    let hop = NextHop::start().await;
    hop.always_answers(Answer::Status { code: 14, after: None });
    let hour = Duration::from_secs(3600);
    let script = Script::new(&hop, |config| {
        config.retry_on_failure = Retry {
            initial_interval: hour,
            max_interval: hour,
            max_elapsed_time: Some(Duration::ZERO),
            ..Retry::default()
        };
    });
    let waiting = script.start(logs(&["a"]));
    until("it has failed once", || hop.requests().len() == 1).await;
    script.exporter.stop_retrying();
    for outcome in
        [tokio::time::timeout(next_hop::CAP, waiting).await.unwrap().unwrap(), script.send(logs(&["b"])).await]
    {
        assert!(matches!(&outcome, Err(Failure::Retryable { .. })), "{outcome:?}");
    }
    assert_eq!(hop.requests().len(), 2);
}

#[tokio::test]
async fn refuses_a_caller_when_too_many_wait() {
    let hop = NextHop::start().await;
    hop.always_answers(Answer::Silence);
    let queue = SendingQueue { num_consumers: 1, queue_size: 1, ..SendingQueue::default() };
    let script = Script::new(&hop, |config| config.sending_queue = queue);
    let first = script.start(logs(&["a"]));
    until("the first is under way", || hop.requests().len() == 1).await;
    let second = script.start(logs(&["b"]));
    // The second waits and a third is refused; which of the two that is depends on who comes first.
    let third = script.send(logs(&["c"]));
    let refused = tokio::select! {
        outcome = third => outcome,
        outcome = second => outcome.unwrap(),
    };
    assert!(matches!(refused, Err(Failure::Refused { .. })), "{refused:?}");
    assert_eq!(script.metric("otelcol_exporter_enqueue_failed_log_records"), 1);
    assert_eq!(script.metric("otelcol_exporter_queue_capacity"), 1);
    until("the one that waited has left", || script.metric("otelcol_exporter_queue_size") == 0).await;
    first.abort();
}

#[test]
fn a_header_that_is_set_may_be_a_key_and_shows_nowhere() {
    let headers = [("x-key".to_owned(), Secret::new("hidden words"))].into();
    let map = crate::http::headers(&headers, "gRPC", |_| false).unwrap();
    assert!(map["x-key"].is_sensitive());
    let config = Config { headers, ..Config::default() };
    assert!(!format!("{config:?} {map:?}").contains("hidden words"));
}
