//! A client of OTLP: one connection, one request at a time, and what it has to do after the answer.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, TE};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::wire::{Protocol, Signal, retryable, retryable_status};

const PATIENCE: Duration = Duration::from_secs(10);

/// What an answer, or its absence, means for the data.
#[derive(Debug)]
pub(crate) enum Reply {
    Acknowledged,
    Partial,
    /// To be sent again, after a time that the server may have named.
    Again {
        why: String,
        after: Option<Duration>,
    },
    Rejected {
        why: String,
    },
}

pub(crate) struct Client {
    protocol: Protocol,
    server: SocketAddr,
    http: Http<HttpConnector, Full<Bytes>>,
}

impl Client {
    pub(crate) fn new(protocol: Protocol, server: SocketAddr) -> Client {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let mut builder = Http::builder(TokioExecutor::new());
        builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
        if protocol == Protocol::Grpc {
            builder.http2_only(true).http2_keep_alive_interval(Duration::from_secs(2));
            builder.http2_keep_alive_timeout(Duration::from_secs(3));
        }
        Client { protocol, server, http: builder.build(connector) }
    }

    pub(crate) async fn send(&self, signal: Signal, body: &Bytes) -> Reply {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        let uri = format!("http://{}{}", self.server, signal.path(self.protocol));
        match uri.parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(problem) => return again(format!("{uri}: {problem}")),
        }
        request.headers_mut().insert(CONTENT_TYPE, self.protocol.content_type());
        request.headers_mut().insert(TE, HeaderValue::from_static("trailers"));
        let exchange = async {
            let response = self.http.request(request).await.map_err(|_| "no connection")?;
            self.read(response).await.map_err(|_| "a broken answer")
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(why)) => again(why),
            Err(_) => again("no answer"),
        }
    }

    async fn read(&self, response: Response<Incoming>) -> Result<Reply, hyper::Error> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let body = body.to_bytes();
        if head.status != 200 {
            let after = head.headers.get(RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
            let why = format!("HTTP {}", head.status.as_u16());
            return Ok(match retryable_status(head.status.as_u16()) {
                true => Reply::Again { why, after: after.map(Duration::from_secs) },
                false => Reply::Rejected { why },
            });
        }
        if self.protocol == Protocol::Grpc {
            let status = Status::from_header_map(&trailers).or_else(|| Status::from_header_map(&head.headers));
            match status {
                None => return Ok(again("no status")),
                Some(status) if status.code() != Code::Ok => return Ok(refused(&status)),
                Some(_) => {}
            }
        }
        let Some(message) = self.protocol.unwrap(body) else { return Ok(again("a broken frame")) };
        // The answers of all three signals have the same fields.
        Ok(match ExportLogsServiceResponse::decode(message) {
            Ok(answer) if answer.partial_success.as_ref().is_some_and(|partial| partial.rejected_log_records > 0) => {
                Reply::Partial
            }
            Ok(_) => Reply::Acknowledged,
            Err(_) => again("an answer that is no protobuf"),
        })
    }
}

fn again(why: impl Into<String>) -> Reply {
    Reply::Again { why: why.into(), after: None }
}

fn refused(status: &Status) -> Reply {
    let info = status.get_details_retry_info();
    let why = format!("{:?}", status.code());
    if retryable(status.code(), info.is_some()) {
        Reply::Again { why, after: info.and_then(|info| info.retry_delay) }
    } else {
        Reply::Rejected { why: format!("{why}: {}", status.message()) }
    }
}
