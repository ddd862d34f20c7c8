//! What comes of documents as a kubelet of Kubernetes 1.36 answers them.

use host_config::Value;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;

use super::table::{lines, names, table};
use crate::Config;
use crate::attribute::Attribute;
use crate::collect::{Scrape, collect};
use crate::details::{Capacity, Details};
use crate::metric;
use crate::pods::{Pods, Source};
use crate::settings::Settings;
use crate::summary::Summary;
use crate::usage::Usage;

pub(super) const SUMMARY: &str = include_str!("fixtures/summary.json");
pub(super) const LATER: &str = include_str!("fixtures/later.json");
pub(super) const PODS: &str = include_str!("fixtures/pods.json");
/// 27 November 2026, 03:50:10.
const NOW: u64 = 1_795_751_410_000_000_000;
const EVERYTHING: &str = "metric_groups: [container, pod, node, volume], \
                          extra_metadata_labels: [container.id, k8s.volume.type]";
const APP: &str = "k8s.container.name=app";

fn settings(section: &str) -> Settings {
    let config: Config = Value::parse("test", &format!("{{{section}}}")).unwrap().decode().unwrap();
    config.settings()
}

/// A section with every metric switched on or off.
fn switched(on: bool) -> String {
    let all: Vec<String> = metric::ALL.iter().map(|spec| format!("{}: {{enabled: {on}}}", spec.name)).collect();
    format!("metrics: {{{}}}", all.join(", "))
}

struct Scrapes {
    settings: Settings,
    usage: Usage,
    details: Details,
}

impl Scrapes {
    fn of(section: &str) -> Self {
        Scrapes { settings: settings(section), usage: Usage::default(), details: Details::default() }
    }

    fn next(&mut self, summary: &str, pods: Option<&str>) -> Vec<ResourceMetrics> {
        let summary = Summary::read(summary.as_bytes()).unwrap();
        let pods = pods.map(|pods| Pods::read(pods.as_bytes()).unwrap());
        let scrape = Scrape { now: NOW, summary: &summary, pods: pods.as_ref(), details: &self.details };
        let told = collect(&self.settings, &mut self.usage, scrape);
        self.usage.finish();
        told
    }

    fn twice(&mut self) -> Vec<ResourceMetrics> {
        self.next(SUMMARY, Some(PODS));
        self.next(LATER, Some(PODS))
    }
}

fn once(section: &str) -> Vec<ResourceMetrics> {
    Scrapes::of(section).next(SUMMARY, Some(PODS))
}

#[track_caller]
fn same(told: &str, table: &str) {
    for (at, (told, table)) in told.lines().zip(table.lines()).enumerate() {
        assert_eq!(told, table, "line {}", at + 1);
    }
    assert_eq!(told.lines().count(), table.lines().count());
}

#[test]
fn tells_by_default_what_the_collector_tells_and_restarts() {
    let told = Scrapes::of("").twice();
    same(&table(&told), include_str!("fixtures/default.txt"));
}

#[test]
fn tells_everything_where_everything_is_switched_on() {
    let all_interfaces = "collect_all_network_interfaces: {pod: true, node: true}";
    let mut scrapes = Scrapes::of(&format!(
        "{EVERYTHING}, {}, {all_interfaces}, \
         resource_attributes: {{k8s.container.status.last_terminated_reason: {{enabled: true}}}}",
        switched(true)
    ));
    scrapes.details.capacity = Capacity { cpu: Some(4.0), memory: Some(16_777_216_000.0) };
    let told = scrapes.twice();
    same(&table(&told), include_str!("fixtures/everything.txt"));
    let missing: Vec<_> = metric::ALL.iter().filter(|spec| !names(&told).contains(spec.name)).collect();
    assert_eq!(missing, Vec::<&host_periodic::Spec>::new());
}

