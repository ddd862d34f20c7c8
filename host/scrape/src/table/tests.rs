//! What the table makes of one scrape after another.

use std::sync::Arc;
use std::time::Duration;

use host_component::Payload;

use super::*;
use crate::config::RelabelConfig;
use crate::exposition::text::{Format, Reader};
use crate::testing::{attributes, decoded, lines, own, value};

fn table(reading: Reading) -> Table {
    let labels = [("instance", "10.0.0.1:80"), ("job", "web"), ("env", "prod")].into_iter().collect();
    let about = vec![("k8s.pod.name", "web-0".to_owned())];
    Table::new(Arc::new(reading), Subject { labels, scheme: "http".to_owned(), about })
}

fn plain() -> Table {
    table(Reading { honor_timestamps: true, ..Reading::default() })
}

fn rules(yaml: &str) -> Rules {
    let configs: Vec<RelabelConfig> = host_config::Value::parse("rules", yaml).unwrap().decode().unwrap();
    Rules::new(&configs).unwrap()
}

fn report(time: i64, is_up: bool) -> Report {
    Report { time, is_up, duration: Duration::from_millis(250), timeout: Duration::from_secs(10), body_size: Some(7) }
}

fn read(table: &mut Table, text: &str, format: Format) -> Result<(), Rejected> {
    table.begin();
    for event in Reader::new(text, format) {
        table.take_event(event.unwrap())?;
    }
    Ok(())
}

/// What a small scrape becomes.
fn only(payloads: Vec<Payload>) -> Payload {
    <[Payload; 1]>::try_from(payloads).map(|[payload]| payload).expect("one payload")
}

/// Reads what was exposed at the beginning of a second.
fn scrape(table: &mut Table, text: &str) -> Payload {
    read(table, text, Format::Prometheus).unwrap();
    only(table.finish(&report(5_000, true)).payloads)
}

fn scrape_open(table: &mut Table, text: &str) -> Payload {
    read(table, &format!("{text}# EOF\n"), Format::OpenMetrics).unwrap();
    only(table.finish(&report(5_000, true)).payloads)
}

#[test]
fn families_become_metrics_of_their_kind() {
    let text = "# HELP reqs All of them.\n# TYPE reqs counter\nreqs{code=\"200\"} 5\nreqs{code=\"500\"} 1\n\
                # TYPE temp gauge\ntemp 21.5\nplain 3\n\
                # TYPE lat histogram\nlat_bucket{le=\"0.1\"} 2\nlat_bucket{le=\"1\"} 5\nlat_bucket{le=\"+Inf\"} 6\n\
                lat_sum 3.5\nlat_count 6\n\
                # TYPE rpc summary\nrpc{quantile=\"0.5\"} 0.2\nrpc{quantile=\"0.9\"} 0.8\nrpc_sum 9\nrpc_count 30\n";
    let payload = scrape(&mut plain(), text);
    assert_eq!(
        own(&payload),
        [
            "reqs counter {code=200,env=prod} 5",
            "reqs counter {code=500,env=prod} 1",
            "temp gauge {env=prod} 21.5",
            "plain gauge {env=prod} 3",
            "lat histogram {env=prod} 6 3.5 [0.1, 1.0] [2, 3, 1]",
            "rpc summary {env=prod} 30 9 [(0.5, 0.2), (0.9, 0.8)]",
        ]
    );
    let request = decoded(&payload);
    assert_eq!(request.resource_metrics.len(), 1);
    let resource = &request.resource_metrics[0];
    assert_eq!(
        attributes(&resource.resource.as_ref().unwrap().attributes),
        "k8s.pod.name=web-0,server.address=10.0.0.1,server.port=80,service.instance.id=10.0.0.1:80,service.name=web,url.scheme=http"
    );
    let scope = &resource.scope_metrics[0];
    assert_eq!(
        scope.scope.as_ref().unwrap().name,
        "github.com/open-telemetry/opentelemetry-collector-contrib/receiver/prometheusreceiver"
    );
    let metric = &scope.metrics[0];
    assert_eq!(
        (metric.description.as_str(), attributes(&metric.metadata)),
        ("All of them.", "prometheus.type=counter".to_owned())
    );
    let unknown = scope.metrics.iter().find(|metric| metric.name == "plain").unwrap();
    assert_eq!(attributes(&unknown.metadata), "prometheus.type=unknown");
}

