//! A server of OTLP on one connection, over gRPC and HTTP, whose answers somebody else decides about.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};

use crate::payload::{self, Number};
use crate::wire::{Answer, Body, Signal};

/// Decides what becomes of a request.
pub(crate) trait Handler: Send + Sync + 'static {
    fn take(&self, numbers: &[Number]) -> impl Future<Output = Answer> + Send;

    /// The items of a request.
    fn read(&self, signal: Signal, message: &Bytes) -> Result<Vec<Number>, String> {
        payload::numbers(signal, message)
    }

    /// Somebody sent what nobody here sends.
    fn malformed(&self, problem: String);
}

/// Serves all who connect, for as long as the process runs.
pub(crate) fn listen(listener: TcpListener, handler: Arc<impl Handler>) {
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((tcp, _)) => drop(tokio::spawn(serve(tcp, handler.clone()))),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    });
}

pub(crate) async fn serve(tcp: TcpStream, handler: Arc<impl Handler>) {
    let _ = tcp.set_nodelay(true);
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(answer(request, &*handler).await) }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().initial_stream_window_size(4 << 20).initial_connection_window_size(16 << 20);
    // A connection that breaks is what this harness is about.
    let _ = builder.serve_connection(TokioIo::new(tcp), service).await;
}

async fn answer(request: Request<Incoming>, handler: &impl Handler) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Some((protocol, signal)) = Signal::of_path(head.uri.path()) else {
        return Answer::Http(404, None).response(crate::wire::Protocol::Http);
    };
    // Half a request was not taken.
    let Ok(body) = body.collect().await else { return Answer::Http(400, None).response(protocol) };
    let answer = match protocol.unwrap(body.to_bytes()).map(|message| handler.read(signal, &message)) {
        Some(Ok(numbers)) => handler.take(&numbers).await,
        Some(Err(problem)) => refuse(handler, problem),
        None => refuse(handler, "a frame that is compressed or torn".to_owned()),
    };
    answer.response(protocol)
}

fn refuse(handler: &impl Handler, problem: String) -> Answer {
    handler.malformed(problem);
    Answer::Http(400, None)
}