#[test]
fn there_are_the_collectors_42_default_metrics_and_one_more() {
    let of_collector = [
        ("container", &["cpu.time", "cpu.usage"][..]),
        ("k8s.pod", &["cpu.time", "cpu.usage", "network.io", "network.errors"]),
        ("k8s.node", &["cpu.time", "cpu.usage", "network.io", "network.errors"]),
        ("k8s.volume", &["available", "capacity", "inodes", "inodes.free", "inodes.used"]),
    ];
    let mut expected: Vec<String> =
        of_collector.iter().flat_map(|(of, names)| names.iter().map(move |name| format!("{of}.{name}"))).collect();
    for of in ["container", "k8s.pod", "k8s.node"] {
        let memory = ["available", "usage", "rss", "working_set", "page_faults", "major_page_faults"];
        expected.extend(memory.map(|name| format!("{of}.memory.{name}")));
        expected.extend(["available", "capacity", "usage"].map(|name| format!("{of}.filesystem.{name}")));
    }
    assert_eq!(expected.len(), 42);
    expected.push("k8s.container.restarts".to_owned());
    expected.sort();
    let mut on: Vec<&str> = metric::ALL.iter().filter(|spec| spec.enabled).map(|spec| spec.name).collect();
    on.sort_unstable();
    assert_eq!(on, expected);
}

#[test]
fn nothing_is_told_where_everything_is_switched_off() {
    assert_eq!(table(&once(&format!("{EVERYTHING}, {}", switched(false)))), "");
}

#[test]
fn a_group_that_is_not_named_is_not_told() {
    for (group, prefix) in
        [("container", &["container.", "k8s.container."][..]), ("pod", &["k8s.pod."]), ("node", &["k8s.node."])]
    {
        let told = names(&once(&format!("metric_groups: [{group}]")));
        assert!(told.len() > 10, "{group}: {told:?}");
        let strange: Vec<_> = told.iter().filter(|name| !prefix.iter().any(|start| name.starts_with(start))).collect();
        assert_eq!(strange, Vec::<&String>::new(), "{group}");
    }
    assert_eq!(names(&once("metric_groups: [volume]")).len(), 5);
}

#[test]
fn usage_is_what_the_time_has_grown_by_between_two_samples() {
    let mut scrapes = Scrapes::of("");
    let first = names(&scrapes.next(SUMMARY, None));
    assert!(!first.iter().any(|name| name.ends_with("cpu.usage")), "{first:?}");
    let told = scrapes.next(LATER, None);
    let usage = |of| lines(&told, of).into_iter().filter(|line| line.contains("cpu.usage")).collect::<Vec<_>>();
    assert_eq!(usage(APP), ["container.cpu.usage gauge {cpu} {} 0.25 since 1795687204"]);
    assert_eq!(usage("k8s.container.name=proxy"), Vec::<String>::new(), "it has begun anew");
    assert_eq!(usage("k8s.container.name=kube-proxy"), Vec::<String>::new(), "nobody has looked since");
    let again = scrapes.next(LATER, None);
    assert!(!names(&again).iter().any(|name| name.ends_with("cpu.usage")), "the same samples once more");
}

