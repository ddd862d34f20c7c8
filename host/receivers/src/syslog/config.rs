//! What a user may write under `receivers: syslog:`. The keys and defaults are the Collector's.

use std::collections::BTreeMap;
use std::time::Duration;

use host_config::time::duration;
use host_config::{Check, Files, Wrong};
use host_tls::ServerConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::entries::field::Field;
use crate::entries::lines::Cut;
use crate::entries::settings::{
    Multiline, OnError, Operator, Retry, Size, TooLong, encoding_wrongs, fixed_wrongs, operator_wrongs,
};

/// The name of the operator that reads what came.
const PARSER: &str = "syslog_receiver_parser";
/// The longest message where nothing is written, and the least that may be written for it.
const MAX_LOG_SIZE: u64 = 1 << 20;
const MIN_LOG_SIZE: u64 = 64 << 10;

/// The receiver's configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub tcp: Option<TcpConfig>,
    pub udp: Option<UdpConfig>,
    /// `rfc3164`, `rfc5424`, or `none`.
    pub protocol: Option<String>,
    /// The zone of times that say none, by its IANA name.
    pub location: Option<String>,
    pub enable_octet_counting: bool,
    pub max_octets: Option<usize>,
    pub allow_skip_pri_header: bool,
    pub non_transparent_framing_trailer: Option<String>,
    pub on_error: OnError,
    pub parse_to: Option<String>,
    pub attributes: BTreeMap<String, String>,
    pub resource: BTreeMap<String, String>,
    pub operators: Vec<Operator>,
    pub retry_on_failure: Retry,
}

/// Messages over TCP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TcpConfig {
    pub listen_address: String,
    pub tls: Option<ServerConfig>,
    pub max_log_size: Size,
    pub add_attributes: bool,
    pub one_log_per_packet: bool,
    pub encoding: String,
    pub multiline: Option<Multiline>,
    pub preserve_leading_whitespaces: bool,
    pub preserve_trailing_whitespaces: bool,
    /// Connections at a time; one more is closed at once. As many as come where it is 0.
    pub max_connections: usize,
    /// A connection that says nothing for so long is closed; none is where it is 0.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub connection_idle_timeout: Duration,
}

/// Messages over UDP.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UdpConfig {
    pub listen_address: String,
    pub add_attributes: bool,
    pub one_log_per_packet: bool,
    pub encoding: String,
    pub multiline: Option<Multiline>,
    pub preserve_leading_whitespaces: bool,
    pub preserve_trailing_whitespaces: bool,
    /// Taken for the Collector's sake: what has come is read at once.
    pub r#async: Option<Async>,
}

/// How many read in the Collector.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Async {
    pub readers: usize,
    pub processors: usize,
    pub max_queue_length: usize,
}

impl Default for TcpConfig {
    fn default() -> Self {
        TcpConfig {
            listen_address: String::new(),
            tls: None,
            max_log_size: Size(MAX_LOG_SIZE),
            add_attributes: false,
            one_log_per_packet: false,
            encoding: "utf-8".to_owned(),
            multiline: None,
            preserve_leading_whitespaces: false,
            preserve_trailing_whitespaces: false,
            max_connections: 0,
            connection_idle_timeout: Duration::ZERO,
        }
    }
}

impl Default for UdpConfig {
    fn default() -> Self {
        UdpConfig {
            listen_address: String::new(),
            add_attributes: false,
            one_log_per_packet: false,
            encoding: "utf-8".to_owned(),
            multiline: None,
            preserve_leading_whitespaces: false,
            preserve_trailing_whitespaces: false,
            r#async: None,
        }
    }
}

impl TcpConfig {
    /// The longest message in bytes.
    pub(super) fn max(&self) -> usize {
        if self.max_log_size.0 == 0 { MAX_LOG_SIZE as usize } else { self.max_log_size.0 as usize }
    }

