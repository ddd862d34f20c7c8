//! What a user may write under `receivers: otlp:`. The keys and defaults are the Collector's where it has them.

use std::path::Path;
use std::time::Duration;

use host_compression::{Coding, most_room};
use host_config::time::duration;
use host_config::{Auth, Check, Files, Wrong};
use host_tls::ServerConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::identity;

/// The receiver's configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub protocols: Protocols,
    /// Who senders are by their certificates, and what that lets them say.
    pub identity: Option<host_identity::Config>,
}

/// The protocols that are served: those whose key is there, with or without a value.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protocols {
    #[serde(deserialize_with = "present")]
    pub grpc: Option<GrpcConfig>,
    #[serde(deserialize_with = "present")]
    pub http: Option<HttpConfig>,
}

/// What the largest message of a protocol takes at the most while it is read.
pub(crate) struct Room {
    pub(crate) protocol: &'static str,
    /// The key that says how large that message is.
    pub(crate) key: &'static str,
    pub(crate) message: usize,
    pub(crate) room: usize,
}

/// OTLP over gRPC.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcConfig {
    pub endpoint: String,
    pub tls: Option<ServerConfig>,
    pub auth: Option<Auth>,
    /// Whether what requests say of themselves in headers goes along with their data.
    pub include_metadata: bool,
    /// The largest message, as sent and decompressed.
    pub max_recv_msg_size_mib: usize,
    /// Calls at a time on one connection.
    pub max_concurrent_streams: u32,
    /// Connections at a time; one more is closed at once.
    pub max_connections: usize,
    pub max_header_bytes: u32,
    /// How long a sender may take for one message.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub read_timeout: Duration,
    pub keepalive: Keepalive,
}

impl Default for GrpcConfig {
    fn default() -> Self {
        GrpcConfig {
            endpoint: "localhost:4317".to_owned(),
            tls: None,
            auth: None,
            include_metadata: false,
            max_recv_msg_size_mib: 4,
            max_concurrent_streams: 128,
            max_connections: 1024,
            max_header_bytes: 16 << 10,
            read_timeout: Duration::from_secs(30),
            keepalive: Keepalive::default(),
        }
    }
}

impl GrpcConfig {
    /// The largest message in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.max_recv_msg_size_mib.saturating_mul(1 << 20)
    }
}

/// OTLP over HTTP/1.1 and HTTP/2.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    pub endpoint: String,
    pub tls: Option<ServerConfig>,
    pub auth: Option<Auth>,
    /// Whether what requests say of themselves in headers goes along with their data.
    pub include_metadata: bool,
    /// The largest body in bytes, as sent and decompressed.
    pub max_request_body_size: usize,
    pub max_concurrent_streams: u32,
    pub max_connections: usize,
    pub max_header_bytes: u32,
    /// How long a sender may take for its headers.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub read_header_timeout: Duration,
    /// How long a sender may take for one body.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub read_timeout: Duration,
    pub keepalive: Keepalive,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            endpoint: "localhost:4318".to_owned(),
            tls: None,
            auth: None,
            include_metadata: false,
            max_request_body_size: 20 << 20,
            max_concurrent_streams: 128,
            max_connections: 1024,
            max_header_bytes: 16 << 10,
            read_header_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
            keepalive: Keepalive::default(),
        }
    }
}

/// How long connections live.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Keepalive {
    pub server_parameters: ServerParameters,
}

/// The server's side of it; a time of zero means never.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerParameters {
    /// A connection without a call for so long is told to go.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_connection_idle: Duration,
    /// A connection of this age is told to go, so that clients spread anew over the servers.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_connection_age: Duration,
    /// How long calls may go on after that.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub max_connection_age_grace: Duration,
    /// A connection on which nothing was received for so long is pinged (HTTP/2 only).
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub time: Duration,
    /// How long the answer to the ping may take.
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub timeout: Duration,
}

