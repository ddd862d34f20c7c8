//! Backends that are found by a name, of a real DNS server, as they come and go.

use std::net::{IpAddr, SocketAddr};

use super::*;
use crate::load_balancing::Dns;
use crate::resolve::tests::DnsServer;

const NAME: &str = "hub.test";

fn addresses(pods: &[NextHop]) -> Vec<IpAddr> {
    pods.iter().map(|pod| pod.address().parse::<SocketAddr>().unwrap().ip()).collect()
}

fn script(server: &DnsServer, port: u16, change: impl FnOnce(&mut Config)) -> Script {
    let dns = Dns {
        hostname: NAME.to_owned(),
        port: port.to_string(),
        interval: Duration::from_millis(5),
        timeout: Duration::from_secs(20),
    };
    let resolver = Resolver { dns: Some(dns), ..Resolver::default() };
    let config = Config { resolver, protocol: protocol(), ..Config::default() };
    Script::of(config, Arc::new(server.lookup()), change)
}

fn backends(script: &Script) -> u64 {
    script.metric("otelcol_loadbalancer_num_backends", &["resolver=\"dns\""])
}

#[tokio::test]
async fn follows_the_addresses_of_a_name_and_few_traces_move() {
    let ((pods, port), server) = (NextHop::pods(3).await, DnsServer::start().await);
    server.knows(NAME, &addresses(&pods));
    let before = owners(&pods, 60).await;
    let script = script(&server, port, |_| ());
    let sent: Vec<usize> = pods.iter().map(|pod| got(pod).len()).collect();
    assert_eq!(script.send(traces(60)).await, Ok(()));
    for (at, pod) in pods.iter().enumerate() {
        // As with the same addresses that are named.
        assert!(got(pod)[sent[at]..].iter().all(|(trace, _)| before[trace] == at));
    }
    assert_eq!(backends(&script), 3);
    let shown = |pod: &NextHop| script.metrics.render().contains(&format!("endpoint=\"{}\"", pod.address()));
    assert!(shown(&pods[1]));
    server.knows(NAME, &[addresses(&pods[..1]), addresses(&pods[2..])].concat());
    until("one is gone", || backends(&script) == 2).await;
    until("nothing is shown of it any more", || !shown(&pods[1])).await;
    let sent: Vec<usize> = pods.iter().map(|pod| got(pod).len()).collect();
    assert_eq!(script.send(traces(60)).await, Ok(()));
    assert_eq!(got(&pods[1]).len(), sent[1]);
    for at in [0, 2] {
        let now = &got(&pods[at])[sent[at]..];
        assert!(now.iter().all(|(trace, _)| before[trace] == at || before[trace] == 1), "only those of it have moved");
    }
    assert_eq!(pods[0].connections(), 2, "of each exporter one: it stays when others go");
    assert_eq!(script.metric("otelcol_loadbalancer_num_backend_updates", &["resolver=\"dns\""]), 2);
    assert!(script.metric("otelcol_loadbalancer_num_resolutions", &["success=\"true\"", "resolver=\"dns\""]) > 1);
}

#[tokio::test]
async fn what_waits_for_one_that_goes_is_sent_to_those_that_are_left() {
    let ((pods, port), server) = (NextHop::pods(2).await, DnsServer::start().await);
    server.knows(NAME, &addresses(&pods));
    pods[1].always_answers(Answer::Status { code: 14, after: None });
    let script = script(&server, port, |config| config.protocol.otlp.retry_on_failure = late());
    let waiting = script.start(traces(40));
    until("both were asked", || pods.iter().all(|pod| !pod.requests().is_empty())).await;
    until("one has taken its part", || script.metric("otelcol_exporter_sent_spans", &[]) > 0).await;
    server.knows(NAME, &addresses(&pods[..1]));
    assert_eq!(waiting.await.unwrap(), Ok(()));
    let mut taken: Vec<u32> = got(&pods[0]).into_iter().map(|(trace, _)| trace).collect();
    taken.sort_unstable();
    assert_eq!(taken, (0..40).collect::<Vec<_>>(), "each once");
}

#[tokio::test]
async fn backends_that_are_known_stay_while_there_is_no_answer() {
    let ((pods, port), server) = (NextHop::pods(1).await, DnsServer::start().await);
    server.knows(NAME, &addresses(&pods));
    let script = script(&server, port, |_| ());
    assert_eq!(script.send(traces(1)).await, Ok(()));
    server.forgets(NAME);
    let unanswered = || script.metric("otelcol_loadbalancer_num_resolutions", &["success=\"false\""]);
    until("there was no answer", || unanswered() > 0).await;
    assert_eq!(script.send(traces(1)).await, Ok(()));
    assert_eq!(backends(&script), 1);
}

#[tokio::test]
async fn a_sender_is_told_that_there_are_no_backends_until_there_are() {
    let ((pods, port), server) = (NextHop::pods(1).await, DnsServer::start().await);
    let script = script(&server, port, |_| ());
    let failure = script.send(traces(1)).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains(NAME)), "{failure:?}");
    server.knows(NAME, &addresses(&pods));
    until("there is one", || backends(&script) == 1).await;
    assert_eq!(script.send(traces(1)).await, Ok(()));
}
