//! Sections that make no sense.

use std::path::Path;

use host_component::Authenticators;
use host_config::Secret;
use host_telemetry::Metrics;
use host_tls::ClientConfig;

use super::Config;
use crate::Deps;

#[test]
fn refuses_a_configuration_that_makes_no_sense() {
    let build = |change: &dyn Fn(&mut Config)| {
        let mut config = Config { endpoint: "hub:4317".to_owned(), tls: ClientConfig::plain(), ..Config::default() };
        change(&mut config);
        let metrics = Metrics::new();
        let built = config.build(
            &"otlp_grpc".parse().unwrap(),
            &Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics },
        );
        built.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(build(&|_| ()), "");
    assert_eq!(build(&|config| config.endpoint = "http://hub:4317/".to_owned()), "");
    assert_eq!(build(&|config| config.endpoint = "dns:///hub:4317".to_owned()), "");
    assert!(build(&|config| config.endpoint.clear()).contains("the endpoint is missing"));
    assert!(build(&|config| config.endpoint = "hub".to_owned()).contains("\"hub\" is no address"));
    for endpoint in
        ["me:secret@hub:4317", "https://me:secret@hub:4317", "dns:///me:secret@hub:4317", "http:/me:secret@hub"]
    {
        let told = build(&|config| config.endpoint = endpoint.to_owned());
        assert!(told.contains("endpoint: there is an `@` in it") && !told.contains("secret"), "{told}");
    }
    assert!(build(&|config| config.tls.cert_file = "hub.pem".into()).contains("tls.key_file"));
    assert!(build(&|config| config.sending_queue.num_consumers = 0).contains("num_consumers"));
    assert!(build(&|config| config.retry_on_failure.multiplier = f64::NAN).contains("multiplier"));
    let header = |name: &str| {
        let name = name.to_owned();
        build(&move |config: &mut Config| {
            config.headers.insert(name.clone(), Secret::new("x"));
        })
    };
    assert!(header("grpc-timeout").contains("grpc-timeout"));
    assert!(header("not a name").contains("not a name"));
}