#[test]
fn the_scrape_itself_is_told_of() {
    let mut table =
        table(Reading { rules: rules("[{action: drop, source_labels: [x], regex: '2'}]"), ..Reading::default() });
    let payload = scrape(&mut table, "a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n");
    for (name, told) in [
        ("up", 1.0),
        ("scrape_duration_seconds", 0.25),
        ("scrape_samples_scraped", 3.0),
        ("scrape_samples_post_metric_relabeling", 2.0),
        ("scrape_series_added", 2.0),
    ] {
        assert_eq!(value(&payload, name), told, "{name}");
    }
    assert!(lines(&payload).contains(&"up gauge {env=prod} 1".to_owned()));
    let again = scrape(&mut table, "a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\n");
    assert_eq!((value(&again, "scrape_series_added"), own(&again).len()), (0.0, 2));
}

#[test]
fn more_is_told_where_it_is_asked_for() {
    let payload = scrape(&mut table(Reading { extra_metrics: true, ..Reading::default() }), "a 1\n");
    assert_eq!(value(&payload, "scrape_timeout_seconds"), 10.0);
    assert_eq!(value(&payload, "scrape_sample_limit"), 0.0);
    assert_eq!(value(&payload, "scrape_body_size_bytes"), 7.0);
}

#[test]
fn what_is_not_exposed_any_more_is_told_gone_once() {
    let mut table = plain();
    scrape(
        &mut table,
        "a{x=\"1\"} 1\na{x=\"2\"} 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n",
    );
    let payload = scrape(&mut table, "a{x=\"2\"} 3\n");
    assert_eq!(
        own(&payload),
        ["a gauge {env=prod,x=1} gone", "a gauge {env=prod,x=2} 3", "h histogram {env=prod} 0 - [1.0] [0, 0] gone"]
    );
    assert_eq!(own(&scrape(&mut table, "a{x=\"2\"} 3\n")), ["a gauge {env=prod,x=2} 3"]);
    assert_eq!(table.len(), 1);
    assert_eq!(own(&scrape(&mut table, "a{x=\"1\"} 4\na{x=\"2\"} 3\n")).len(), 2);
}

#[test]
fn a_scrape_that_fails_tells_everything_gone_and_the_target_down() {
    let mut table = plain();
    scrape(&mut table, "a 1\nb 2\n");
    read(&mut table, "a 5\nc 9\n", Format::Prometheus).unwrap();
    let payload = only(table.fail(&report(6_000, false)).payloads);
    assert_eq!(own(&payload), ["a gauge {env=prod} gone", "b gauge {env=prod} gone"]);
    assert_eq!((value(&payload, "up"), value(&payload, "scrape_samples_scraped")), (0.0, 2.0));
    table.begin();
    let payload = only(table.fail(&report(7_000, false)).payloads);
    assert_eq!((own(&payload).len(), value(&payload, "up")), (0, 0.0));
    assert_eq!(own(&scrape(&mut table, "a 6\n")), ["a gauge {env=prod} 6"]);
}

#[test]
fn a_target_that_vanishes_takes_all_along() {
    let mut table = plain();
    scrape(&mut table, "a 1\n");
    let gone = lines(&only(table.vanish(9_000)));
    assert_eq!(gone.len(), 6);
    assert!(gone.iter().all(|line| line.ends_with(" gone")), "{gone:?}");
}

#[test]
fn a_large_scrape_becomes_pieces_that_have_each_point_once() {
    let mut table = plain();
    let series = |number: usize| format!("a{{number=\"{number}\"}} {number}\n");
    let text: String = (0..20_000).map(series).collect();
    // The second is cut by what a point took of the first.
    for round in 0..2 {
        read(&mut table, &format!("{text}z 1\n"), Format::Prometheus).unwrap();
        let payloads = table.finish(&report(5_000, true)).payloads;
        assert!(payloads.len() > 1, "round {round}");
        assert!(payloads.iter().all(|payload| payload.len() < 3 << 19), "round {round}");
        let all: Vec<String> = payloads.iter().flat_map(own).collect();
        let mut expected: Vec<String> = (0..20_000).map(|n| format!("a gauge {{env=prod,number={n}}} {n}")).collect();
        expected.push("z gauge {env=prod} 1".to_owned());
        assert_eq!(all, expected, "round {round}");
    }
    read(&mut table, "z 1\n", Format::Prometheus).unwrap();
    let gone: Vec<String> = table.finish(&report(6_000, true)).payloads.iter().flat_map(own).collect();
    assert_eq!(gone.iter().filter(|line| line.ends_with(" gone")).count(), 20_000);
}

