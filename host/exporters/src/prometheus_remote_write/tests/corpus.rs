//! What the exporter makes of odd names and of whole requests, and what the Collector makes of them: the files were made
//! by `tests/backends/prometheus_corpus.py`.

use std::collections::{BTreeMap, BTreeSet};

use host_otlp::build::{Metric, Metrics, Temporality};
use host_otlp::{Limits, Payload, Signal, check, json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::prometheus_remote_write::Config;
use crate::prometheus_remote_write::batch::{Batch, Buckets, NativeHistogram, Series};
use crate::prometheus_remote_write::translate::Translator;

const NAMES: &str = include_str!("names.jsonl");
const LABELS: &str = include_str!("labels.jsonl");
const REQUESTS: &str = include_str!("requests.jsonl");

fn translated(settings: Value, payload: &Payload) -> Batch {
    let config: Config = serde_json::from_value(settings).unwrap();
    Translator::new(config.settings().unwrap(), None).translate(payload).0
}

fn rows<T: for<'de> Deserialize<'de>>(text: &'static str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One metric: the names of the series that it becomes, and its unit, by strategy and namespace.
#[derive(Deserialize)]
struct Named {
    r#type: String,
    name: String,
    unit: String,
    made: BTreeMap<String, (BTreeSet<String>, Option<String>)>,
}

fn metric(row: &Named, metric: &mut Metric<'_>) {
    metric.name(&row.name);
    metric.unit(&row.unit);
    match row.r#type.as_str() {
        "gauge" => metric.gauge(|gauge| gauge.data_point(|point| point.as_double(1.5))),
        "counter" | "updown" => metric.sum(|sum| {
            sum.aggregation_temporality(Temporality::Cumulative);
            sum.is_monotonic(row.r#type == "counter");
            sum.data_point(|point| point.as_double(1.5));
        }),
        "histogram" => metric.histogram(|histogram| {
            histogram.aggregation_temporality(Temporality::Cumulative);
            histogram.data_point(|point| {
                point.count(3);
                point.sum(4.5);
                point.bucket_counts(&[1, 1, 1]);
                point.explicit_bounds(&[1.0, 2.5]);
            });
        }),
        "exponential" => metric.exponential_histogram(|histogram| {
            histogram.aggregation_temporality(Temporality::Cumulative);
            histogram.data_point(|point| point.count(3));
        }),
        _ => metric.summary(|summary| {
            summary.data_point(|point| {
                point.count(3);
                point.quantile_value(|quantile| quantile.quantile(0.5));
            });
        }),
    }
}

#[test]
fn names_metrics_as_the_collector_does() {
    let rows = rows::<Named>(NAMES);
    assert!(rows.len() >= 300, "{} metrics", rows.len());
    let mut wrong = Vec::new();
    let mut compared = 0;
    for row in &rows {
        let mut metrics = Metrics::new();
        metrics.resource_metrics(|resource| resource.scope_metrics(|scope| scope.metric(|m| metric(row, m))));
        let payload = metrics.finish();
        for (key, (names, unit)) in &row.made {
            let (strategy, namespace) = key.split_once('|').unwrap();
            let settings = json!({
                "translation_strategy": strategy,
                "namespace": namespace,
                "protobuf_message": "io.prometheus.write.v2.Request",
            });
            let batch = translated(settings, &payload);
            let name = |series: &Series| {
                let label = batch.labels(series).iter().find(|label| batch.symbols.text(label.name) == "__name__");
                label.map(|label| batch.symbols.text(label.value).to_owned()).unwrap()
            };
            let ours: BTreeSet<String> = batch.series.iter().map(name).collect();
            let own_unit = batch.series.first().map(|_| batch.symbols.text(batch.families[0].unit).to_owned());
            compared += 1;
            if (&ours, &own_unit) != (names, unit) {
                wrong.push(format!(
                    "{key} {:?} {:?} {}: {ours:?} {own_unit:?}, not {names:?} {unit:?}",
                    row.name, row.unit, row.r#type
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The names of the labels that an attribute becomes; none where its point is left out.
#[derive(Deserialize)]
struct Labelled {
    key: String,
    made: BTreeMap<String, Option<Vec<String>>>,
}

#[test]
fn names_labels_as_the_collector_does() {
    let mut wrong = Vec::new();
    for row in rows::<Labelled>(LABELS) {
        let mut metrics = Metrics::new();
        metrics.resource_metrics(|resource| {
            resource.scope_metrics(|scope| {
                scope.metric(|metric| {
                    metric.name("m");
                    metric.gauge(|gauge| {
                        gauge.data_point(|point| {
                            point.attribute(&row.key, "v");
                            point.as_double(1.0);
                        });
                    });
                });
            });
        });
        let payload = metrics.finish();
        for (strategy, made) in row.made {
            let settings =
                json!({"translation_strategy": strategy, "protobuf_message": "io.prometheus.write.v2.Request"});
            let batch = translated(settings, &payload);
            let ours = batch.series.first().map(|series| {
                let names = batch.labels(series).iter().map(|label| batch.symbols.text(label.name).to_owned());
                names.filter(|name| name != "__name__").collect::<Vec<_>>()
            });
            if ours != made {
                wrong.push(format!("{strategy} {:?}: {ours:?}, not {made:?}", row.key));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A whole request and the series that it becomes.
#[derive(Deserialize)]
struct Whole {
    settings: Value,
    version: u32,
    request: Value,
    series: Vec<Value>,
}

fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(format!("{:016x}", value.to_bits())) }
}

fn side(buckets: &Buckets) -> Value {
    json!([buckets.spans.iter().map(|(offset, length)| json!([offset, length])).collect::<Vec<_>>(), buckets.deltas])
}

fn histogram(histogram: &NativeHistogram, version: u32) -> Value {
    json!({
        "count": histogram.count,
        "sum": number(histogram.sum),
        "schema": histogram.schema,
        "zero_threshold": histogram.zero_threshold,
        "zero_count": histogram.zero_count,
        "negative": side(&histogram.negative),
        "positive": side(&histogram.positive),
        "time": histogram.time,
        "bounds": histogram.bounds,
        "start": if version == 2 { histogram.start } else { 0 },
    })
}

fn shown(batch: &Batch, series: &Series, version: u32) -> Value {
    let pairs = |labels: &[crate::prometheus_remote_write::batch::Label]| {
        let pair = |label: &crate::prometheus_remote_write::batch::Label| {
            json!([batch.symbols.text(label.name), batch.symbols.text(label.value)])
        };
        labels.iter().map(pair).collect::<Vec<_>>()
    };
    let mut exemplars: Vec<Value> =
        series.exemplars.iter().map(|one| json!([pairs(&one.labels), one.value, one.time])).collect();
    exemplars.sort_by_key(Value::to_string);
    let samples = series.samples.iter().map(|sample| match version {
        1 => json!([number(sample.value), sample.time]),
        _ => json!([number(sample.value), sample.time, sample.start]),
    });
    let mut shown = json!({
        "labels": pairs(batch.labels(series)),
        "samples": samples.collect::<Vec<_>>(),
        "histograms": series.histograms.iter().map(|one| histogram(one, version)).collect::<Vec<_>>(),
        "exemplars": exemplars,
    });
    if version == 2 {
        let family = &batch.families[series.family as usize];
        let text = |symbol| batch.symbols.text(symbol);
        shown["metadata"] = json!([family.kind as u32, text(family.help), text(family.unit)]);
    }
    shown
}

/// Buckets of an exponential histogram that is finer than Prometheus has them. The Collector gives what was measured behind
/// a run of empty ones to the wrong buckets.
const MERGED: [(&str, &str); 1] = [("[1,1,-2,5,-4,0]", "[1,1,-2,0,6,-5]")];

/// What the Collector sends, but for what is deliberately done otherwise here.
fn expected(mut theirs: Vec<Value>) -> Vec<Value> {
    // A series without samples, where its only point could not be translated.
    theirs.retain(|series| series["samples"] != json!([]) || series["histograms"] != json!([]));
    let merged = |text: String| MERGED.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours));
    let mut all: Vec<Value> =
        theirs.into_iter().map(|series| serde_json::from_str(&merged(series.to_string())).unwrap()).collect();
    all.sort_by_key(|series| series["labels"].to_string());
    all
}

#[test]
fn makes_the_series_of_whole_requests_that_the_collector_makes() {
    let mut wrong = Vec::new();
    for row in rows::<Whole>(REQUESTS) {
        let text = row.request.to_string();
        let read = json::read(Signal::Metrics, text.as_bytes(), &Limits::default(), usize::MAX, &mut |_| true);
        let payload = check(Signal::Metrics, read.unwrap().bytes, &Limits::default()).unwrap();
        let mut settings = row.settings.clone();
        let message = if row.version == 2 { "io.prometheus.write.v2.Request" } else { "prometheus.WriteRequest" };
        settings["protobuf_message"] = json!(message);
        let batch = translated(settings, &payload);
        let mut ours: Vec<Value> = batch.series.iter().map(|series| shown(&batch, series, row.version)).collect();
        ours.sort_by_key(|series| series["labels"].to_string());
        if row.version == 2 {
            // Under version 2 the Collector leaves out the exemplars of buckets.
            let is_bucket = |series: &Value| series["labels"].as_array().unwrap().iter().any(|pair| pair[0] == "le");
            ours.iter_mut().filter(|series| is_bucket(series)).for_each(|series| series["exemplars"] = json!([]));
        }
        let theirs = expected(row.series);
        if ours != theirs {
            let lines = |all: &[Value]| all.iter().map(|one| format!("  {one}\n")).collect::<String>();
            wrong.push(format!(
                "{} v{}\n ours\n{} theirs\n{}",
                row.settings,
                row.version,
                lines(&ours),
                lines(&theirs)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
