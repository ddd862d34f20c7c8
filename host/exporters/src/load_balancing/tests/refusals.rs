//! Sections that make no sense.

use host_config::{Check, Value};

use super::*;
use crate::load_balancing::{Dns, RoutingKey};

fn wrongs(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let hostnames = vec!["a:4317".to_owned(), "b".to_owned()];
    let resolver = Resolver { r#static: Some(Static { hostnames }), ..Resolver::default() };
    let mut config = Config { resolver, protocol: protocol(), ..Config::default() };
    change(&mut config);
    config.wrongs().iter().map(ToString::to_string).collect()
}

fn named(config: &mut Config, hostnames: &[&str]) {
    let hostnames = hostnames.iter().map(|hostname| (*hostname).to_owned()).collect();
    config.resolver.r#static = Some(Static { hostnames });
}

fn looked_up(config: &mut Config, hostname: &str, port: &str) {
    let dns = Dns { hostname: hostname.to_owned(), port: port.to_owned(), ..Dns::default() };
    config.resolver = Resolver { dns: Some(dns), ..Resolver::default() };
}

#[test]
fn takes_what_the_collector_takes() {
    assert_eq!(wrongs(|_| ()), [""; 0]);
    assert_eq!(wrongs(|config| looked_up(config, "hub.svc.cluster.local", "")), [""; 0]);
    assert_eq!(wrongs(|config| looked_up(config, "hub", "4318")), [""; 0]);
    assert_eq!(wrongs(|config| named(config, &["[::1]", "[::1]:4318", "10.0.0.1", "https://hub:4317"])), [""; 0]);
    let yaml = "routing_key: attributes\nrouting_attributes: [k8s.namespace.name]\ntimeout: 10s\n\
                protocol: { otlp: { tls: { insecure: true }, timeout: 1s } }\n\
                resolver: { dns: { hostname: hub, port: 4318, interval: 1m, timeout: 2s } }\n\
                retry_on_failure: { enabled: true }\nsending_queue: { queue_size: 5 }\n";
    let config: Config = Value::parse("x.yaml", yaml).unwrap().decode().unwrap();
    assert_eq!(config.wrongs(), []);
    assert_eq!((config.routing_key, config.timeout), (Some(RoutingKey::Attributes), Duration::from_secs(10)));
    assert_eq!(config.resolver.dns.unwrap().port, "4318");
}

#[test]
fn says_what_makes_no_sense_and_what_to_do() {
    let has = |wrongs: Vec<String>, part: &str| {
        assert!(wrongs.len() == 1 && wrongs[0].contains(part), "{part}: {wrongs:?}");
    };
    has(wrongs(|config| config.resolver = Resolver::default()), "resolver: say where the backends are");
    has(wrongs(|config| named(config, &[])), "resolver.static.hostnames: there are none");
    has(wrongs(|config| named(config, &["a:4317", ""])), "resolver.static.hostnames: ");
    has(wrongs(|config| named(config, &["me:secret@a:4317"])), "there is an `@` in it");
    has(wrongs(|config| looked_up(config, "", "")), "resolver.dns.hostname: it is missing");
    has(wrongs(|config| looked_up(config, "dns:///hub", "")), "it is no name");
    has(wrongs(|config| looked_up(config, "hub", "many")), "resolver.dns.port: it is no port");
    has(wrongs(|config| config.resolver.dns = Some(Dns { hostname: "x".to_owned(), ..Dns::default() })), "keep one");
    has(wrongs(|config| config.routing_key = Some(RoutingKey::Attributes)), "routing_attributes: ");
    has(wrongs(|config| config.routing_attributes = vec!["a".to_owned()]), "routing_attributes: only");
    has(wrongs(|config| config.protocol.otlp.endpoint = "hub:4317".to_owned()), "protocol.otlp.endpoint: take it out");
    has(wrongs(|config| config.protocol.otlp.required = false), "protocol.otlp.required: write it beside");
    has(wrongs(|config| config.protocol.otlp.timeout = Duration::ZERO), "protocol.otlp.timeout: ");
    let storage = |config: &mut Config| config.protocol.otlp.sending_queue.storage = Some("file_storage".to_owned());
    has(wrongs(storage), "write the `sending_queue` beside `protocol`");
    let yaml = "resolver: { k8s: { service: hub.shop, ports: [4317] } }\n";
    let config: Config = Value::parse("x.yaml", yaml).unwrap().decode().unwrap();
    has(config.wrongs().iter().map(ToString::to_string).collect(), "use `dns` with the name of a headless service");
}

#[test]
fn says_which_signals_have_no_such_key() {
    let problem = |key, signal| Config { routing_key: key, ..Config::default() }.problem_in(signal);
    assert_eq!(problem(None, Signal::Metrics), None);
    assert_eq!(problem(Some(RoutingKey::TraceId), Signal::Logs), None);
    let told = problem(Some(RoutingKey::TraceId), Signal::Metrics).unwrap();
    assert_eq!(
        told,
        "metrics cannot be routed by `traceID`: use one of service, resource, metric, streamID, attributes"
    );
    assert!(problem(Some(RoutingKey::Resource), Signal::Traces).is_some());
}

#[test]
fn knows_whether_data_may_go_in_the_clear() {
    let config = |hostnames: &[&str]| {
        let mut config = Config { protocol: protocol(), ..Config::default() };
        named(&mut config, hostnames);
        config
    };
    assert!(config(&["a", "https://b:4317"]).is_plain());
    assert!(!config(&["https://b:4317"]).is_plain());
}

#[test]
fn says_at_the_start_that_a_certificate_cannot_be_used() {
    let (metrics, auth) = (Metrics::new(), Authenticators::default());
    let deps = Deps { base: Path::new("."), auth: &auth, metrics: &metrics };
    for change in [|config: &mut Config| named(config, &["a:4317"]), |config: &mut Config| looked_up(config, "hub", "")]
    {
        let mut config = Config::default();
        config.protocol.otlp.tls.ca_file = "nowhere.pem".into();
        change(&mut config);
        let built = config.build(&"load_balancing".parse().unwrap(), &deps);
        let told = built.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(told.contains("protocol.otlp.tls.ca_file") && told.contains("nowhere.pem"), "{told}");
    }
}
