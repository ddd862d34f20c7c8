//! How brokers are reached, from the keys that exporter and receiver have in common, in the client's own terms.

use std::path::Path;
use std::time::Duration;

use host_config::time::duration;
use host_config::{Files, Wrong};
use rdkafka::ClientConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use super::auth::Auth;

/// `metadata:`, what the client knows of its cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metadata {
    /// Taken for the Collector's sake: what is not needed is not kept.
    pub full: bool,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub refresh_interval: Duration,
    pub retry: MetadataRetry,
}

/// Taken for the Collector's sake: brokers are looked for until they are there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetadataRetry {
    pub max: u32,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub backoff: Duration,
}

impl Default for Metadata {
    fn default() -> Self {
        Metadata { full: true, refresh_interval: Duration::from_secs(600), retry: MetadataRetry::default() }
    }
}

impl Default for MetadataRetry {
    fn default() -> Self {
        MetadataRetry { max: 3, backoff: Duration::from_millis(250) }
    }
}

/// What both sections have about brokers.
pub(crate) struct Link<'a> {
    pub(crate) brokers: &'a [String],
    pub(crate) client_id: &'a str,
    pub(crate) rack_id: &'a str,
    pub(crate) conn_idle_timeout: Duration,
    pub(crate) tls: Option<&'a host_tls::ClientConfig>,
    pub(crate) auth: &'a Auth,
    pub(crate) metadata: &'a Metadata,
}

/// After a broker was lost it is looked for this often at least.
const RECONNECT: Duration = Duration::from_secs(2);

impl Link<'_> {
    pub(crate) fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Wrong::among([
            ("brokers", self.brokers.is_empty(), "there is none: write `host:9092` of one broker at least"),
            (
                "brokers",
                self.brokers.iter().any(|broker| !is_address(broker)),
                "an entry is no address of a broker: write `host:9092`, without a scheme",
            ),
            ("client_id", self.client_id.is_empty(), "it is empty: take it out, or write a name"),
            ("conn_idle_timeout", self.conn_idle_timeout.is_zero(), "it has to be more than 0"),
            (
                "metadata.refresh_interval",
                !(Duration::from_secs(1)..=Duration::from_secs(3600)).contains(&self.metadata.refresh_interval),
                "it has to lie between 1s and 1h",
            ),
        ]);
        wrongs.extend(self.auth.wrongs());
        if let Some(tls) = self.tls {
            wrongs.extend(tls.wrongs("tls"));
            wrongs.extend(Wrong::among([
                (
                    "tls.server_name_override",
                    !tls.server_name_override.is_empty(),
                    "a broker's certificate has to have the name that the cluster tells for it (`advertised.listeners`): \
                     take it out",
                ),
                (
                    "tls.include_system_ca_certs_pool",
                    tls.include_system_ca_certs_pool && (!tls.ca_file.as_os_str().is_empty() || !tls.ca_pem.is_empty()),
                    "it is one or the other for Kafka: put all authorities into one file and name that in `ca_file`",
                ),
                (
                    "tls.min_version",
                    !matches!(tls.min_version.as_str(), "" | "1.2"),
                    "for Kafka it is 1.2: take it out",
                ),
                (
                    "tls.max_version",
                    !matches!(tls.max_version.as_str(), "" | "1.3"),
                    "for Kafka it is 1.3: take it out",
                ),
                (
                    "tls.cipher_suites",
                    !tls.cipher_suites.is_empty(),
                    "they cannot be chosen for Kafka: take it out, and choose them at the broker (`ssl.cipher.suites`)",
                ),
                (
                    "tls.curve_preferences",
                    !tls.curve_preferences.is_empty(),
                    "they cannot be chosen for Kafka: take it out",
                ),
            ]));
        }
        wrongs
    }

    pub(crate) fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let encrypted = self.tls.filter(|tls| !tls.is_plain(false));
        encrypted.map(|tls| tls.wrongs_in("tls", &|path| files.read(path))).unwrap_or_default()
    }

    /// Whether a password goes over the wire as it is.
    pub(crate) fn shows_password(&self) -> bool {
        let is_plain = self.tls.is_none_or(|tls| tls.is_plain(false));
        is_plain && self.auth.sasl.as_ref().is_some_and(|sasl| sasl.mechanism == "PLAIN")
    }

    /// The client's settings; paths start from `base`.
    pub(crate) fn settings(&self, base: &Path) -> ClientConfig {
        let mut settings = ClientConfig::new();
        settings
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", self.client_id)
            .set("connections.max.idle.ms", millis(self.conn_idle_timeout))
            .set("topic.metadata.refresh.interval.ms", millis(self.metadata.refresh_interval))
            .set("reconnect.backoff.max.ms", millis(RECONNECT))
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true");
        if !self.rack_id.is_empty() {
            settings.set("client.rack", self.rack_id);
        }
        let encrypted = self.tls.filter(|tls| !tls.is_plain(false));
        let protocol = match (encrypted.is_some(), self.auth.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        settings.set("security.protocol", protocol);
        if let Some(tls) = encrypted {
            encrypt(&mut settings, tls, base);
        }
        if let Some(sasl) = &self.auth.sasl {
            settings
                .set("sasl.mechanism", &sasl.mechanism)
                .set("sasl.username", &sasl.username)
                .set("sasl.password", sasl.password.as_str());
        }
        settings
    }
}

fn encrypt(settings: &mut ClientConfig, tls: &host_tls::ClientConfig, base: &Path) {
    let pieces = [
        ("ssl.ca", &tls.ca_file, &tls.ca_pem),
        ("ssl.certificate", &tls.cert_file, &tls.cert_pem),
        ("ssl.key", &tls.key_file, &tls.key_pem),
    ];
    for (name, file, text) in pieces {
        if !file.as_os_str().is_empty() {
            settings.set(format!("{name}.location"), base.join(file).to_string_lossy());
        } else if !text.is_empty() {
            settings.set(format!("{name}.pem"), text.as_str());
        }
    }
    if tls.insecure_skip_verify {
        settings.set("enable.ssl.certificate.verification", "false");
    }
}

/// Whole milliseconds, one at least where it is not nothing.
pub(crate) fn millis(duration: Duration) -> String {
    let whole = duration.as_millis();
    let some = u128::from(!duration.is_zero());
    whole.max(some).to_string()
}

/// Whether this is `host:port`, `[address]:port`, or a host alone.
fn is_address(broker: &str) -> bool {
    let (host, port) = match broker.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse::<u16>().is_ok()),
        _ => (broker, true),
    };
    port && !host.is_empty() && !host.contains(['/', ',', ' ', '@'])
}
