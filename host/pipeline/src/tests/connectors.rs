//! Connectors lead from pipeline to pipeline, also when one behind them is replaced.

use host_telemetry::Metrics;

use super::toys::{Toys, config};
use super::{MINUTE, one_record};
use crate::{Running, Spigots, build};

/// Logs come in and go through a connector with this section to two pipelines, of which the first has this processor.
fn joined(connector: &str, batch: &str) -> String {
    format!(
        "receivers: {{ otlp: }}\nprocessors: {{ batch: {{ {batch} }} }}\nexporters: {{ a: , b: {{ waits: true }} }}\n\
         connectors: {{ to: {{ {connector} }} }}\n\
         service:\n  pipelines:\n    logs/in: {{ receivers: [otlp], exporters: [to] }}\n    \
         logs/a: {{ receivers: [to], processors: [batch], exporters: [a] }}\n    \
         logs/b: {{ receivers: [to], exporters: [b] }}\n"
    )
}

async fn run(yaml: &str, toys: &Toys, metrics: &Metrics) -> Running {
    let graph = build(&config(yaml), toys, metrics, &Spigots::default()).await;
    graph.unwrap_or_else(|error| panic!("{error}")).run()
}

fn delivered(toys: &Toys) -> Vec<String> {
    toys.told.take().into_iter().filter(|told| told.starts_with("delivered")).collect()
}

#[tokio::test]
async fn a_connector_hands_data_to_each_pipeline_that_has_it_as_a_receiver() {
    let (toys, metrics) = (Toys::default(), Metrics::new());
    let running = run(&joined("", ""), &toys, &metrics).await;
    toys.gate.open();
    toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
    assert_eq!(delivered(&toys), ["delivered to a", "delivered to b"]);
    let text = metrics.render();
    for counted in [
        "otelcol_connector_consumed_items{connector=\"to\",otel_signal=\"logs\",otelcol_component_outcome=\"success\"} 1\n",
        "otelcol_connector_produced_items{connector=\"to\",otel_signal=\"logs\",otelcol_component_outcome=\"success\",\
         otelcol_pipeline_id=\"logs/a\"} 1\n",
    ] {
        assert!(text.contains(counted), "{text}");
    }
    assert!(running.drain(MINUTE).await.is_complete());
}

#[tokio::test]
async fn a_connector_that_chooses_hands_data_to_the_pipelines_of_its_route() {
    let toys = Toys::default();
    toys.gate.open();
    for (takes, to) in [(0, &["delivered to a"][..]), (1, &["delivered to a", "delivered to b"])] {
        let table = format!("table: [{{ pipelines: [logs/a] }}, {{ pipelines: [logs/a, logs/b] }}], takes: {takes}");
        let running = run(&joined(&table, ""), &toys, &Metrics::new()).await;
        toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
        assert_eq!(delivered(&toys), to);
        assert!(running.drain(MINUTE).await.is_complete());
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_behind_a_connector_is_replaced_under_those_before_it() {
    let (toys, metrics) = (Toys::default(), Metrics::new());
    let mut running = run(&joined("", "a: 1"), &toys, &metrics).await;
    let before = toys.logs_of("otlp").unwrap();
    let under_way = tokio::spawn({
        let before = std::sync::Arc::clone(&before);
        async move { before.consume(one_record()).await }
    });
    tokio::task::yield_now().await;
    toys.told.take();

    let changed = joined("", "a: 2").replace("exporters: [a]", "exporters: [b]");
    let next = running.beside(&config(&changed), &toys, &metrics).await.unwrap_or_else(|error| panic!("{error}"));
    assert!(toys.told.take().contains(&"built processor batch".to_owned()));
    before_the_takeover_nothing_changes(&before, &toys).await;
    let (changes, retired) = running.take_over(next);
    let told = "kept: receiver otlp, pipeline logs/b, pipeline logs/in, exporter b; replaced: pipeline logs/a; removed: exporter a";
    assert_eq!(changes.to_string(), told);
    let drained = tokio::spawn(retired.drain(MINUTE));
    toys.gate.open();
    assert!(drained.await.unwrap().is_complete());
    assert_eq!(under_way.await.unwrap(), Ok(()));
    toys.told.take();
    before.consume(one_record()).await.unwrap();
    assert_eq!(delivered(&toys), ["delivered to b", "delivered to b"], "the pipeline before it leads to the new one");
}

async fn before_the_takeover_nothing_changes(head: &std::sync::Arc<dyn host_component::Consumer>, toys: &Toys) {
    let (head, taken) = (std::sync::Arc::clone(head), toys.told.clone());
    let sent = tokio::spawn(async move { head.consume(one_record()).await });
    tokio::task::yield_now().await;
    assert_eq!(taken.take(), ["delivered to a"]);
    sent.abort();
}

#[tokio::test]
async fn a_connector_that_changes_or_leads_elsewhere_has_the_pipelines_before_it_built_anew() {
    let (toys, metrics) = (Toys::default(), Metrics::new());
    toys.gate.open();
    let mut running = run(&joined("", ""), &toys, &metrics).await;
    let alone = joined("a: 2", "").replace("logs/b: { receivers: [to]", "logs/b: { receivers: [otlp]");
    for (yaml, changed, to) in [
        (joined("a: 2", ""), "pipeline logs/in", &["delivered to a", "delivered to b"][..]),
        (alone, "pipeline logs/in", &["delivered to b", "delivered to a"]),
    ] {
        let next = running.beside(&config(&yaml), &toys, &metrics).await.unwrap_or_else(|error| panic!("{error}"));
        let (changes, retired) = running.take_over(next);
        assert_eq!(changes.replaced, [changed]);
        assert!(retired.drain(MINUTE).await.is_complete());
        toys.told.take();
        toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
        let mut told = delivered(&toys);
        told.sort();
        let mut to = to.to_vec();
        to.sort_unstable();
        assert_eq!(told, to);
    }
}

#[tokio::test]
async fn pipelines_may_change_places() {
    let (toys, metrics) = (Toys::default(), Metrics::new());
    let chain = |first: &str, second: &str| {
        format!(
            "receivers: {{ otlp: }}\nexporters: {{ end: }}\nconnectors: {{ one: , two: }}\n\
             service:\n  pipelines:\n    logs: {{ receivers: [otlp], exporters: [one] }}\n    \
             logs/{first}: {{ receivers: [one], exporters: [two] }}\n    \
             logs/{second}: {{ receivers: [two], exporters: [end] }}\n"
        )
    };
    let mut running = run(&chain("x", "y"), &toys, &metrics).await;
    for (first, second) in [("y", "x"), ("x", "y")] {
        let next = running.beside(&config(&chain(first, second)), &toys, &metrics).await;
        let (_, retired) = running.take_over(next.unwrap_or_else(|error| panic!("{error}")));
        assert!(retired.drain(MINUTE).await.is_complete());
        toys.told.take();
        toys.logs_of("otlp").unwrap().consume(one_record()).await.unwrap();
        assert_eq!(delivered(&toys), ["delivered to end"]);
    }
}

#[tokio::test]
async fn a_connector_that_cannot_be_built_is_named() {
    let failed =
        build(&config(&joined("fails: true", "")), &Toys::default(), &Metrics::new(), &Spigots::default()).await;
    assert_eq!(failed.err().unwrap().to_string(), "cannot start connector to");
}
