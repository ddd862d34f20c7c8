//! How a command of the operator reaches the endpoint of a collector's metrics: where it is, by whose certificate it is known,
//! and what shows who asks.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use host_component::{ClientAuth as _, Origin};
use host_extensions::{Deps, bearer_token_auth};
use host_telemetry::Metrics;
use host_tls::{ClientConfig, Stream, Target};
use tokio::net::TcpStream;

/// What was typed.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Access {
    /// Where the collector serves its metrics; with https:// before it where they are encrypted
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8888")]
    endpoint: String,
    /// A file with the token that the collector asks for, as `filename` of its `bearertokenauth` has it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authority that has issued the certificate of the collector; the system's, where none is named
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The name in the certificate of the collector, where that is not the host of the endpoint
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// The certificate to show, where the collector asks for one
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

impl Access {
    /// The endpoint, without a scheme.
    pub(super) fn address(&self) -> &str {
        let endpoint = &self.endpoint;
        let bare = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://")).unwrap_or(endpoint);
        bare.trim_end_matches('/')
    }

    /// Connects, and encrypts that where one of the flags says so.
    pub(super) async fn connect(&self) -> anyhow::Result<Stream> {
        let address = self.address();
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("no collector answers at {address}; --endpoint names another"))?;
        if !self.is_encrypted() {
            return Ok(Stream::Plain(stream));
        }
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        let (owner, key, base) = ("tap", "tls", Path::new(""));
        let target = Target { owner, key, host, https: true, alpn: &[b"http/1.1"], base };
        let connector = self.tls().build(&target, &Metrics::new())?.context("nothing says how to encrypt")?;
        connector.connect(stream).await.with_context(|| format!("the collector at {address}"))
    }

    fn is_encrypted(&self) -> bool {
        let is_told = self.ca_file.is_some() || self.cert_file.is_some() || self.server_name.is_some();
        is_told || self.endpoint.starts_with("https://")
    }

    fn tls(&self) -> ClientConfig {
        let path = |file: &Option<PathBuf>| file.clone().unwrap_or_default();
        ClientConfig {
            ca_file: path(&self.ca_file),
            cert_file: path(&self.cert_file),
            key_file: path(&self.key_file),
            server_name_override: self.server_name.clone().unwrap_or_default(),
            ..ClientConfig::default()
        }
    }

    /// The lines of a request that say whom it is for and who asks.
    pub(super) async fn headers(&self) -> anyhow::Result<String> {
        let mut lines = format!("host: {}\r\n", self.address());
        let Some(filename) = &self.token_file else { return Ok(lines) };
        let id = "bearertokenauth".parse()?;
        let deps = Deps { id: &id, base: Path::new(""), metrics: &Metrics::new() };
        let config = bearer_token_auth::Config { filename: filename.clone(), ..bearer_token_auth::Config::default() };
        let token = config.build(&deps).map_err(|wrong| anyhow!("--token-file: {}", wrong.message))?;
        for header in token.credentials(&Origin::default()).await? {
            let _ = write!(lines, "{}: {}\r\n", header.name, header.value);
        }
        Ok(lines)
    }
}