#[test]
fn exposed_times_are_taken_and_such_series_are_not_told_gone() {
    let time = |payload: &Payload, name: &str| {
        let request = decoded(payload);
        let mut metrics = request.resource_metrics.iter().flat_map(|r| &r.scope_metrics).flat_map(|s| &s.metrics);
        let metric = metrics.find(|metric| metric.name == name).unwrap();
        let Some(opentelemetry_proto::tonic::metrics::v1::metric::Data::Gauge(gauge)) = &metric.data else { panic!() };
        gauge.data_points[0].time_unix_nano / 1_000_000
    };
    let mut honoring = plain();
    let payload = scrape(&mut honoring, "a 1 1234\nb 1\n");
    assert_eq!((time(&payload, "a"), time(&payload, "b")), (1_234, 5_000));
    assert_eq!(own(&scrape(&mut honoring, "b 2\n")), ["b gauge {env=prod} 2"]);
    let mut ignoring = table(Reading::default());
    assert_eq!(time(&scrape(&mut ignoring, "a 1 1234\n"), "a"), 5_000);
    assert_eq!(own(&scrape(&mut ignoring, "b 2\n")), ["a gauge {env=prod} gone", "b gauge {env=prod} 2"]);
    let mut tracking =
        table(Reading { honor_timestamps: true, track_timestamps_staleness: true, ..Reading::default() });
    scrape(&mut tracking, "a 1 1234\n");
    assert_eq!(own(&scrape(&mut tracking, "")), ["a gauge {env=prod} gone"]);
}

#[test]
fn labels_of_the_target_win_unless_the_job_honors_those_of_series() {
    let text = "a{env=\"dev\",exported_env=\"x\",job=\"other\"} 1\n";
    let payload = scrape(&mut plain(), text);
    assert_eq!(own(&payload), ["a gauge {env=prod,exported_env=x,exported_exported_env=dev,exported_job=other} 1"]);
    let payload = scrape(&mut table(Reading { honor_labels: true, ..Reading::default() }), text);
    assert_eq!(own(&payload), ["a gauge {env=dev,exported_env=x} 1"]);
    let request = decoded(&payload);
    let names: Vec<String> =
        request.resource_metrics.iter().map(|r| attributes(&r.resource.as_ref().unwrap().attributes)).collect();
    assert_eq!(names.len(), 2, "series of another job have a resource of their own");
    assert!(names.iter().any(|name| name.contains("service.name=other")));
}

#[test]
fn series_are_renamed_and_changed_by_rules() {
    let rules = rules(
        "[{source_labels: [__name__], regex: 'go_(.*)', target_label: __name__, replacement: 'golang_$1'}, \
         {action: labeldrop, regex: secret}]",
    );
    let mut table = table(Reading { rules, ..Reading::default() });
    let text = "# TYPE go_gc counter\ngo_gc{secret=\"1\"} 2\n# TYPE x counter\nx{secret=\"a\"} 1\nx{secret=\"b\"} 2\n";
    let payload = scrape(&mut table, text);
    assert_eq!(own(&payload), ["golang_gc gauge {env=prod} 2", "x counter {env=prod} 2"]);
    assert_eq!(table.tally.duplicates, 1);
}

#[test]
fn limits_reject_the_scrape() {
    let limited = |limits: Limits, text: &str| {
        read(&mut table(Reading { limits, ..Reading::default() }), text, Format::Prometheus)
            .map_err(|error| error.to_string())
    };
    let samples = Limits { samples: 2, ..Limits::default() };
    assert!(limited(samples, "a 1\nb 1\n").is_ok());
    assert!(limited(samples, "a 1\nb 1\nc 1\n").unwrap_err().contains("`sample_limit`"));
    let labels = Limits { labels: 4, ..Limits::default() };
    assert!(limited(labels, "a 1\n").is_ok());
    assert!(limited(labels, "a{x=\"1\"} 1\n").unwrap_err().contains("`label_limit`"));
    let names = Limits { label_name_length: 8, ..Limits::default() };
    assert!(limited(names, "a{ninechars=\"1\"} 1\n").unwrap_err().contains("`label_name_length_limit`"));
    let values = Limits { label_value_length: 11, ..Limits::default() };
    assert!(limited(values, "a{x=\"123456789012\"} 1\n").unwrap_err().contains("`label_value_length_limit`"));
}

#[test]
fn open_metrics_has_starts_units_and_examples() {
    let text = "# TYPE r counter\n# UNIT r seconds\nr_total 5 # {trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\",\
                span_id=\"00f067aa0ba902b7\",k=\"v\"} 1.5\nr_created 1.5\n\
                # TYPE h histogram\nh_bucket{le=\"1.0\"} 1 # {trace_id=\"zz\"} 0.5\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 3\nh_created 2\n\
                # TYPE i info\ni_info{v=\"1\"} 1\n# TYPE s stateset\ns{s=\"on\"} 1\n# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\n";
    let mut table = plain();
    let payload = scrape_open(&mut table, text);
    assert_eq!(
        own(&payload),
        [
            "r_total counter {env=prod} 5 since 1500 [1.5 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 k=v]",
            "h histogram {env=prod} 2 3 [1.0] [1, 1] since 2000 [0.5   trace_id=zz]",
            "i_info sum {env=prod,v=1} 1",
            "s sum {env=prod,s=on} 1",
        ]
    );
    assert_eq!(table.tally.unsupported, 1);
    let request = decoded(&payload);
    let metric = &request.resource_metrics[0].scope_metrics[0].metrics[0];
    assert_eq!((metric.name.as_str(), metric.unit.as_str()), ("r_total", "seconds"));
}