    pub(super) fn cut(&self) -> Cut<'_> {
        Cut {
            multiline: self.multiline.as_ref(),
            encoding: &self.encoding,
            max: self.max(),
            too_long: TooLong::Split,
            keeps_leading: self.preserve_leading_whitespaces,
            keeps_trailing: self.preserve_trailing_whitespaces,
            keeps_parts: false,
        }
    }

    fn wrongs(&self) -> Vec<Wrong> {
        let size = self.max_log_size.0;
        let mut wrongs = Wrong::among([
            ("tcp.listen_address", self.listen_address.is_empty(), "write where to listen, such as `0.0.0.0:54526`"),
            ("tcp.max_log_size", size != 0 && size < MIN_LOG_SIZE, "it has to be at least 64KiB"),
            ("tcp.max_log_size", size > MAX_LOG_SIZE, "it may be 1MiB at most"),
        ]);
        wrongs.extend(encoding_wrongs("tcp.encoding", &self.encoding));
        wrongs.extend(self.multiline.iter().flat_map(|multiline| multiline.wrongs("tcp.multiline")));
        wrongs.extend(self.tls.iter().flat_map(|tls| tls.wrongs("tcp.tls")));
        wrongs
    }
}

impl UdpConfig {
    pub(super) fn cut(&self) -> Cut<'_> {
        Cut {
            multiline: self.multiline.as_ref(),
            encoding: &self.encoding,
            max: super::udp::MAX_DATAGRAM,
            too_long: TooLong::Split,
            keeps_leading: self.preserve_leading_whitespaces,
            keeps_trailing: self.preserve_trailing_whitespaces,
            keeps_parts: false,
        }
    }

    fn wrongs(&self) -> Vec<Wrong> {
        let nowhere = self.listen_address.is_empty();
        let told = "write where to listen, such as `0.0.0.0:54526`";
        let mut wrongs = Wrong::among([("udp.listen_address", nowhere, told)]);
        wrongs.extend(encoding_wrongs("udp.encoding", &self.encoding));
        wrongs.extend(self.multiline.iter().flat_map(|multiline| multiline.wrongs("udp.multiline")));
        wrongs
    }
}

impl Config {
    /// All operators: the one that reads what came, and those behind it.
    pub(super) fn operators(&self) -> Vec<Operator> {
        let parser = Operator {
            r#type: "syslog_parser".to_owned(),
            id: Some(PARSER.to_owned()),
            on_error: self.on_error,
            parse_to: self.parse_to.clone(),
            protocol: self.protocol.clone(),
            location: self.location.clone(),
            enable_octet_counting: Some(self.enable_octet_counting),
            max_octets: self.max_octets,
            allow_skip_pri_header: Some(self.allow_skip_pri_header),
            non_transparent_framing_trailer: self.non_transparent_framing_trailer.clone(),
            ..Operator::default()
        };
        std::iter::once(parser).chain(self.operators.iter().cloned()).collect()
    }

    /// Whether a message ends with a NUL.
    pub(super) fn ends_with_nul(&self) -> bool {
        self.non_transparent_framing_trailer.as_deref() == Some("NUL")
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        let is_framed = self.enable_octet_counting || self.non_transparent_framing_trailer.is_some();
        let nothing = self.tcp.is_none() && self.udp.is_none();
        let with_lines = self.tcp.as_ref().is_some_and(|tcp| tcp.multiline.is_some() || tcp.one_log_per_packet);
        let mut wrongs = Wrong::among([
            ("tcp", nothing, "write `tcp`, `udp` or both, each with its `listen_address`"),
            (
                "udp",
                self.udp.is_some() && is_framed,
                "datagrams are not framed: `enable_octet_counting` and `non_transparent_framing_trailer` go with `tcp` only",
            ),
            (
                "enable_octet_counting",
                self.enable_octet_counting && with_lines,
                "the number of octets says where a message ends: take `multiline` and `one_log_per_packet` out of `tcp`",
            ),
        ]);
        wrongs.extend(self.tcp.iter().flat_map(TcpConfig::wrongs));
        wrongs.extend(self.udp.iter().flat_map(UdpConfig::wrongs));
        wrongs.extend(fixed_wrongs("attributes", &self.attributes));
        wrongs.extend(fixed_wrongs("resource", &self.resource));
        if let Err(told) = crate::entries::operators::Syslog::new(&self.operators()[0]) {
            let (key, told) =
                told.split_once(": ").filter(|(key, _)| !key.contains(' ')).unwrap_or(("protocol", &told));
            wrongs.push(Wrong::new(key, told));
        } else {
            wrongs.extend(operator_wrongs(&self.operators));
        }
        if let Some(Err(told)) = self.parse_to.as_deref().map(Field::parse) {
            wrongs.push(Wrong::new("parse_to", told));
        }
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let tls = self.tcp.iter().filter_map(|tcp| tcp.tls.as_ref());
        tls.flat_map(|tls| tls.wrongs_in("tcp.tls", &|path| files.read(path))).collect()
    }
}
