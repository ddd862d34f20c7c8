//! The floor: a relay of message bytes on tonic that looks at nothing.
//!
//! What a collector costs more than this, it spends on being a collector. Up to sixteen waiting requests of one signal
//! are sent on as one, and each sender is answered after the next hop has answered.

use std::collections::HashMap;
use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use clap::Parser;
use http::uri::PathAndQuery;
use tokio::sync::{mpsc, oneshot};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower_service::Service;

const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
const JOINED: usize = 16;
const PATHS: [&str; 3] = [
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
];

#[derive(Parser)]
struct Options {
    #[arg(long, default_value = "127.0.0.1:24317")]
    listen: String,
    #[arg(long, default_value = "127.0.0.1:14317")]
    next: String,
}

fn main() -> Result<(), String> {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let next = Endpoint::from_shared(format!("http://{}", options.next))
            .map_err(|e| e.to_string())?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .connect_timeout(Duration::from_secs(5))
            .connect_lazy();
        let listen = options.listen.parse().map_err(|e| format!("{}: {e}", options.listen))?;
        Server::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .serve(listen, Relay::new(&next))
            .await
            .map_err(|e| e.to_string())
    })
}

/// A request that waits to be sent on, and who waits for the answer.
type Waiting = (Bytes, oneshot::Sender<Result<(), Status>>);

/// Takes requests and queues each for the forwarder of its path.
#[derive(Clone)]
struct Relay(HashMap<&'static str, mpsc::Sender<Waiting>>);

impl Relay {
    fn new(next: &Channel) -> Self {
        Relay(PATHS.into_iter().map(|path| (path, forward(path, next.clone()))).collect())
    }
}

impl Service<http::Request<Body>> for Relay {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let queue = self.0.get(request.uri().path()).cloned();
        Box::pin(async move {
            let Some(queue) = queue else { return Ok(Status::unimplemented("no such method").into_http()) };
            let mut grpc = tonic::server::Grpc::new(Raw).max_decoding_message_size(usize::MAX);
            Ok(grpc.unary(Enqueue(queue), request).await)
        })
    }
}

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

struct Enqueue(mpsc::Sender<Waiting>);

impl tonic::server::UnaryService<Bytes> for Enqueue {
    type Response = Vec<Bytes>;
    type Future = BoxFuture<Result<Response<Vec<Bytes>>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let queue = self.0.clone();
        Box::pin(async move {
            let gone = || Status::unavailable("the relay ends");
            let (answer, answered) = oneshot::channel();
            queue.send((request.into_inner(), answer)).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())??;
            Ok(Response::new(Vec::new()))
        })
    }
}

/// Starts the task that sends on what waits for `path`.
fn forward(path: &'static str, next: Channel) -> mpsc::Sender<Waiting> {
    let (queue, mut waiting) = mpsc::channel::<Waiting>(1024);
    tokio::spawn(async move {
        let mut client = tonic::client::Grpc::new(next);
        let mut batch = Vec::with_capacity(JOINED);
        while waiting.recv_many(&mut batch, JOINED).await > 0 {
            let (messages, senders): (Vec<Bytes>, Vec<_>) = batch.drain(..).unzip();
            let outcome = send(&mut client, path, messages).await;
            for sender in senders {
                let _ = sender.send(outcome.clone());
            }
        }
    });
    queue
}

async fn send(
    client: &mut tonic::client::Grpc<Channel>,
    path: &'static str,
    messages: Vec<Bytes>,
) -> Result<(), Status> {
    client.ready().await.map_err(|e| Status::unavailable(e.to_string()))?;
    client.unary(Request::new(messages), PathAndQuery::from_static(path), Raw).await.map(drop)
}

/// Messages as the bytes that they are: many on the way out, which are one by concatenation, and one on the way in.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<Bytes>;
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
    type Item = Vec<Bytes>;
    type Error = Status;

    fn encode(&mut self, messages: Vec<Bytes>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(messages.iter().map(Bytes::len).sum());
        messages.into_iter().for_each(|message| out.put(message));
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
