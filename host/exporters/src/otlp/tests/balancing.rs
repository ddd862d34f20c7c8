//! One name that stands for several next hops, as a real DNS server tells it.

use std::net::{IpAddr, Ipv4Addr};

use super::next_hop::{Answer, NextHop, until};
use super::*;
use crate::otlp::Balancer;
use crate::resolve::tests::DnsServer;

const NAME: &str = "hub.test";

fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(127, 0, 0, last).into()
}

fn exporter(server: &DnsServer, port: u16, change: impl FnOnce(&mut Config)) -> Script {
    let mut config = Config {
        endpoint: format!("dns:///{NAME}:{port}"),
        tls: ClientConfig::plain(),
        compression: Compression::None,
        retry_on_failure: never(),
        ..Config::default()
    };
    change(&mut config);
    let metrics = Metrics::new();
    let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics };
    let lookup = Arc::new(server.lookup());
    let exporter = config.made_with(&"otlp_grpc/next".parse().unwrap(), &deps, lookup).unwrap();
    Script { exporter, metrics }
}

fn counts(pods: &[NextHop]) -> Vec<usize> {
    pods.iter().map(|pod| pod.requests().len()).collect()
}

/// Sends until each of these has more than before.
async fn until_all_get(script: &Script, pods: &[&NextHop]) {
    let before: Vec<usize> = pods.iter().map(|pod| pod.requests().len()).collect();
    let sending = async {
        while pods.iter().zip(&before).any(|(pod, before)| pod.requests().len() <= *before) {
            assert_eq!(script.send(logs(&["a"])).await, Ok(()));
        }
    };
    tokio::time::timeout(next_hop::CAP, sending).await.expect("each gets some");
}

#[tokio::test]
async fn requests_go_over_all_addresses_of_the_name_in_turn() {
    let ((pods, port), server) = (NextHop::pods(3).await, DnsServer::start().await);
    server.knows(NAME, &[address(1), address(2), address(3)]);
    let script = exporter(&server, port, |_| ());
    until_all_get(&script, &pods.iter().collect::<Vec<_>>()).await;
    let before = counts(&pods);
    for _ in 0..30 {
        assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    }
    let after = counts(&pods);
    assert!(after.iter().zip(before).all(|(after, before)| after - before == 10), "{after:?}");
    assert!(pods.iter().all(|pod| pod.connections() == 1));
}

#[tokio::test]
async fn the_first_address_gets_all_where_that_is_wanted_until_it_is_away() {
    let ((pods, port), server) = (NextHop::pods(2).await, DnsServer::start().await);
    server.knows(NAME, &[address(1), address(2)]);
    let script = exporter(&server, port, |config| config.balancer_name = Balancer::PickFirst);
    for _ in 0..5 {
        assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    }
    assert_eq!((counts(&pods), pods[1].connections()), (vec![5, 0], 0));
    let away = exporter(&server, port, |config| config.balancer_name = Balancer::PickFirst);
    // Nobody listens at the first one.
    server.knows(NAME, &[address(2), Ipv4Addr::new(127, 0, 0, 0).into()]);
    assert_eq!(away.send(logs(&["a"])).await, Ok(()));
    assert_eq!(counts(&pods), [5, 1]);
}

#[tokio::test]
async fn an_address_that_is_away_is_passed_over_and_found_when_it_is_back() {
    let ((pods, port), server) = (NextHop::pods(2).await, DnsServer::start().await);
    server.knows(NAME, &[address(1), address(2), address(3)]);
    let script = exporter(&server, port, |_| ());
    until_all_get(&script, &pods.iter().collect::<Vec<_>>()).await;
    for _ in 0..20 {
        assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    }
    let back = NextHop::start_at((Ipv4Addr::new(127, 0, 0, 3), port).into()).await;
    until_all_get(&script, &[&back]).await;
}

#[tokio::test]
async fn follows_the_name_and_lets_calls_under_way_end() {
    let ((pods, port), server) = (NextHop::pods(2).await, DnsServer::start().await);
    server.knows(NAME, &[address(1), address(3)]);
    let script = Arc::new(exporter(&server, port, |config| config.timeout = 3 * next_hop::CAP));
    pods[0].answers_next(Answer::Silence);
    let owed = script.start(logs(&["owed"]));
    until("it is under way", || pods[0].requests().len() == 1).await;
    // What is away has the name looked up again.
    server.knows(NAME, &[address(2)]);
    until_all_get(&script, &[&pods[1]]).await;
    let before = counts(&pods);
    for _ in 0..5 {
        assert_eq!(script.send(logs(&["a"])).await, Ok(()));
    }
    assert_eq!(counts(&pods), [before[0], before[1] + 5]);
    assert!(!owed.is_finished(), "its connection stays");
    owed.abort();
}

#[tokio::test]
async fn says_that_the_name_has_no_addresses() {
    let server = DnsServer::start().await;
    let script = exporter(&server, 1, |_| ());
    let failure = script.send(logs(&["a"])).await.unwrap_err();
    assert!(matches!(&failure, Failure::Retryable { reason, .. } if reason.contains(NAME)), "{failure:?}");
}
