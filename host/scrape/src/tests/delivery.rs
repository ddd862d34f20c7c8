//! What becomes of scrapes that the pipeline refuses.

use host_component::Failure;

use super::harness::{Reply, Running, Server, refusal, scraping};
use crate::testing::{own, value};

#[tokio::test]
async fn a_refused_scrape_is_kept_and_the_target_is_up() {
    let server = Server::exposing("a 1\n").await;
    let mut running =
        Running::refusing(&scraping(&server, "scrape_timeout: 10s").replace("100ms", "30s"), vec![refusal()]);
    let refused = running.refused().await;
    let taken = running.next().await;
    assert_eq!(refused.contiguous(), taken.contiguous(), "it is the same scrape that was tried again");
    assert_eq!((value(&taken, "up"), server.asked().len()), (1.0, 1));
    assert_eq!(running.metrics.total("otelcol_receiver_refused_metric_points"), 6);
    assert_eq!(running.metrics.total("otelcol_receiver_accepted_metric_points"), 6);
    assert_eq!(running.metrics.total("tidegate_prometheus_receiver_lost_points"), 0);
    running.stop().await;
}

#[tokio::test]
async fn the_next_scrape_takes_the_place_of_one_that_is_still_refused() {
    let server = Server::start(|_, asked| Reply::text(&format!("a {asked}\n"))).await;
    let outcomes = (0..2).map(|_| Err(Failure::refused("full", std::time::Duration::from_secs(60)))).collect();
    let mut running = Running::refusing(&scraping(&server, ""), outcomes);
    assert_eq!(own(&running.refused().await), ["a gauge {} 0"]);
    assert_eq!(own(&running.refused().await), ["a gauge {} 1"]);
    assert_eq!(own(&running.next().await), ["a gauge {} 2"]);
    assert_eq!(running.metrics.total("tidegate_prometheus_receiver_lost_points"), 12);
    running.stop().await;
}

#[tokio::test]
async fn of_a_large_scrape_only_what_was_refused_is_tried_again() {
    let text: String = (0..20_000).map(|number| format!("a{{number=\"{number}\"}} 1\n")).collect();
    let server = Server::start(move |_, _| Reply::text(&text)).await;
    let section = scraping(&server, "scrape_timeout: 10s").replace("100ms", "30s");
    let mut running = Running::refusing(&section, vec![refusal()]);
    let refused = running.refused().await;
    let mut taken = vec![running.next().await];
    while taken.last().is_some_and(|last| last.contiguous() != refused.contiguous()) {
        taken.push(running.next().await);
    }
    let mut all: Vec<String> = taken.iter().flat_map(own).collect();
    all.sort();
    all.dedup();
    assert!(taken.len() > 1, "it was more than one payload");
    assert_eq!(all.len(), 20_000);
    assert_eq!(running.metrics.total("otelcol_receiver_accepted_metric_points"), 20_005);
    running.stop().await;
}

#[tokio::test]
async fn what_can_never_be_delivered_is_not_tried_again() {
    let server = Server::start(|_, asked| Reply::text(&format!("a {asked}\n"))).await;
    let mut running = Running::refusing(&scraping(&server, ""), vec![Err(Failure::permanent("never"))]);
    assert_eq!(own(&running.refused().await), ["a gauge {} 0"]);
    assert_eq!(own(&running.next().await), ["a gauge {} 1"]);
    assert_eq!(running.metrics.total("otelcol_receiver_failed_metric_points"), 6);
    running.stop().await;
}

#[tokio::test]
async fn the_end_tells_nothing_gone_and_tries_what_is_kept_once_more() {
    let server = Server::exposing("a 1\n").await;
    let refusals = vec![Err(Failure::refused("full", std::time::Duration::from_secs(60)))];
    let section = scraping(&server, "").replace("100ms", "30s");
    let mut running = Running::refusing(&section, refusals);
    running.refused().await;
    let rest = running.stop().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(own(&rest[0]), ["a gauge {} 1"]);
}
