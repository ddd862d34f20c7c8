//! A receiver that runs, a consumer that remembers, and clients that speak HTTP/2 and HTTP/1.1 by hand.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Origin, Outcome, Receiver, Signal,
    Trigger,
};
use host_compression::{Coding, pack};
use host_otlp::wire::put_len;
use host_telemetry::Metrics;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::otlp::{Config, GrpcConfig, HttpConfig};
use crate::{Budget, Deps};

/// What every wait in a test is capped by: generous, since it is no part of what is tested.
pub(super) const CAP: Duration = Duration::from_secs(20);

pub(super) const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
pub(super) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Remembers what it took, and answers as it was told to.
pub(super) struct Pipeline {
    pub(super) taken: Mutex<Vec<Bytes>>,
    /// Where each of them came from.
    pub(super) origins: Mutex<Vec<Arc<Origin>>>,
    answer: Mutex<Outcome>,
    /// One permit lets one delivery through.
    gate: Semaphore,
    /// Deliveries that wait at the gate.
    pub(super) waiting: std::sync::atomic::AtomicUsize,
}

struct Waiting<'a>(&'a Pipeline);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Consumer for Pipeline {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            self.waiting.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let waiting = Waiting(self);
            self.gate.acquire().await.unwrap().forget();
            drop(waiting);
            self.taken.lock().unwrap().push(delivery.payload.contiguous());
            self.origins.lock().unwrap().push(delivery.origin);
            self.answer.lock().unwrap().clone()
        })
    }
}

impl Pipeline {
    pub(super) fn fails_with(&self, failure: Failure) {
        *self.answer.lock().unwrap() = Err(failure);
    }

    pub(super) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(std::sync::atomic::Ordering::SeqCst)
    }

    pub(super) fn open(&self) {
        self.gate.add_permits(1 << 20);
    }
}

/// A receiver that runs.
pub(super) struct Running {
    pub(super) pipeline: Arc<Pipeline>,
    /// Where requests go on, as the receiver has it.
    pub(super) consumers: Consumers,
    pub(super) budget: Budget,
    pub(super) metrics: Metrics,
    pub(super) grpc: SocketAddr,
    pub(super) http: SocketAddr,
    pub(super) trigger: Trigger,
    pub(super) task: JoinHandle<()>,
}

/// How to start one.
pub(super) struct Setup {
    pub(super) grpc: GrpcConfig,
    pub(super) http: HttpConfig,
    pub(super) budget: Budget,
    pub(super) auth: Authenticators,
    pub(super) identity: Option<host_identity::Config>,
    /// What is read of requests behind it.
    pub(super) metadata: MetadataKeys,
    pub(super) is_open: bool,
    pub(super) ack_timeout: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        let any = "127.0.0.1:0".to_owned();
        Setup {
            grpc: GrpcConfig { endpoint: any.clone(), ..GrpcConfig::default() },
            http: HttpConfig { endpoint: any, ..HttpConfig::default() },
            budget: Budget::default(),
            auth: Authenticators::default(),
            identity: None,
            metadata: MetadataKeys::default(),
            is_open: true,
            ack_timeout: Duration::MAX,
        }
    }
}

impl Setup {
    /// Starts a receiver whose logs go to a pipeline that remembers; no pipeline takes traces.
    pub(super) fn start(self) -> Running {
        let pipeline = Arc::new(Pipeline {
            taken: Mutex::default(),
            origins: Mutex::default(),
            answer: Mutex::new(Ok(())),
            gate: Semaphore::new(0),
            waiting: Default::default(),
        });
        if self.is_open {
            pipeline.open();
        }
        let mut consumers = Consumers::default();
        consumers.set(Signal::Logs, pipeline.clone());
        let metrics = Metrics::new();
        let mut config = Config::default();
        config.protocols.grpc = Some(self.grpc);
        config.protocols.http = Some(self.http);
        config.identity = self.identity;
        let deps = Deps {
            budget: &self.budget,
            ack_timeout: self.ack_timeout,
            base: Path::new("."),
            auth: &self.auth,
            metadata: &self.metadata,
            metrics: &metrics,
        };
        let receiver = config.build("otlp".parse().unwrap(), &consumers, &deps).unwrap();
        let (grpc, http) = (receiver.grpc_address().unwrap(), receiver.http_address().unwrap());
        let (trigger, shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(receiver).run(shutdown));
        Running { pipeline, consumers, budget: self.budget, metrics, grpc, http, trigger, task }
    }
}

impl Running {
    /// The value of a metric, found by parts of its line.
    pub(super) fn metric(&self, name: &str, labels: &[&str]) -> u64 {
        let text = self.metrics.render();
        let line = text
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))
            .unwrap_or_else(|| panic!("{name} {labels:?} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(super) fn refused(&self, transport: &str, reason: &str) -> u64 {
        let labels = [format!("transport=\"{transport}\""), format!("reason=\"{reason}\"")];
        self.metric("tidegate_receiver_requests_refused", &labels.each_ref().map(String::as_str))
    }
}

