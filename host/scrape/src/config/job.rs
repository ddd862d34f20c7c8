//! One job: what is scraped, how often, and what is made of it.

use std::collections::BTreeMap;
use std::time::Duration;

use host_config::{Files, Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use super::below;
use super::discovery::{FileSdConfig, HttpSdConfig, KubernetesSdConfig, StaticConfig};
use super::http::{Http, with_http};
use super::relabel::RelabelConfig;
use super::units::{duration, duration_schema, size, size_schema};

/// A form in which metrics are exposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
pub enum Protocol {
    PrometheusProto,
    #[serde(rename = "OpenMetricsText0.0.1")]
    OpenMetricsText001,
    #[serde(rename = "OpenMetricsText1.0.0")]
    OpenMetricsText100,
    #[serde(rename = "PrometheusText0.0.4")]
    PrometheusText004,
    #[serde(rename = "PrometheusText1.0.0")]
    PrometheusText100,
}

/// `global:`, what holds for each job that says nothing itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Global {
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "duration_schema")]
    pub scrape_interval: Option<Duration>,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "duration_schema")]
    pub scrape_timeout: Option<Duration>,
    pub scrape_protocols: Vec<Protocol>,
    /// Taken for Prometheus' sake: no rules are evaluated here.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "duration_schema")]
    pub evaluation_interval: Option<Duration>,
    /// Labels that each series gets.
    pub external_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "size")]
    #[schemars(schema_with = "size_schema")]
    pub body_size_limit: Option<u64>,
    pub sample_limit: u64,
    pub target_limit: u64,
    pub label_limit: u64,
    pub label_name_length_limit: u64,
    pub label_value_length_limit: u64,
    /// Taken for Prometheus' sake: targets that were left out are not kept.
    pub keep_dropped_targets: u64,
    pub scrape_native_histograms: bool,
    pub always_scrape_classic_histograms: bool,
    pub extra_scrape_metrics: bool,
    pub metric_name_validation_scheme: String,
    pub metric_name_escaping_scheme: String,
    convert_classic_histograms_to_nhcb: Refused,
    query_log_file: Refused,
    scrape_failure_log_file: Refused,
    rule_query_offset: Refused,
}

with_http! {
    /// An element of `scrape_configs:`.
    pub struct ScrapeConfig {
        pub job_name: String,
        /// Whether labels of a series win over those of its target that have the same name.
        pub honor_labels: bool,
        /// Whether times that are exposed are taken.
        pub honor_timestamps: bool = true,
        /// Whether series with such times are told stale, too.
        pub track_timestamps_staleness: bool,
        pub params: BTreeMap<String, Vec<String>>,
        #[serde(deserialize_with = "duration")]
        #[schemars(schema_with = "duration_schema")]
        pub scrape_interval: Option<Duration>,
        #[serde(deserialize_with = "duration")]
        #[schemars(schema_with = "duration_schema")]
        pub scrape_timeout: Option<Duration>,
        pub scrape_protocols: Vec<Protocol>,
        /// What an answer that does not say its form is read as.
        pub fallback_scrape_protocol: Option<Protocol>,
        pub scrape_native_histograms: Option<bool>,
        pub always_scrape_classic_histograms: Option<bool>,
        pub extra_scrape_metrics: Option<bool>,
        pub metrics_path: String = "/metrics".to_owned(),
        pub scheme: String = "http".to_owned(),
        pub enable_compression: bool = true,
        #[serde(deserialize_with = "size")]
        #[schemars(schema_with = "size_schema")]
        pub body_size_limit: Option<u64>,
        pub sample_limit: Option<u64>,
        pub target_limit: Option<u64>,
        pub label_limit: Option<u64>,
        pub label_name_length_limit: Option<u64>,
        pub label_value_length_limit: Option<u64>,
        pub native_histogram_bucket_limit: u64,
        /// Taken for Prometheus' sake: targets that were left out are not kept.
        pub keep_dropped_targets: Option<u64>,
        pub metric_name_validation_scheme: String,
        pub metric_name_escaping_scheme: String,
        pub static_configs: Vec<StaticConfig>,
        pub file_sd_configs: Vec<FileSdConfig>,
        pub http_sd_configs: Vec<HttpSdConfig>,
        pub kubernetes_sd_configs: Vec<KubernetesSdConfig>,
        /// What is done to the labels of targets.
        pub relabel_configs: Vec<RelabelConfig>,
        /// What is done to the labels of series.
        pub metric_relabel_configs: Vec<RelabelConfig>,
    }
    private {
        native_histogram_min_bucket_factor: Refused,
        convert_classic_histograms_to_nhcb: Refused,
        scrape_failure_log_file: Refused,
        aws_sd_configs: Refused,
        azure_sd_configs: Refused,
        consul_sd_configs: Refused,
        digitalocean_sd_configs: Refused,
        dns_sd_configs: Refused,
        docker_sd_configs: Refused,
        dockerswarm_sd_configs: Refused,
        ec2_sd_configs: Refused,
        eureka_sd_configs: Refused,
        gce_sd_configs: Refused,
        hetzner_sd_configs: Refused,
        ionos_sd_configs: Refused,
        kuma_sd_configs: Refused,
        lightsail_sd_configs: Refused,
        linode_sd_configs: Refused,
        marathon_sd_configs: Refused,
        nerve_sd_configs: Refused,
        nomad_sd_configs: Refused,
        openstack_sd_configs: Refused,
        ovhcloud_sd_configs: Refused,
        puppetdb_sd_configs: Refused,
        scaleway_sd_configs: Refused,
        serverset_sd_configs: Refused,
        stackit_sd_configs: Refused,
        triton_sd_configs: Refused,
        uyuni_sd_configs: Refused,
        vultr_sd_configs: Refused,
    }
}

