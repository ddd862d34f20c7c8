//! Whatever an amount of Kubernetes says, what is told of it is rounded up, and no less than it.

use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::{prop_assert_eq, proptest};
use serde_json::json;

use super::harness::{lines, told};

/// The point of a metric of a container that asks for so much.
fn asked(resource: &str, amount: &str, metric: &str) -> Option<String> {
    let pod = json!({
        "metadata": { "name": "web", "uid": "u" },
        "spec": { "containers": [{ "name": "app", "resources": { "requests": { resource: amount } } }] },
    });
    let told = told::<Pod>(&pod, &json!({}));
    let lines: Vec<String> = told.iter().flat_map(lines).collect();
    lines.iter().find_map(|line| line.strip_prefix(metric)?.split(' ').nth(1).map(str::to_owned))
}

proptest! {
    #[test]
    fn cores_are_thousandths_rounded_up(milli in 0_i64..1_000_000, micro in 0_i64..1000) {
        let told = asked("cpu", &format!("{}u", milli * 1000 + micro), "k8s.container.cpu_request");
        let expected = milli + i64::from(micro > 0);
        prop_assert_eq!(told, Some(format!("{:?}", expected as f64 / 1e3)));
    }

    #[test]
    fn bytes_are_whole_and_rounded_up(milli in 0_i64..1_000_000_000) {
        let told = asked("memory", &format!("{milli}m"), "k8s.container.memory_request");
        prop_assert_eq!(told, Some((milli as u64).div_ceil(1000).to_string()));
    }

    #[test]
    fn kibibytes_are_exact(kibi in 0_i64..1 << 32) {
        let told = asked("memory", &format!("{kibi}Ki"), "k8s.container.memory_request");
        prop_assert_eq!(told, Some((kibi * 1024).to_string()));
    }

    #[test]
    fn what_is_no_amount_is_not_told_and_harms_nothing(text in "\\PC{0,12}") {
        let told = asked("memory", &text, "k8s.container.memory_request");
        prop_assert_eq!(told.is_some(), host_kubernetes::quantity::parse(&text).is_some());
    }
}