/// Waits for a condition.
pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(CAP, wait).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// An export request with one log record.
pub(super) fn logs(body: &str) -> Bytes {
    let nest = |number, inner: &[u8]| {
        let mut out = Vec::new();
        put_len(&mut out, number, inner);
        out
    };
    let value = nest(1, body.as_bytes());
    nest(1, &nest(2, &nest(2, &nest(5, &value)))).into()
}

/// A message with gRPC's prefix.
pub(super) fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut out = vec![flag];
    out.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    out.extend_from_slice(message);
    out.into()
}

pub(super) fn packed(coding: Coding, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    pack(coding, None, std::iter::once(plain), plain.len(), &mut out).unwrap();
    out
}

/// An answer to a gRPC call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) http: u16,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) details: Option<String>,
    pub(super) accept_encoding: Option<String>,
    pub(super) data: Vec<u8>,
}

/// A gRPC client on one connection.
#[derive(Clone)]
pub(super) struct Client(SendRequest<Bytes>);

/// A call that was begun.
pub(super) struct Call {
    pub(super) answer: h2::client::ResponseFuture,
    pub(super) stream: h2::SendStream<Bytes>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Client {
        Self::try_connect(address).await.unwrap().0
    }

    /// A client, and the task that ends with its connection.
    pub(super) async fn try_connect(address: SocketAddr) -> Result<(Client, JoinHandle<()>), h2::Error> {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// The same on a connection that there is, encrypted or not.
    pub(super) async fn over<S>(stream: S) -> Result<(Client, JoinHandle<()>), h2::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (client, connection) = h2::client::handshake(stream).await?;
        let task = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok((Client(client.ready().await?), task))
    }

    /// Begins a call; `headers` come on top of those of gRPC.
    pub(super) async fn begin(&self, path: &str, headers: &[(&str, &str)]) -> Call {
        let mut request = ::http::Request::builder()
            .method(if headers.iter().any(|(name, _)| *name == "x-method-get") { "GET" } else { "POST" })
            .uri(format!("http://test{path}"));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/grpc");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut client = self.0.clone().ready().await.unwrap();
        let (answer, stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
        Call { answer, stream }
    }

    pub(super) async fn call(&self, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answer {
        let mut call = self.begin(path, headers).await;
        let _ = call.stream.send_data(body, true);
        call.finish().await
    }

    pub(super) async fn export(&self, message: &[u8]) -> Answer {
        self.call(LOGS, &[], framed(0, message)).await
    }
}

impl Call {
    pub(super) async fn finish(self) -> Answer {
        tokio::time::timeout(CAP, answer(self.answer)).await.expect("an answer in time")
    }
}

async fn answer(response: h2::client::ResponseFuture) -> Answer {
    let (head, mut body) = response.await.unwrap().into_parts();
    let mut data = Vec::new();
    while let Some(piece) = body.data().await {
        data.extend_from_slice(&piece.unwrap());
    }
    let trailers = body.trailers().await.unwrap().unwrap_or(head.headers.clone());
    let text = |name| trailers.get(name).map(|value: &::http::HeaderValue| value.to_str().unwrap().to_owned());
    Answer {
        http: head.status.as_u16(),
        code: text("grpc-status").unwrap_or_default(),
        message: text("grpc-message").unwrap_or_default(),
        details: text("grpc-status-details-bin"),
        accept_encoding: text("grpc-accept-encoding"),
        data,
    }
}

/// Sends raw HTTP/1.1 and reads what comes back until the receiver closes or a whole answer is there.
pub(super) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    raw_over(TcpStream::connect(address).await.unwrap(), request).await
}

/// The same on a connection that there is, encrypted or not.
pub(super) async fn raw_over(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> String {
    // The receiver may answer and close before it has read everything.
    let _ = stream.write_all(request).await;
    let mut out = Vec::new();
    let read = async {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stream.read(&mut buffer).await {
            out.extend_from_slice(&buffer[..n]);
            if is_whole(&out) {
                break;
            }
        }
    };
    tokio::time::timeout(CAP, read).await.expect("an answer in time");
    String::from_utf8_lossy(&out).into_owned()
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    answer.len() >= head.len() + 4 + length.unwrap_or(0)
}

/// A POST of protobuf.
pub(super) fn post(path: &str, extra: &str, body: &[u8]) -> Vec<u8> {
    let kind = if extra.contains("content-type") { "" } else { "content-type: application/x-protobuf\r\n" };
    let mut out = format!("POST {path} HTTP/1.1\r\nhost: test\r\n{kind}{extra}content-length: {}\r\n\r\n", body.len())
        .into_bytes();
    out.extend_from_slice(body);
    out
}