/// What a scrape may bring at the most; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub body_size: u64,
    pub samples: u64,
    pub targets: u64,
    pub labels: u64,
    pub label_name_length: u64,
    pub label_value_length: u64,
    pub buckets: u64,
}

/// A job with everything that holds for it.
#[derive(Clone, Debug)]
pub struct Job {
    pub name: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub protocols: Vec<Protocol>,
    pub fallback: Protocol,
    pub honor_labels: bool,
    pub honor_timestamps: bool,
    pub track_timestamps_staleness: bool,
    pub native_histograms: bool,
    pub classic_histograms: bool,
    pub extra_metrics: bool,
    pub params: BTreeMap<String, Vec<String>>,
    pub path: String,
    pub scheme: String,
    pub compression: bool,
    pub limits: Limits,
    pub http: Http,
    pub external_labels: BTreeMap<String, String>,
    pub static_configs: Vec<StaticConfig>,
    pub file_sd_configs: Vec<FileSdConfig>,
    pub http_sd_configs: Vec<HttpSdConfig>,
    pub kubernetes_sd_configs: Vec<KubernetesSdConfig>,
    pub relabel_configs: Vec<RelabelConfig>,
    pub metric_relabel_configs: Vec<RelabelConfig>,
}

const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(10);

const TEXT: [Protocol; 4] = [
    Protocol::OpenMetricsText100,
    Protocol::OpenMetricsText001,
    Protocol::PrometheusText100,
    Protocol::PrometheusText004,
];

const NHCB: &str = "classic histograms stay such: take it out";
const LOG_FILE: &str = "failed scrapes are told in the log: take it out";

impl Global {
    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("convert_classic_histograms_to_nhcb", self.convert_classic_histograms_to_nhcb.0, NHCB),
            ("query_log_file", self.query_log_file.0, "nothing is queried here: take it out"),
            ("scrape_failure_log_file", self.scrape_failure_log_file.0, LOG_FILE),
            ("rule_query_offset", self.rule_query_offset.0, "no rules are evaluated here: take it out"),
            ("scrape_protocols", has_twice(&self.scrape_protocols), TWICE),
            ("scrape_interval", self.scrape_interval.is_some_and(|interval| interval.is_zero()), ZERO),
        ]);
        wrongs.extend(schemes(&self.metric_name_validation_scheme, &self.metric_name_escaping_scheme));
        wrongs
    }
}

const TWICE: &str = "a protocol stands there twice: keep one";
const ZERO: &str = "it is 0: how often is that?";

fn has_twice(protocols: &[Protocol]) -> bool {
    protocols.iter().enumerate().any(|(at, protocol)| protocols.iter().skip(at + 1).any(|other| other == protocol))
}

