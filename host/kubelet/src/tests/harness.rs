//! A kubelet that answers over TLS as it is told to, and what asks it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use host_component::{Authenticators, MetadataKeys};
use host_config::Value;
use host_periodic::{Collect as _, Collected, Missed};
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use host_tls::{Acceptor, Listener, ServerConfig};
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::metrics::v1::ResourceMetrics;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::documents::{PODS, SUMMARY};
use crate::Config;
use crate::receiver::{BuildError, Kubelet};

/// Who issues certificates.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate and its key.
    pub(super) fn issue(&self, name: &str) -> (String, String) {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// What is answered at a path.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn ok(body: impl Into<Bytes>) -> Self {
        Reply { status: 200, body: body.into() }
    }

    pub(super) fn status(status: u16, body: &'static str) -> Self {
        Reply { status, body: body.into() }
    }
}

/// What it was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
}

#[derive(Default)]
struct Shared {
    replies: BTreeMap<&'static str, Reply>,
    asked: Vec<Asked>,
}

/// A kubelet, and a folder with what asks it needs.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) folder: TempDir,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// A kubelet with a certificate for 127.0.0.1, the authority of which and a token are in the folder.
    pub(super) async fn start() -> Server {
        let authority = Authority::new("cluster");
        let (cert_pem, key_pem) = authority.issue("127.0.0.1");
        let config = ServerConfig { cert_pem: secret(cert_pem), key_pem: secret(key_pem), ..ServerConfig::default() };
        Server::with(&authority, Some(config)).await
    }

    /// One that lets in who shows a certificate of the authority.
    pub(super) async fn strict(authority: &Authority) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let (cert_pem, key_pem) = authority.issue("127.0.0.1");
        let path = folder.path().join("clients.crt");
        std::fs::write(&path, &authority.pem).unwrap();
        let config = ServerConfig {
            cert_pem: secret(cert_pem),
            key_pem: secret(key_pem),
            client_ca_file: path,
            ..ServerConfig::default()
        };
        Server::with(authority, Some(config)).await
    }

    /// The port that answers everybody, in the clear.
    pub(super) async fn open() -> Server {
        Server::with(&Authority::new("cluster"), None).await
    }

    async fn with(authority: &Authority, tls: Option<ServerConfig>) -> Server {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.crt"), &authority.pem).unwrap();
        std::fs::write(folder.path().join("token"), "first\n").unwrap();
        let listening =
            Listener { receiver: "kubelet", transport: "http", key: "tls", alpn: &[b"http/1.1"], base: Path::new("/") };
        let acceptor: Option<Arc<Acceptor>> =
            tls.map(|config| Arc::new(config.build(&listening, &Metrics::new()).unwrap()));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let replies = [("/stats/summary", Reply::ok(SUMMARY)), ("/pods", Reply::ok(PODS))];
        let shared = Arc::new(Mutex::new(Shared { replies: replies.into(), asked: Vec::new() }));
        let kept = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(request, Arc::clone(&shared)));
                    match acceptor {
                        None => drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await),
                        Some(acceptor) => {
                            let Some(stream) = acceptor.accept(stream).await else { return };
                            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
                        }
                    }
                });
            }
        });
        Server { port, folder, shared }
    }

    pub(super) fn answer(&self, path: &'static str, reply: Reply) {
        self.shared.lock().unwrap().replies.insert(path, reply);
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.shared.lock().unwrap().asked.clone()
    }

    /// How often it was asked for a path.
    pub(super) fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| asked.path == path).count()
    }

    /// What asks it as the service account, with more keys.
    pub(super) async fn asker(&self, keys: &str) -> Asker {
        let section = format!("{{auth_type: serviceAccount, endpoint: '127.0.0.1:{}', {keys}}}", self.port);
        Asker::new(&section, self.folder.path()).await.unwrap()
    }
}

fn secret(text: String) -> host_config::Secret {
    host_config::Secret::new(text)
}

async fn serve(request: Request<Incoming>, shared: Arc<Mutex<Shared>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = Asked { path: request.uri().path().to_owned(), headers: request.headers().clone() };
    let reply = {
        let mut shared = shared.lock().unwrap();
        let reply = shared.replies.get(asked.path.as_str()).cloned().unwrap_or_else(|| Reply::status(404, "no"));
        shared.asked.push(asked);
        reply
    };
    Ok(Response::builder().status(reply.status).body(Full::new(reply.body)).unwrap())
}

/// What asks a kubelet.
pub(super) struct Asker {
    kubelet: Kubelet,
    pub(super) metrics: Metrics,
}

impl Asker {
    pub(super) async fn new(section: &str, account: &Path) -> Result<Asker, BuildError> {
        Asker::within(section, account, Budget::DEFAULT_BYTES).await
    }

    pub(super) async fn within(section: &str, account: &Path, budget: usize) -> Result<Asker, BuildError> {
        let config: Config = Value::parse("test", section).unwrap().decode().unwrap();
        let metrics = Metrics::new();
        let deps = Deps {
            budget: &Budget::new(budget),
            ack_timeout: Duration::from_secs(5),
            base: Path::new("/"),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let kubelet = config.kubelet(&"kubelet_stats".parse().unwrap(), &deps, account).await?;
        Ok(Asker { kubelet, metrics })
    }

    pub(super) async fn collect(&mut self) -> Result<Collected, Missed> {
        self.kubelet.collect().await
    }

    /// What there is, and what is missed of it.
    pub(super) async fn told(&mut self) -> (Vec<ResourceMetrics>, Vec<Missed>) {
        let mut collected = self.collect().await.unwrap();
        assert_eq!(collected.parts.len(), 1);
        let part = collected.parts.remove(0);
        assert_eq!(part.scraper, "kubelet_stats");
        (part.metrics, part.missed)
    }
}