impl Default for ServerParameters {
    fn default() -> Self {
        ServerParameters {
            max_connection_idle: Duration::from_secs(600),
            max_connection_age: Duration::ZERO,
            max_connection_age_grace: Duration::ZERO,
            time: Duration::from_secs(7200),
            timeout: Duration::from_secs(20),
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        const POSITIVE: &str = "it has to be at least 1";
        let Protocols { grpc, http } = &self.protocols;
        let none = grpc.is_none() && http.is_none();
        let mut wrongs =
            Wrong::among([("protocols", none, "no protocol is set; write `protocols: { grpc: {} }`, `http` or both")]);
        if let Some(grpc) = grpc {
            wrongs.extend(Wrong::among([
                ("protocols.grpc.max_recv_msg_size_mib", grpc.max_recv_msg_size_mib == 0, POSITIVE),
                ("protocols.grpc.max_connections", grpc.max_connections == 0, POSITIVE),
                ("protocols.grpc.max_concurrent_streams", grpc.max_concurrent_streams == 0, POSITIVE),
            ]));
        }
        if let Some(http) = http {
            wrongs.extend(Wrong::among([
                ("protocols.http.max_request_body_size", http.max_request_body_size == 0, POSITIVE),
                ("protocols.http.max_connections", http.max_connections == 0, POSITIVE),
                ("protocols.http.max_concurrent_streams", http.max_concurrent_streams == 0, POSITIVE),
            ]));
        }
        wrongs.extend(self.protocols.tls().into_iter().flat_map(|(at, tls)| tls.wrongs(at)));
        let auth = [
            ("protocols.grpc.auth", grpc.as_ref().and_then(|grpc| grpc.auth.as_ref())),
            ("protocols.http.auth", http.as_ref().and_then(|http| http.auth.as_ref())),
        ];
        wrongs.extend(auth.iter().filter_map(|(at, auth)| Some(auth.as_ref()?.wrongs(at))).flatten());
        wrongs.extend(self.identity.iter().flat_map(|identity| identity.wrongs(identity::KEY)));
        wrongs.extend(self.identity.as_ref().and_then(|_| self.protocols.nameless()));
        wrongs.extend(self.identity.iter().flat_map(|identity| self.protocols.cramped(identity)));
        wrongs
    }

    fn wrongs_in(&self, files: &Files<'_>) -> Vec<Wrong> {
        let read = |path: &Path| files.read(path);
        let mut wrongs: Vec<_> =
            self.protocols.tls().into_iter().flat_map(|(at, tls)| tls.wrongs_in(at, &read)).collect();
        let list = self.identity.iter().map(|identity| &identity.deny_file);
        let list = list.filter(|path| !path.as_os_str().is_empty());
        wrongs.extend(list.filter_map(|path| identity::denied(path, &read).err()));
        wrongs
    }
}

impl Protocols {
    /// What is wrong where a protocol lets in senders that show no certificate, and senders are to show who they are.
    fn nameless(&self) -> Option<Wrong> {
        let is_open = |tls: Option<&ServerConfig>| tls.is_none_or(|tls| tls.client_ca_file.as_os_str().is_empty());
        let grpc = self.grpc.as_ref().is_some_and(|grpc| is_open(grpc.tls.as_ref())).then_some("grpc");
        let http = self.http.as_ref().is_some_and(|http| is_open(http.tls.as_ref())).then_some("http");
        let protocol = grpc.or(http)?;
        let message = format!(
            "senders over {protocol} show no certificate that says who they are: name the authorities of clients in \
             `protocols.{protocol}.tls.client_ca_file`, or leave `protocols.{protocol}` to a receiver of its own \
             without `identity`"
        );
        Some(Wrong::new(identity::KEY, message))
    }

    /// The limits of identities that the largest message has no room in: it could never be taken, and its sender would try
    /// for ever.
    fn cramped(&self, identity: &host_identity::Config) -> Vec<Wrong> {
        let Some(largest) = self.rooms().into_iter().max_by_key(|room| room.room) else { return Vec::new() };
        let Room { protocol, key, message, room } = largest;
        let cramped = identity.limits().filter(|(_, limits)| {
            // Of nothing it is said elsewhere that it is too little.
            limits.in_flight().is_some_and(|most| most > 0 && most < room)
        });
        let told = cramped.map(|(at, _)| {
            let message = format!(
                "a message of {message} bytes, which protocols.{protocol}.{key} lets in, takes up to {room} while it is \
                 read: raise this to {} or lower that",
                room.div_ceil(1 << 20)
            );
            Wrong::new(format!("{}.{at}.in_flight_mib", identity::KEY), message)
        });
        told.collect()
    }

    /// What the largest messages take.
    pub(crate) fn rooms(&self) -> Vec<Room> {
        let grpc = self.grpc.as_ref().map(|grpc| {
            let (message, codings) = (grpc.max_message(), [Coding::Gzip, Coding::Zstd, Coding::SnappyFramed]);
            Room { protocol: "grpc", key: "max_recv_msg_size_mib", message, room: most_room(&codings, message) }
        });
        let http = self.http.as_ref().map(|http| {
            let message = http.max_request_body_size;
            // JSON is there as text and as what it says, and its longest string once more.
            let room = most_room(&Coding::ALL, message).max(message.saturating_mul(3));
            Room { protocol: "http", key: "max_request_body_size", message, room }
        });
        grpc.into_iter().chain(http).collect()
    }

    /// The encrypted protocols, each with the key of its section.
    fn tls(&self) -> Vec<(&'static str, &ServerConfig)> {
        let grpc = self.grpc.as_ref().and_then(|grpc| grpc.tls.as_ref()).map(|tls| ("protocols.grpc.tls", tls));
        let http = self.http.as_ref().and_then(|http| http.tls.as_ref()).map(|tls| ("protocols.http.tls", tls));
        grpc.into_iter().chain(http).collect()
    }
}

/// `grpc:` without a value is a protocol with its defaults.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Option::deserialize(deserializer).map(|value| Some(value.unwrap_or_default()))
}
