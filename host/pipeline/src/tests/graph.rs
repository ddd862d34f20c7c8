//! A graph drains, and gives its place to another.

use std::time::Duration;

use host_component::ComponentId;
use host_telemetry::Metrics;
use tokio::time::Instant;

use super::toys::{Toys, config};
use super::{MINUTE, one_record};
use crate::{Running, Spigots, build};

fn id(text: &str) -> ComponentId {
    text.parse().unwrap()
}

/// One receiver and one exporter, with these settings.
fn simple(receiver: &str, exporter: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ {receiver} }} }}\nexporters: {{ file: {{ {exporter} }} }}\n\
         service: {{ pipelines: {{ logs: {{ receivers: [otlp], exporters: [file] }} }} }}\n"
    )
}

async fn run(yaml: &str, toys: &Toys) -> Running {
    let graph = build(&config(yaml), toys, &Metrics::new(), &Spigots::default())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    graph.run()
}

#[tokio::test(start_paused = true)]
async fn drains_receivers_before_exporters_and_is_done_when_both_are() {
    let start = Instant::now();
    let drained = run(&simple("last: 3", "last: 2"), &Toys::default()).await.drain(MINUTE).await;
    assert!(drained.is_complete(), "{drained:?}");
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn names_what_had_not_ended_at_the_deadline_and_still_lets_exporters_flush() {
    let drained = run(&simple("last: 600", "last: 2"), &Toys::default()).await.drain(MINUTE).await;
    assert_eq!((drained.receivers, drained.exporters), (vec![id("otlp")], vec![]));
    let drained = run(&simple("", "last: 600"), &Toys::default()).await.drain(MINUTE).await;
    assert_eq!((drained.receivers, drained.exporters), (vec![], vec![id("file")]));
}

#[tokio::test(start_paused = true)]
async fn waits_at_the_end_for_what_is_under_way_to_an_exporter_that_is_not_required() {
    let toys = Toys::default();
    let running = run(&simple("", "waits: true, required: false"), &toys).await;
    toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
    let drained = tokio::spawn(running.drain(MINUTE));
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(!drained.is_finished());
    toys.gate.open();
    assert!(drained.await.unwrap().is_complete());
    let told = toys.told.take();
    assert_eq!(told[told.len() - 2..], ["delivered to file", "drained exporter file"], "{told:?}");
}

#[tokio::test]
async fn says_which_receiver_ended_though_nobody_told_it_to() {
    let mut running = run(&simple("breaks: true", ""), &Toys::default()).await;
    let (receiver, reason) = running.failed().await;
    assert_eq!(receiver, id("otlp"));
    assert!(reason.unwrap().contains("panic"));
    assert!(running.drain(MINUTE).await.is_complete());
}

/// Two pipelines, of which only one changes.
fn two(batch: &str, debug: &str, logs: &str) -> String {
    format!(
        "receivers: {{ otlp: , other: }}\nprocessors: {{ batch: {{ {batch} }} }}\n\
         exporters: {{ file: , debug: {{ {debug} }}, more: }}\n\
         service: {{ pipelines: {{ logs: {{ receivers: [otlp], processors: [batch], exporters: {logs} }}, \
         traces: {{ receivers: [otlp, other], exporters: [debug] }} }} }}\n"
    )
}

/// Has the graph of `yaml` take over: what changed and what happened meanwhile, the drain included.
async fn take_over(running: &mut Running, yaml: &str, toys: &Toys) -> (String, Vec<String>) {
    let next = running.beside(&config(yaml), toys, &Metrics::new()).await.unwrap_or_else(|error| panic!("{error}"));
    let (changes, retired) = running.take_over(next);
    assert!(retired.drain(MINUTE).await.is_complete());
    (changes.to_string(), toys.told.take())
}

// The old head is held all the while, so that its drain takes as long as it may.
#[tokio::test(start_paused = true)]
async fn what_did_not_change_stays_and_the_rest_is_built_beside_it() {
    let toys = Toys::default();
    let mut running = run(&two("a: 1", "", "[file]"), &toys).await;
    let before = toys.logs_of("otlp").unwrap();
    toys.told.take();

    let (changes, told) = take_over(&mut running, &two("a: 2", "", "[file]"), &toys).await;
    let all = "receiver other, receiver otlp, pipeline traces, exporter debug, exporter file";
    assert_eq!(changes, format!("kept: {all}; replaced: pipeline logs"));
    let kept = ["kept receiver otlp", "kept receiver otlp", "kept receiver other"];
    assert_eq!(told[..3], kept);
    assert_eq!(told[3..], ["kept exporter debug", "kept exporter file", "built processor batch"]);
    assert!(!std::sync::Arc::ptr_eq(&before, &toys.logs_of("otlp").unwrap()), "the receiver leads to the new pipeline");

    let (changes, told) = take_over(&mut running, &two("a: 2", "a: 2", "[file, more]"), &toys).await;
    let rest = "replaced: pipeline logs, pipeline traces, exporter debug; added: exporter more";
    assert_eq!(changes, format!("kept: receiver other, receiver otlp, exporter file; {rest}"));
    let news: Vec<&String> = told.iter().filter(|line| !line.starts_with("kept")).collect();
    let built = ["built exporter debug", "built exporter more", "built processor batch"];
    assert_eq!(news[..3], built);
    assert_eq!(news[3..], ["stopped retrying exporter debug", "drained exporter debug"]);
}

#[tokio::test]
async fn a_receiver_that_stays_may_gain_and_lose_a_signal() {
    let toys = Toys::default();
    let mut running = run(&simple("", ""), &toys).await;
    let traces = simple("", "").replace("logs:", "traces:");
    let (changes, _) = take_over(&mut running, &traces, &toys).await;
    assert_eq!(changes, "kept: receiver otlp, exporter file; added: pipeline traces; removed: pipeline logs");
    assert!(toys.logs_of("otlp").is_none());
    take_over(&mut running, &simple("", ""), &toys).await;
    assert!(toys.logs_of("otlp").is_some());
}

#[tokio::test(start_paused = true)]
async fn an_exporter_is_drained_when_what_it_took_is_answered() {
    let toys = Toys::default();
    let mut running = run(&simple("", "waits: true"), &toys).await;
    let old = toys.logs_of("otlp").unwrap();
    let under_way = tokio::spawn(async move { old.consume(one_record()).await });
    tokio::task::yield_now().await;
    toys.told.take();

    let next = running.beside(&config(&simple("", "waits: false")), &toys, &Metrics::new()).await.unwrap();
    let (_, retired) = running.take_over(next);
    let drained = tokio::spawn(retired.drain(MINUTE));
    toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(!drained.is_finished(), "it waits for what is under way");
    toys.gate.open();
    assert!(drained.await.unwrap().is_complete());
    assert_eq!(under_way.await.unwrap(), Ok(()));
    let told = toys.told.take();
    let last = ["delivered to file", "delivered to file", "drained exporter file"];
    assert_eq!(told[told.len() - 3..], last, "{told:?}");
}

#[tokio::test]
async fn what_cannot_be_built_leaves_everything_as_it_was() {
    let toys = Toys::default();
    let mut running = run(&two("a: 1", "", "[file]"), &toys).await;
    let before = toys.logs_of("otlp").unwrap();
    for broken in [two("fails: true", "a: 2", "[file]"), two("a: 2", "fails: true", "[file]")] {
        let error = running.beside(&config(&broken), &toys, &Metrics::new()).await.err().expect("it fails");
        assert!(error.to_string().starts_with("cannot start "), "{error}");
    }
    assert!(std::sync::Arc::ptr_eq(&before, &toys.logs_of("otlp").unwrap()));
    let (changes, _) = take_over(&mut running, &two("a: 1", "", "[file]"), &toys).await;
    assert!(!changes.contains("replaced") && !changes.contains("added"), "{changes}");
}
