//! What becomes of what was discovered.

use super::*;
use crate::config::Config;

fn job(yaml: &str) -> (Job, Rules) {
    let text = format!("{{config: {{scrape_configs: [{yaml}]}}}}");
    let config: Config = host_config::Value::parse("config", &text).unwrap().decode().unwrap();
    let job = config.jobs().remove(0);
    let rules = Rules::new(&job.relabel_configs).unwrap();
    (job, rules)
}

fn target(yaml: &str, labels: &[(&str, &str)]) -> Result<Option<Target>, String> {
    let (job, rules) = job(yaml);
    Target::new(&job, &rules, labels.iter().copied().collect())
}

#[test]
fn a_target_has_an_address_a_job_and_an_instance() {
    let made = target("{job_name: web}", &[("__address__", "10.0.0.1:80"), ("env", "prod")]).unwrap().unwrap();
    assert_eq!(made.key.uri, "http://10.0.0.1:80/metrics");
    let labels: Vec<(&str, &str)> = made.subject.labels.iter().collect();
    assert_eq!(labels, [("env", "prod"), ("instance", "10.0.0.1:80"), ("job", "web")]);
    assert_eq!((made.interval, made.timeout), (Duration::from_secs(60), Duration::from_secs(10)));
}

#[test]
fn labels_say_how_a_target_is_scraped() {
    let job = "{job_name: web, scheme: https, metrics_path: probe, params: {module: [tcp, udp], x: ['a b&']}, relabel_configs: [\
               {source_labels: [__address__], target_label: __param_target}, {target_label: __address__, replacement: 'box:9115'},\
               {source_labels: [__param_target], target_label: instance}, {target_label: __param_module, replacement: dns},\
               {target_label: __scrape_interval__, replacement: 5s}, {target_label: __scrape_timeout__, replacement: 2s}]}";
    let made = target(job, &[("__address__", "a:1")]).unwrap().unwrap();
    assert_eq!(made.key.uri, "https://box:9115/probe?module=dns&module=udp&target=a%3A1&x=a+b%26");
    assert_eq!(made.subject.labels.get("instance"), "a:1");
    assert_eq!((made.interval, made.timeout), (Duration::from_secs(5), Duration::from_secs(2)));
}

#[test]
fn what_is_no_target_is_told() {
    for (job, labels, told) in [
        ("{job_name: a}", &[("x", "1")][..], "it has no address"),
        (
            "{job_name: a}",
            &[("__address__", "http://a")],
            "\"http://a\" is no address of a target, which is `host:port`",
        ),
        ("{job_name: a}", &[("__address__", "u@a")], "\"u@a\" is no address of a target, which is `host:port`"),
        (
            "{job_name: a}",
            &[("__address__", "a"), ("__scheme__", "ftp")],
            "its scheme is \"ftp\", and not `http` or `https`",
        ),
        (
            "{job_name: a}",
            &[("__address__", "a"), ("__scrape_interval__", "1s")],
            "it has an interval of 1s and a timeout of 10s",
        ),
    ] {
        assert_eq!(target(job, labels).unwrap_err(), told);
    }
    let dropped =
        target("{job_name: a, relabel_configs: [{action: drop, source_labels: [x], regex: '1'}]}", &[("x", "1")]);
    assert_eq!(dropped, Ok(None));
}

#[test]
fn a_pod_says_where_it_runs() {
    let labels = [
        ("__address__", "a:1"),
        ("__meta_kubernetes_namespace", "shop"),
        ("__meta_kubernetes_pod_name", "web-0"),
        ("__meta_kubernetes_pod_controller_kind", "StatefulSet"),
        ("__meta_kubernetes_pod_controller_name", "web"),
        ("__meta_kubernetes_pod_node_name", "node-1"),
    ];
    let made = target("{job_name: a}", &labels).unwrap().unwrap();
    let about: Vec<(&str, &str)> = made.subject.about.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(
        about,
        [
            ("k8s.pod.name", "web-0"),
            ("k8s.namespace.name", "shop"),
            ("k8s.node.name", "node-1"),
            ("k8s.statefulset.name", "web"),
        ]
    );
}

#[test]
fn shards_share_targets_and_few_move_when_there_is_one_more() {
    let hashes: Vec<u64> = (0..3000u64).map(mixed).collect();
    for shards in 1..8 {
        let mut counts = vec![0u32; shards as usize];
        for hash in &hashes {
            counts[shard(*hash, shards) as usize] += 1;
        }
        let fair = 3000 / shards;
        assert!(counts.iter().all(|count| count.abs_diff(fair) < fair / 4 + 60), "{counts:?}");
    }
    let moved: Vec<&u64> = hashes.iter().filter(|hash| shard(**hash, 4) != shard(**hash, 5)).collect();
    assert!(moved.iter().all(|hash| shard(**hash, 5) == 4), "what moves goes to the new one");
    assert!(moved.len() < 750, "{}", moved.len());
}