fn schemes(validation: &str, escaping: &str) -> Vec<Wrong> {
    Wrong::among([
        (
            "metric_name_validation_scheme",
            !matches!(validation, "" | "utf8"),
            "every name is taken: take it out, or have `metric_relabel_configs` keep the names that are wanted",
        ),
        (
            "metric_name_escaping_scheme",
            !matches!(escaping, "" | "allow-utf-8"),
            "names are asked for as they are: take it out, or set `allow-utf-8`",
        ),
    ])
}

impl ScrapeConfig {
    pub(crate) fn job(&self, global: &Global) -> Job {
        let interval = self.scrape_interval.or(global.scrape_interval).unwrap_or(INTERVAL);
        let timeout = match self.scrape_timeout {
            Some(timeout) => timeout,
            // One that is inherited is never longer than the interval.
            None => global.scrape_timeout.unwrap_or(TIMEOUT).min(interval),
        };
        let native = self.scrape_native_histograms.unwrap_or(global.scrape_native_histograms);
        let protocols = match (self.scrape_protocols.as_slice(), global.scrape_protocols.as_slice()) {
            ([], []) if native => [&[Protocol::PrometheusProto][..], &TEXT].concat(),
            ([], []) => TEXT.to_vec(),
            ([], global) => global.to_vec(),
            (own, _) => own.to_vec(),
        };
        let limits = Limits {
            body_size: self.body_size_limit.or(global.body_size_limit).unwrap_or(0),
            samples: self.sample_limit.unwrap_or(global.sample_limit),
            targets: self.target_limit.unwrap_or(global.target_limit),
            labels: self.label_limit.unwrap_or(global.label_limit),
            label_name_length: self.label_name_length_limit.unwrap_or(global.label_name_length_limit),
            label_value_length: self.label_value_length_limit.unwrap_or(global.label_value_length_limit),
            buckets: self.native_histogram_bucket_limit,
        };
        Job {
            name: self.job_name.clone(),
            interval,
            timeout,
            protocols,
            fallback: self.fallback_scrape_protocol.unwrap_or(Protocol::PrometheusText004),
            honor_labels: self.honor_labels,
            honor_timestamps: self.honor_timestamps,
            track_timestamps_staleness: self.track_timestamps_staleness,
            native_histograms: native,
            classic_histograms: self
                .always_scrape_classic_histograms
                .unwrap_or(global.always_scrape_classic_histograms),
            extra_metrics: self.extra_scrape_metrics.unwrap_or(global.extra_scrape_metrics),
            params: self.params.clone(),
            path: self.metrics_path.clone(),
            scheme: self.scheme.clone(),
            compression: self.enable_compression,
            limits,
            http: self.http(),
            external_labels: global.external_labels.clone(),
            static_configs: self.static_configs.clone(),
            file_sd_configs: self.file_sd_configs.clone(),
            http_sd_configs: self.http_sd_configs.clone(),
            kubernetes_sd_configs: self.kubernetes_sd_configs.clone(),
            relabel_configs: self.relabel_configs.clone(),
            metric_relabel_configs: self.metric_relabel_configs.clone(),
        }
    }

    pub(crate) fn wrongs(&self, global: &Global) -> Vec<Wrong> {
        let job = self.job(global);
        let is_longer = job.timeout > job.interval;
        let mut wrongs = Wrong::among([
            ("job_name", self.job_name.is_empty(), "it is missing: each job has a name"),
            ("scrape_interval", self.scrape_interval.is_some_and(|interval| interval.is_zero()), ZERO),
            ("scrape_timeout", is_longer, "it is longer than `scrape_interval`: set a shorter one"),
            ("scrape_timeout", job.timeout.is_zero(), "it is 0: nobody answers in that time"),
            ("scheme", !matches!(self.scheme.as_str(), "http" | "https"), "it is `http` or `https`"),
            ("scrape_protocols", has_twice(&self.scrape_protocols), TWICE),
            (
                "fallback_scrape_protocol",
                self.fallback_scrape_protocol == Some(Protocol::PrometheusProto),
                "an answer that does not say what it is, is text: name one of the text protocols",
            ),
            (
                "native_histogram_min_bucket_factor",
                self.native_histogram_min_bucket_factor.0,
                "native histograms are as fine as they were exposed: take it out",
            ),
            ("convert_classic_histograms_to_nhcb", self.convert_classic_histograms_to_nhcb.0, NHCB),
            ("scrape_failure_log_file", self.scrape_failure_log_file.0, LOG_FILE),
        ]);
        wrongs.extend(schemes(&self.metric_name_validation_scheme, &self.metric_name_escaping_scheme));
        wrongs.extend(self.unserved());
        wrongs.extend(job.http.wrongs());
        for (at, config) in self.static_configs.iter().enumerate() {
            wrongs.extend(below(&format!("static_configs[{at}]"), config.wrongs()));
        }
        for (at, config) in self.file_sd_configs.iter().enumerate() {
            wrongs.extend(below(&format!("file_sd_configs[{at}]"), config.wrongs()));
        }
        for (at, config) in self.http_sd_configs.iter().enumerate() {
            wrongs.extend(below(&format!("http_sd_configs[{at}]"), config.wrongs()));
        }
        for (at, config) in self.kubernetes_sd_configs.iter().enumerate() {
            wrongs.extend(below(&format!("kubernetes_sd_configs[{at}]"), config.wrongs()));
        }
        for (key, rules) in
            [("relabel_configs", &self.relabel_configs), ("metric_relabel_configs", &self.metric_relabel_configs)]
        {
            for (at, rule) in rules.iter().enumerate() {
                wrongs.extend(below(&format!("{key}[{at}]"), rule.wrongs()));
            }
        }
        wrongs
    }

