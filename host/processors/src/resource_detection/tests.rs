//! What becomes of requests, of a variable of the environment, and of pauses: no detector is asked here.

mod env;
mod merging;

use std::time::Duration;

use host_config::Check;

use super::config::{Config, DetectorName};
use super::detector::{Found, Value};
use super::retry::Retry;

fn text(key: &str, value: &str) -> (String, Value) {
    (key.to_owned(), Value::Text(value.to_owned()))
}

#[test]
fn the_first_detector_that_finds_an_attribute_wins() {
    let mut found = Found { attributes: vec![text("host.name", "a")], schema_url: "" };
    found.join(Found { attributes: vec![text("host.name", "b"), text("os.type", "linux")], schema_url: "one" });
    found.join(Found { attributes: vec![text("os.type", "darwin")], schema_url: "two" });
    assert_eq!(found.attributes, [text("host.name", "a"), text("os.type", "linux")]);
    assert_eq!(found.schema_url, "one");
}

#[test]
fn pauses_grow_up_to_the_longest() {
    let retry = Retry { randomization_factor: 0.0, max_interval: Duration::from_secs(5), ..Retry::default() };
    let seconds: Vec<u64> = retry.pauses().take(5).map(|pause| pause.as_secs()).collect();
    assert_eq!(seconds, [1, 2, 4, 5, 5]);
    assert_eq!(Retry { enabled: false, ..retry }.pauses().count(), 0);
}

#[test]
fn says_what_makes_no_sense() {
    let wrong = |config: Config| config.wrongs().into_iter().map(|wrong| wrong.key).collect::<Vec<_>>();
    assert!(wrong(Config::default()).is_empty());
    assert_eq!(wrong(Config { detectors: Vec::new(), ..Config::default() }), ["detectors"]);
    assert_eq!(wrong(Config { timeout: Duration::ZERO, ..Config::default() }), ["timeout"]);
    let short = Retry { max_elapsed_time: Duration::from_secs(2), multiplier: 0.5, ..Retry::default() };
    assert_eq!(wrong(Config { retry: short, ..Config::default() }), ["retry.multiplier", "retry.max_elapsed_time"]);
}

#[test]
fn names_what_to_do_without_a_detector_that_is_not_here() {
    let told = |name: &str| DetectorName::try_from(name.to_owned()).unwrap_err().to_string();
    assert!(told("ec2").contains("OTEL_RESOURCE_ATTRIBUTES"), "{}", told("ec2"));
    assert!(told("docker").contains("hostname_sources"), "{}", told("docker"));
    assert!(told("k8s_node").contains("`k8s_api`"), "{}", told("k8s_node"));
    assert!(told("sytem").contains("did you mean \"system\"?"), "{}", told("sytem"));
    assert!(told("nobody at all").contains("env, system, k8s_api, k8snode"), "{}", told("nobody at all"));
    assert_eq!(DetectorName::try_from(" system ".to_owned()), Ok(DetectorName::System));
}
