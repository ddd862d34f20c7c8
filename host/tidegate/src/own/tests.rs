//! Tests of what stands in `own`: its promises, one sentence each.

use host_component::Signal;
use host_config::Value;
use host_config::telemetry::OwnOtlp;

use super::{UNTRACED, Way};

fn way(yaml: &str) -> Way {
    let otlp: OwnOtlp = Value::parse("x.yaml", yaml).unwrap().decode().unwrap();
    Way::of(Signal::Logs, &otlp).unwrap()
}

#[test]
fn an_endpoint_means_what_it_means_in_the_collector() {
    for (yaml, endpoint, insecure) in [
        ("{ protocol: grpc, endpoint: 'a:1' }", "https://a:1", false),
        ("{ protocol: grpc, endpoint: 'a:1', insecure: true }", "http://a:1", true),
        ("{ protocol: grpc, endpoint: 'http://a:1' }", "http://a:1", true),
        ("{ protocol: grpc, endpoint: 'https://a:1', insecure: true }", "https://a:1", false),
    ] {
        let Way::Grpc(config) = way(yaml) else { panic!("{yaml}") };
        assert_eq!((config.endpoint.as_str(), config.tls.insecure), (endpoint, insecure), "{yaml}");
    }
    for (yaml, endpoint, logs_endpoint) in [
        ("{ protocol: http/protobuf, endpoint: 'http://a:1' }", "http://a:1", ""),
        ("{ protocol: http/protobuf, endpoint: 'a:1/' }", "https://a:1/", ""),
        ("{ protocol: http/protobuf, endpoint: 'http://a:1/own/logs' }", "", "http://a:1/own/logs"),
    ] {
        let Way::Http(config) = way(yaml) else { panic!("{yaml}") };
        assert_eq!((config.endpoint.as_str(), config.logs_endpoint.as_str()), (endpoint, logs_endpoint), "{yaml}");
    }
}

#[test]
fn a_header_that_stands_by_itself_is_preferred_to_the_list() {
    let Way::Grpc(config) = way(
        "{ protocol: grpc, endpoint: 'a:1', headers_list: 'A=1%202, b=3;x=y,', headers: [{ name: B, value: '4' }] }",
    ) else {
        panic!("it speaks gRPC")
    };
    let headers: Vec<(&str, &str)> =
        config.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers, [("a", "1 2"), ("b", "4"), ("traceparent", UNTRACED)]);
}
