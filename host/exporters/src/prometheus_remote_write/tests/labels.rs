//! Labels where several things would be called the same.

use serde_json::{Value, json};

use super::{AT, of_resource};
use crate::prometheus_remote_write::Config;
use crate::prometheus_remote_write::translate::Translator;
use host_otlp::Payload;

fn labels(settings: Value, payload: &Payload) -> Vec<String> {
    let config: Config = serde_json::from_value(settings).unwrap();
    let (batch, dropped) = Translator::new(config.settings().unwrap(), None).translate(payload);
    assert_eq!(dropped.total(), 0);
    let shown = |series| {
        let pairs = batch.labels(series).iter();
        let text = |symbol| batch.symbols.text(symbol);
        pairs.map(|label| format!("{}={}", text(label.name), text(label.value))).collect::<Vec<_>>().join(",")
    };
    batch.series.iter().map(shown).collect()
}

fn summary(attribute: &str) -> Payload {
    of_resource(&[], |metric| {
        metric.name("s");
        metric.summary(|summary| {
            summary.data_point(|point| {
                point.time_unix_nano(AT);
                point.attribute(attribute, "own");
                point.quantile_value(|quantile| quantile.quantile(0.5));
            });
        });
    })
}

#[test]
fn gives_the_label_of_a_quantile_precedence_over_an_attribute_of_its_name() {
    let made = labels(json!({}), &summary("quantile"));
    assert_eq!(made, ["__name__=s_sum,quantile=own", "__name__=s_count,quantile=own", "__name__=s,quantile=0.5"]);
}

#[test]
fn leaves_excluded_attributes_out_of_converted_labels() {
    let payload = of_resource(&[("hub.received_at", "gateway-1"), ("pod", "p")], |metric| {
        metric.name("g");
        metric.gauge(|gauge| {
            gauge.data_point(|point| {
                point.time_unix_nano(AT);
                point.as_int(1);
            });
        });
    });
    let all = json!({"resource_constant_labels": {"included": ["*"]}});
    assert_eq!(labels(all, &payload), ["__name__=g,pod=p"]);
    let none = json!({"resource_constant_labels": {"included": ["*"]}, "exclude_resource_attributes": []});
    assert_eq!(labels(none, &payload), ["__name__=g,hub_received_at=gateway-1,pod=p"]);
}
