//! What a section may say.

use host_config::Check as _;
use serde_json::{Value, json};

use crate::prometheus_remote_write::Config;

fn wrongs(settings: &Value) -> Vec<String> {
    let mut all = json!({"endpoint": "http://prometheus:9090/api/v1/write"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    serde_json::from_value::<Config>(all).unwrap().wrongs().iter().map(ToString::to_string).collect()
}

#[test]
fn takes_what_the_collectors_documentation_shows() {
    for settings in [
        json!({}),
        json!({"http": {"endpoint": "https://mimir:7900/api/v1/push", "headers": {"x-scope-orgid": "blue"}}}),
        json!({"tls": {"insecure": true}, "resource_to_telemetry_conversion": {"enabled": true}}),
        json!({"remote_write_queue": {"enabled": true, "queue_size": 10, "num_consumers": 1}}),
        json!({"external_labels": {"label_name1": "label_value1"}, "add_metric_suffixes": false}),
        json!({"compression": "snappy", "write_buffer_size": 524_288, "max_batch_request_parallelism": 1}),
        json!({"protobuf_message": "io.prometheus.write.v2.Request", "translation_strategy": "NoTranslation"}),
    ] {
        assert_eq!(wrongs(&settings), [""; 0], "{settings}");
    }
}

#[test]
fn refuses_what_makes_no_sense_by_its_name_and_with_the_way_out() {
    for (settings, key, part) in [
        (json!({"endpoint": ""}), "endpoint", "whole address"),
        (json!({"wal": {"directory": "x"}}), "wal", "sending_queue.storage"),
        (json!({"compression": "gzip"}), "compression", "snappy"),
        (json!({"http": {"endpoint": "http://p", "proxy_url": "http://q"}}), "http.proxy_url", "receiver itself"),
        (json!({"translation_strategy": "NoTranslation"}), "translation_strategy", "version 2"),
        (json!({"external_labels": {"a": ""}}), "external_labels", "name and a value"),
        (json!({"headers": {"Content-Encoding": "gzip"}}), "headers", "sets itself"),
        (json!({"include_metadata_keys": ["User-Agent"]}), "include_metadata_keys", "take it out"),
        (json!({"max_batch_request_parallelism": 0}), "max_batch_request_parallelism", "at least 1"),
        (
            json!({"resource_to_telemetry_conversion": {"enabled": true}, "resource_constant_labels": {"included": ["a"]}}),
            "resource_constant_labels",
            "one of the two",
        ),
        (json!({"remote_write_queue": {}, "sending_queue": {}}), "sending_queue", "one of the two"),
        (json!({"delta_to_cumulative": {"max_streams": 0}}), "delta_to_cumulative.max_streams", "enabled: false"),
    ] {
        let told = wrongs(&settings);
        let found = told.iter().any(|line| line.starts_with(&format!("{key}: ")) && line.contains(part));
        assert!(found, "{settings}: {told:?}");
    }
}

#[test]
fn tries_again_sooner_than_other_exporters() {
    let config: Config = serde_json::from_value(json!({"retry_on_failure": {"max_interval": "1s"}})).unwrap();
    assert_eq!(config.retry_on_failure.initial_interval.as_millis(), 50);
}