#[test]
fn what_a_target_says_of_itself_stands_in_its_resource() {
    let mut table = plain();
    let resource =
        |payload: &Payload| attributes(&decoded(payload).resource_metrics[0].resource.as_ref().unwrap().attributes);
    let payload = scrape(
        &mut table,
        "target_info{version=\"1.2\",service.name=\"x\"} 1\na 1\n".replace("service.name", "k8s_x").as_str(),
    );
    assert!(resource(&payload).contains("version=1.2"), "{}", resource(&payload));
    assert_eq!(own(&payload), ["a gauge {env=prod} 1"]);
    assert!(!resource(&scrape(&mut table, "a 1\n")).contains("version"));
}

#[test]
fn labels_name_the_scope() {
    let text = "a{otel_scope_name=\"lib\",otel_scope_version=\"2\",otel_scope_schema_url=\"u\",otel_scope_x=\"y\"} 1\nb 1\notel_scope_info 1\n";
    let payload = scrape(&mut plain(), text);
    let request = decoded(&payload);
    let scopes = &request.resource_metrics[0].scope_metrics;
    let named = scopes.iter().find(|scope| scope.scope.as_ref().unwrap().name == "lib").unwrap();
    let scope = named.scope.as_ref().unwrap();
    assert_eq!((scope.version.as_str(), named.schema_url.as_str()), ("2", "u"));
    assert_eq!(attributes(&scope.attributes), "x=y");
    assert_eq!(own(&payload).len(), 2);
}

#[test]
fn buckets_come_in_any_order_and_may_change() {
    let mut table = plain();
    let text = "# TYPE h histogram\nh_count 6\nh_bucket{le=\"+Inf\"} 6\nh_bucket{le=\"5\"} 4\nh_bucket{le=\"1\"} 1\n";
    assert_eq!(own(&scrape(&mut table, text)), ["h histogram {env=prod} 6 - [1.0, 5.0] [1, 3, 2]"]);
    let text = "# TYPE h histogram\nh_count 6\nh_bucket{le=\"+Inf\"} 6\nh_bucket{le=\"1\"} 2\n";
    assert_eq!(own(&scrape(&mut table, text)), ["h histogram {env=prod} 6 - [1.0] [2, 4]"]);
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\n";
    assert_eq!(
        own(&scrape(&mut table, text)),
        ["h histogram {env=prod} 0 - [1.0] [0, 0] gone"],
        "without a count it is none"
    );
}

#[test]
fn a_family_of_another_kind_is_another_metric() {
    let mut table = plain();
    scrape(&mut table, "# TYPE a gauge\na 1\n");
    let payload = scrape(&mut table, "# TYPE a counter\na 2\n");
    assert_eq!(own(&payload), ["a gauge {env=prod} gone", "a counter {env=prod} 2"]);
}

#[test]
fn external_labels_are_added_to_all() {
    let external_labels = [("cluster", "eu")].into_iter().collect();
    let payload = scrape(&mut table(Reading { external_labels, ..Reading::default() }), "a 1\n");
    assert!(lines(&payload).iter().all(|line| line.contains("{cluster=eu,env=prod}")), "{:?}", lines(&payload));
}

#[test]
fn values_that_are_no_numbers_are_none_that_mean_gone() {
    let payload = scrape(&mut plain(), "a NaN\n");
    assert_eq!(own(&payload), ["a gauge {env=prod} NaN"]);
}

#[test]
fn what_came_and_went_leaves_nothing_behind() {
    let mut table = plain();
    for round in 0..50 {
        let text: String = (0..20)
            .map(|at| format!("# TYPE m{round}_{at} counter\nm{round}_{at}{{otel_scope_name=\"s{round}\"}} 1\n"))
            .collect();
        scrape(&mut table, &text);
    }
    assert_eq!((table.series.len(), table.points.len(), table.families.len()), (20, 25, 25));
    assert_eq!((table.told.len(), table.scopes.len(), table.resources.len()), (25, 2, 1));
    assert_eq!((table.places.len(), table.family_ids.len(), table.scope_ids.len()), (25, 25, 2));
}
