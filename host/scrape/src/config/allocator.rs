//! `target_allocator:`, who tells jobs and targets.

use std::time::Duration;

use host_config::time::duration;
use host_config::{Refused, Secret, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use super::http::{Http, TlsConfig};

/// The section, with the Collector's keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TargetAllocator {
    /// `http://host`.
    pub endpoint: String,
    /// How often jobs and targets are asked for.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub interval: Duration,
    /// How the allocator knows this replica: the name of its pod.
    pub collector_id: String,
    pub tls: AllocatorTls,
    http_sd_config: Refused,
    http_scrape_config: Refused,
}

/// `tls:`; used where `endpoint` says `https`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AllocatorTls {
    /// Taken for the Collector's sake: `endpoint` says it.
    pub insecure: bool,
    pub insecure_skip_verify: bool,
    pub ca_file: std::path::PathBuf,
    pub ca_pem: Secret,
    pub cert_file: std::path::PathBuf,
    pub cert_pem: Secret,
    pub key_file: std::path::PathBuf,
    pub key_pem: Secret,
    pub server_name_override: String,
}

impl Default for TargetAllocator {
    fn default() -> Self {
        TargetAllocator {
            endpoint: String::new(),
            interval: Duration::from_secs(30),
            collector_id: String::new(),
            tls: AllocatorTls::default(),
            http_sd_config: Refused::default(),
            http_scrape_config: Refused::default(),
        }
    }
}

impl TargetAllocator {
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// How it is asked.
    pub(crate) fn http(&self) -> Http {
        let tls = &self.tls;
        let tls_config = TlsConfig {
            ca: tls.ca_pem.clone(),
            ca_file: tls.ca_file.clone(),
            cert: tls.cert_pem.clone(),
            cert_file: tls.cert_file.clone(),
            key: tls.key_pem.clone(),
            key_file: tls.key_file.clone(),
            server_name: tls.server_name_override.clone(),
            insecure_skip_verify: tls.insecure_skip_verify,
            ..TlsConfig::default()
        };
        Http { tls_config, follow_redirects: false, ..Http::default() }
    }

    pub(super) fn wrongs(&self) -> Vec<Wrong> {
        let is_address = crate::http::address(&self.endpoint).is_some();
        let mut wrongs = Wrong::among([
            ("endpoint", !is_address, "it is no address: write `http://host` or `https://host:port`"),
            (
                "collector_id",
                self.collector_id.is_empty(),
                "it is missing: write the name of the pod, `${env:POD_NAME}`",
            ),
            (
                "http_sd_config",
                self.http_sd_config.0,
                "targets are asked for as jobs are: say how often in `interval`, and with which certificates in `tls`",
            ),
            ("http_scrape_config", self.http_scrape_config.0, "targets are scraped as their job says: take it out"),
            ("interval", self.interval.is_zero(), "it is 0: how often is that?"),
        ]);
        wrongs.extend(host_config::without_userinfo("endpoint", &self.endpoint).err());
        wrongs.extend(
            self.http()
                .wrongs()
                .into_iter()
                .map(|Wrong { key, message }| Wrong::new(key.replace("tls_config", "tls"), message)),
        );
        wrongs
    }
}
