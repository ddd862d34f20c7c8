//! What may be written, and what is told of what may not.

use host_config::{Check as _, Value};

use super::*;

fn config(yaml: &str) -> Config {
    Value::parse("config", yaml).unwrap().decode().unwrap()
}

fn wrongs(yaml: &str) -> Vec<String> {
    config(yaml).wrongs().into_iter().map(|wrong| wrong.to_string()).collect()
}

fn job_wrongs(keys: &str) -> Vec<String> {
    wrongs(&format!("{{config: {{scrape_configs: [{{job_name: a, {keys}}}]}}}}"))
}

#[test]
fn a_job_has_the_defaults_of_prometheus() {
    let job = config("{config: {scrape_configs: [{job_name: a}]}}").jobs().remove(0);
    assert_eq!((job.interval.as_secs(), job.timeout.as_secs()), (60, 10));
    assert_eq!((job.path.as_str(), job.scheme.as_str()), ("/metrics", "http"));
    assert!(job.honor_timestamps && !job.honor_labels && job.compression && job.http.follow_redirects);
    assert_eq!(job.protocols[0], Protocol::OpenMetricsText100);
    assert_eq!(job.fallback, Protocol::PrometheusText004);
    assert_eq!(job.limits, Limits::default());
}

#[test]
fn a_job_has_what_is_written_for_all_unless_it_says_something_itself() {
    let yaml = "{config: {global: {scrape_interval: 5s, scrape_timeout: 30s, sample_limit: 7, body_size_limit: 1MB, \
                scrape_protocols: [PrometheusText0.0.4], external_labels: {cluster: eu}}, \
                scrape_configs: [{job_name: a}, {job_name: b, scrape_interval: 1m, sample_limit: 0, scrape_native_histograms: true}]}}";
    let config = config(yaml);
    let [a, b] = &config.jobs()[..] else { panic!() };
    assert_eq!((a.interval.as_secs(), a.timeout.as_secs()), (5, 5), "a timeout is never longer than the interval");
    assert_eq!((a.limits.samples, a.limits.body_size, a.protocols.len()), (7, 1 << 20, 1));
    assert_eq!((b.interval.as_secs(), b.timeout.as_secs(), b.limits.samples), (60, 30, 0));
    assert_eq!(b.external_labels["cluster"], "eu");
}

#[test]
fn texts_may_look_like_something_else() {
    let yaml = "{config: {scrape_configs: [{job_name: 1, relabel_configs: [{regex: true, replacement: 5, target_label: a}]}]}}";
    let job = config(yaml).jobs().remove(0);
    assert_eq!((job.name.as_str(), job.relabel_configs[0].regex.as_str()), ("1", "true"));
    assert_eq!(job.relabel_configs[0].replacement, "5");
}

#[test]
fn what_makes_no_sense_is_told_with_its_place() {
    for (keys, told) in [
        ("scrape_interval: 5s, scrape_timeout: 6s", "config.scrape_configs[0].scrape_timeout: it is longer than"),
        ("scheme: ftp", "config.scrape_configs[0].scheme: it is `http` or `https`"),
        (
            "static_configs: [{targets: ['http://a']}]",
            "config.scrape_configs[0].static_configs[0].targets[0]: \"http://a\" is no target",
        ),
        ("relabel_configs: [{regex: '('}]", "config.scrape_configs[0].relabel_configs[0].target_label: it is missing"),
        (
            "relabel_configs: [{action: hashmod, target_label: a}]",
            "config.scrape_configs[0].relabel_configs[0].modulus: ",
        ),
        (
            "metric_relabel_configs: [{action: labeldrop, regex: a, target_label: b}]",
            "config.scrape_configs[0].metric_relabel_configs[0].action: ",
        ),
        ("basic_auth: {username: a}, bearer_token: b", "config.scrape_configs[0].authorization: at most one of"),
        ("authorization: {type: Basic, credentials: x}", "config.scrape_configs[0].authorization.type: "),
        ("tls_config: {cert_file: x}", "config.scrape_configs[0].tls_config.key_file: it is missing"),
        (
            "http_headers: {Authorization: {values: [x]}}",
            "config.scrape_configs[0].http_headers.Authorization: this header is set",
        ),
        ("proxy_url: 'socks5://a:1'", "config.scrape_configs[0].proxy_url: it is no address of a proxy"),
        (
            "http_sd_configs: [{url: 'http://u:p@a/'}]",
            "config.scrape_configs[0].http_sd_configs[0].url: there is an `@` in it",
        ),
        (
            "file_sd_configs: [{files: [targets.txt]}]",
            "config.scrape_configs[0].file_sd_configs[0].files[0]: \"targets.txt\" does not end",
        ),
        ("scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]", "config.scrape_configs[0].scrape_protocols: "),
    ] {
        let all = job_wrongs(keys);
        assert!(all.iter().any(|wrong| wrong.starts_with(told)), "{keys}: {all:?}");
    }
    assert!(wrongs("{}")[0].starts_with("config.scrape_configs: there is no job"));
    let twice = wrongs("{config: {scrape_configs: [{job_name: a}, {job_name: a}]}}");
    assert!(twice[0].starts_with("config.scrape_configs[1].job_name: another job"), "{twice:?}");
}

#[test]
fn what_is_not_served_is_refused_by_name_with_a_way_out() {
    for keys in [
        "oauth2: {client_id: a}",
        "consul_sd_configs: [{server: a}]",
        "dns_sd_configs: [{names: [a]}]",
        "convert_classic_histograms_to_nhcb: true",
        "scrape_failure_log_file: x",
        "metric_name_validation_scheme: legacy",
    ] {
        let all = job_wrongs(keys);
        let name = keys.split(':').next().unwrap();
        assert_eq!(all.len(), 1, "{keys}: {all:?}");
        assert!(all[0].starts_with(&format!("config.scrape_configs[0].{name}: ")), "{all:?}");
    }
    let all = wrongs(
        "{trim_metric_suffixes: true, api_server: {}, config: {remote_write: [], rule_files: [x], scrape_configs: [{job_name: a}]}}",
    );
    assert_eq!(all.len(), 4, "{all:?}");
}

#[test]
fn an_allocator_has_an_address_and_knows_who_asks() {
    let all = wrongs("{target_allocator: {endpoint: x}}");
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(wrongs("{target_allocator: {endpoint: 'http://ta', collector_id: a}}").is_empty());
    let keys = "{target_allocator: {endpoint: 'http://ta', collector_id: a, http_sd_config: {}}}";
    assert!(wrongs(keys)[0].starts_with("target_allocator.http_sd_config: "));
    let both = wrongs("{sharding: {shards: 2}, target_allocator: {endpoint: 'http://ta', collector_id: a}}");
    assert!(both[0].starts_with("sharding.shards: "), "{both:?}");
}

#[test]
fn unknown_keys_are_told() {
    let decode = |yaml: &str| Value::parse("config", yaml).unwrap().decode::<Config>().unwrap_err().to_string();
    assert!(decode("{config: {scrape_configs: [{job_name: a, scrape_intervall: 5s}]}}").contains("scrape_intervall"));
    assert!(decode("{config: {scrape_configs: [{job_name: a, scrape_interval: 5}]}}").contains("\"5\" is no duration"));
}
