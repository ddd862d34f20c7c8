//! What a section may say.

use host_config::Check as _;

use super::super::Config;
use super::super::config::Names;
use crate::testing::section;

fn wrongs(text: &str) -> Vec<String> {
    section::<Config>(text).wrongs().iter().map(ToString::to_string).collect()
}

#[test]
fn a_section_needs_no_key() {
    let config = section::<Config>("{}");
    assert!(config.wrongs().is_empty());
    assert_eq!((config.collection_interval.as_secs(), config.names), (30, Names::Semconv));
    assert!(config.pod_resources.enabled);
    assert_eq!(config.pod_resources.socket.to_str(), Some("/var/lib/kubelet/pod-resources/kubelet.sock"));
}

#[test]
fn a_metric_is_known_under_the_names_that_are_chosen() {
    let off = "metrics: {DCGM_FI_DEV_FAN_SPEED: {enabled: false}}";
    assert_eq!(wrongs(&format!("{{names: both, {off}}}")), Vec::<String>::new());
    assert_eq!(wrongs(&format!("{{names: dcgm, {off}}}")), Vec::<String>::new());
    let told = wrongs(&format!("{{{off}}}"));
    assert_eq!(told, ["metrics.DCGM_FI_DEV_FAN_SPEED: there is no such metric here"]);
}

#[test]
fn paths_are_whole() {
    let told =
        wrongs("{library_path: libnvidia-ml.so, pod_resources: {socket: kubelet.sock}, collection_interval: 0s}");
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("collection_interval: "));
    assert!(told[1].starts_with("library_path: it starts with `/`"), "{}", told[1]);
    assert!(told[2].starts_with("pod_resources.socket: it starts with `/`"), "{}", told[2]);
}