    pub(super) fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let mut wrongs = self.http().wrongs_in(files);
        for (at, config) in self.http_sd_configs.iter().enumerate() {
            wrongs.extend(below(&format!("http_sd_configs[{at}]"), config.http().wrongs_in(files)));
        }
        wrongs
    }

    /// Ways to find targets that there are elsewhere.
    fn unserved(&self) -> Vec<Wrong> {
        const INSTEAD: &str = "targets are not looked for there: have a program write them to a file that \
                               `file_sd_configs` names, or serve them to `http_sd_configs`";
        const NAMES: &str = "names are not looked up for records of targets: write `host:port` in `static_configs`, or have \
                             a program write what they lead to into a file that `file_sd_configs` names";
        Wrong::among([
            ("dns_sd_configs", self.dns_sd_configs.0, NAMES),
            ("aws_sd_configs", self.aws_sd_configs.0, INSTEAD),
            ("azure_sd_configs", self.azure_sd_configs.0, INSTEAD),
            ("consul_sd_configs", self.consul_sd_configs.0, INSTEAD),
            ("digitalocean_sd_configs", self.digitalocean_sd_configs.0, INSTEAD),
            ("docker_sd_configs", self.docker_sd_configs.0, INSTEAD),
            ("dockerswarm_sd_configs", self.dockerswarm_sd_configs.0, INSTEAD),
            ("ec2_sd_configs", self.ec2_sd_configs.0, INSTEAD),
            ("eureka_sd_configs", self.eureka_sd_configs.0, INSTEAD),
            ("gce_sd_configs", self.gce_sd_configs.0, INSTEAD),
            ("hetzner_sd_configs", self.hetzner_sd_configs.0, INSTEAD),
            ("ionos_sd_configs", self.ionos_sd_configs.0, INSTEAD),
            ("kuma_sd_configs", self.kuma_sd_configs.0, INSTEAD),
            ("lightsail_sd_configs", self.lightsail_sd_configs.0, INSTEAD),
            ("linode_sd_configs", self.linode_sd_configs.0, INSTEAD),
            ("marathon_sd_configs", self.marathon_sd_configs.0, INSTEAD),
            ("nerve_sd_configs", self.nerve_sd_configs.0, INSTEAD),
            ("nomad_sd_configs", self.nomad_sd_configs.0, INSTEAD),
            ("openstack_sd_configs", self.openstack_sd_configs.0, INSTEAD),
            ("ovhcloud_sd_configs", self.ovhcloud_sd_configs.0, INSTEAD),
            ("puppetdb_sd_configs", self.puppetdb_sd_configs.0, INSTEAD),
            ("scaleway_sd_configs", self.scaleway_sd_configs.0, INSTEAD),
            ("serverset_sd_configs", self.serverset_sd_configs.0, INSTEAD),
            ("stackit_sd_configs", self.stackit_sd_configs.0, INSTEAD),
            ("triton_sd_configs", self.triton_sd_configs.0, INSTEAD),
            ("uyuni_sd_configs", self.uyuni_sd_configs.0, INSTEAD),
            ("vultr_sd_configs", self.vultr_sd_configs.0, INSTEAD),
        ])
    }
}