#[test]
fn what_a_pod_may_use_is_known_only_where_each_container_says_it() {
    let told = Scrapes::of(&switched(true)).twice();
    let shares = |of: &str, name: &str| {
        let lines = lines(&told, of).into_iter().filter(|line| line.starts_with(name));
        lines.map(|line| line.split(' ').nth(4).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shares(APP, "k8s.container.memory_limit_utilization"), ["0.5"], "160 of 320 MiB");
    assert_eq!(shares(APP, "k8s.container.cpu_limit_utilization"), ["0.5"]);
    assert_eq!(shares("k8s.pod.name=web-6d5f9c7b8-x2v4q", "k8s.pod.memory_limit_utilization"), Vec::<String>::new());
    assert_eq!(shares("k8s.pod.name=web-6d5f9c7b8-x2v4q", "k8s.pod.cpu_request_utilization"), ["1.0"]);
}

#[test]
fn restarts_are_told_of_containers_that_do_not_run_too() {
    let told = once("");
    let restarts = |container: &str| {
        let lines = lines(&told, &format!("k8s.container.name={container}"));
        lines.into_iter().filter(|line| line.contains("restarts")).collect::<Vec<_>>()
    };
    assert_eq!(restarts("app"), ["k8s.container.restarts gauge {restart} {} 2 since 1795687204"]);
    assert_eq!(restarts("api"), ["k8s.container.restarts gauge {restart} {} 17 since 0"]);
    assert_eq!(lines(&told, "k8s.container.name=api").len(), 1, "it does not run");
    assert_eq!(restarts("migrate").len() + restarts("debugger").len(), 2);
}

#[test]
fn the_reason_of_the_last_end_is_told_where_it_is_switched_on() {
    let on = once("resource_attributes: {k8s.container.status.last_terminated_reason: {enabled: true}}");
    assert!(!lines(&on, "k8s.container.status.last_terminated_reason=OOMKilled").is_empty());
    assert!(!table(&once("")).contains("last_terminated_reason"));
}

#[test]
fn a_claim_has_its_name_and_the_kind_of_what_is_behind_it() {
    let of = "k8s.volume.name=data";
    let types = |told: &[ResourceMetrics]| {
        let text = table(told);
        let line = text.lines().find(|line| line.contains(of)).unwrap().to_owned();
        let own = line.split(' ').skip_while(|pair| !pair.starts_with("k8s.volume.name="));
        own.skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let claim = "k8s.persistentvolumeclaim.name=web-data".to_owned();
    assert_eq!(types(&once("metric_groups: [volume]")), std::slice::from_ref(&claim));
    let typed = "metric_groups: [volume], extra_metadata_labels: [k8s.volume.type]";
    assert_eq!(types(&once(typed)), [claim.clone(), "k8s.volume.type=persistentVolumeClaim".to_owned()]);
    let mut scrapes = Scrapes::of(&format!(
        "{typed}, resource_attributes: {{aws.volume.id: {{enabled: true}}, fs.type: {{enabled: true}}, partition: {{enabled: true}}}}"
    ));
    let disk = Source::AwsElasticBlockStore { id: "vol-1".into(), fs_type: "ext4".into(), partition: 1 };
    scrapes.details.know("shop", "web-data", disk);
    let told = types(&scrapes.next(SUMMARY, None));
    let detail = ["k8s.volume.type=awsElasticBlockStore", "aws.volume.id=vol-1", "fs.type=ext4", "partition=1"];
    assert_eq!(told[1..], detail);
}

#[test]
fn an_attribute_that_is_switched_off_is_not_there() {
    for attribute in Attribute::ALL {
        let key = attribute.key();
        let told = once(&format!("{EVERYTHING}, resource_attributes: {{{key}: {{enabled: false}}}}"));
        let has = table(&told).lines().any(|line| line.split(' ').any(|pair| pair.starts_with(&format!("{key}="))));
        assert!(!has, "{key}");
    }
}

#[test]
fn what_a_document_does_not_say_is_not_told() {
    let summary = r#"{"node": {"nodeName": "n", "startTime": null, "memory": {"usageBytes": 5, "rssBytes": null},
        "network": {"name": ""}, "cpu": {"time": "2026-11-27T03:50:07Z"}, "fs": {}}, "pods": null}"#;
    let told = Scrapes::of(EVERYTHING).next(summary, Some(r#"{"items": null}"#));
    assert_eq!(table(&told), "k8s.node.name=n\n  k8s.node.memory.usage gauge By {} 5 since 0\n");
}

#[test]
fn a_value_that_is_none_costs_no_other() {
    let summary = r#"{"node": {"nodeName": "n", "startTime": "yesterday", "memory": {"usageBytes": 5, "rssBytes": -1,
        "workingSetBytes": 18446744073709551615, "pageFaults": 1.5, "availableBytes": "7", "majorPageFaults": [1, {"a": 2}]},
        "rlimit": {"maxpid": {"a": [1]}, "curproc": true}}, "pods": []}"#;
    let told = Scrapes::of(&switched(true)).next(summary, None);
    assert_eq!(lines(&told, ""), ["k8s.node.memory.usage gauge By {} 5 since 0"]);
}

#[test]
fn what_is_no_document_of_a_kubelet_is_refused() {
    for document in ["", "{}", "[]", "null", "<html>", r#"{"node": {}, "pods": []}"#, r#"{"node": {"nodeName": "n"}}"#]
    {
        assert!(Summary::read(document.as_bytes()).is_err(), "{document}");
    }
    for document in ["", "{}", "[]", r#"{"kind": "Status"}"#, r#"{"items": [{}]}"#] {
        assert!(Pods::read(document.as_bytes()).is_err(), "{document}");
    }
    for cut in [1, 100, SUMMARY.len() / 2, SUMMARY.len() - 3] {
        assert!(Summary::read(&SUMMARY.as_bytes()[..cut]).is_err(), "{cut}");
    }
}
