//! A client sends encoded export requests on one connection and sorts the answers.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use host_otlp::Signal;
use host_otlp::wire::Fields;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// One connection.
#[derive(Clone)]
pub(crate) struct Client {
    channel: Channel,
    timeout: Duration,
}

/// What became of an attempt.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Taken, but for so many items.
    Acknowledged {
        rejected: u64,
    },
    /// The server wants it again, after this time where it said so.
    Again {
        code: Code,
        after: Option<Duration>,
        /// Its words.
        said: String,
    },
    Failed {
        code: Code,
        said: String,
    },
}

impl Client {
    /// Connects, or says that nobody listens.
    pub(crate) async fn connect(endpoint: &str, timeout: Duration) -> anyhow::Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{endpoint}"))?.connect_timeout(Duration::from_secs(5));
        Ok(Client { channel: endpoint.connect().await?, timeout })
    }

    pub(crate) async fn send(&self, signal: Signal, request: Bytes) -> Answer {
        self.send_as(signal, request, &MetadataMap::new()).await
    }

    /// Sends with these headers.
    pub(crate) async fn send_as(&self, signal: Signal, request: Bytes, metadata: &MetadataMap) -> Answer {
        match tokio::time::timeout(self.timeout, self.call(signal, request, metadata)).await {
            Ok(Ok(response)) => Answer::Acknowledged { rejected: rejected(&response) },
            Ok(Err(status)) => sort(&status),
            Err(_) => {
                let said = format!("no answer within {:?}", self.timeout);
                Answer::Again { code: Code::DeadlineExceeded, after: None, said }
            }
        }
    }

    async fn call(&self, signal: Signal, request: Bytes, metadata: &MetadataMap) -> Result<Bytes, Status> {
        let path = match signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        };
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(request);
        *request.metadata_mut() = metadata.clone();
        let response = grpc.unary(request, PathAndQuery::from_static(path), Raw).await?;
        Ok(response.into_inner())
    }
}

/// The items that a response says were not taken: `partial_success.rejected_…`.
fn rejected(response: &[u8]) -> u64 {
    let partial = Fields::new(response, 0, response.len()).find(|field| field.number == 1);
    let Some(partial) = partial else { return 0 };
    number(response, partial.start, partial.end, 1)
}

/// By the OTLP specification's table of codes that may be tried again.
fn sort(status: &Status) -> Answer {
    let (code, said) = (status.code(), status.message().to_owned());
    let after = retry_delay(status.details());
    match code {
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::OutOfRange
        | Code::DataLoss => Answer::Again { code, after, said },
        _ => Answer::Failed { code, said },
    }
}

/// `google.rpc.Status.details[]` → `Any.value` → `RetryInfo.retry_delay`.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    for any in Fields::new(details, 0, details.len()).filter(|field| field.number == 3) {
        let fields = || Fields::new(details, any.start, any.end);
        let kind = fields().find(|field| field.number == 1)?;
        if details[kind.start..kind.end].ends_with(b"google.rpc.RetryInfo") {
            let info = fields().find(|field| field.number == 2)?;
            let delay = Fields::new(details, info.start, info.end).find(|field| field.number == 1)?;
            let part = |field| number(details, delay.start, delay.end, field);
            return Some(Duration::from_secs(part(1)) + Duration::from_nanos(part(2)));
        }
    }
    None
}

/// The varint of field `wanted` of the message at `start..end`; 0 where it has none.
fn number(buf: &[u8], start: usize, end: usize, wanted: u32) -> u64 {
    let field = Fields::new(buf, start, end).find(|field| field.number == wanted);
    field.and_then(|field| host_otlp::wire::varint(buf, field.start)).map_or(0, |(value, _)| value)
}

/// Messages are bytes that somebody else has encoded.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}
