//! The sink: takes OTLP/gRPC, counts the items in it, answers success; and whatever is posted over HTTP.
//!
//! Payloads are walked by length prefix only, so a sink costs far less than the collector that feeds it.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use clap::Args;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

use crate::export::PREFIX;
use crate::stats::{self, Counts};
use crate::walk;

#[derive(Args)]
pub struct Options {
    /// Where to take OTLP/gRPC.
    #[arg(long, default_value = "127.0.0.1:14317")]
    grpc: String,
    /// Where to take Prometheus' remote write.
    #[arg(long, default_value = "127.0.0.1:14009")]
    remote_write: String,
    /// Where to take whatever is posted over HTTP/1.1.
    #[arg(long, default_value = "127.0.0.1:14318")]
    http: String,
    /// Where to answer `GET /stats`, `POST /reset` (zero) and `POST /search` (zero, and look for needles from now on).
    #[arg(long, default_value = "127.0.0.1:14999")]
    stats: String,
    /// A text to count the occurrences of; may be given several times.
    #[arg(long = "needle")]
    needles: Vec<String>,
}

pub async fn run(options: Options) -> Result<(), String> {
    let counts = Rc::new(RefCell::new(Counts::new(&options.needles)));
    let bind = async |address: &str| TcpListener::bind(address).await.map_err(|e| format!("{address}: {e}"));
    let (grpc, http, stats) = (bind(&options.grpc).await?, bind(&options.http).await?, bind(&options.stats).await?);
    let local = tokio::task::LocalSet::new();
    let shared = counts.clone();
    local.spawn_local(async move {
        while let Ok((tcp, _)) = grpc.accept().await {
            tokio::task::spawn_local(serve(tcp, shared.clone()));
        }
    });
    let (remote_write, shared) = (bind(&options.remote_write).await?, counts.clone());
    local.spawn_local(async move {
        while let Ok((tcp, _)) = remote_write.accept().await {
            tokio::task::spawn_local(crate::http::serve(tcp, shared.clone(), crate::http::remote_write));
        }
    });
    let shared = counts.clone();
    local.spawn_local(async move {
        while let Ok((tcp, _)) = http.accept().await {
            tokio::task::spawn_local(crate::http::serve(tcp, shared.clone(), crate::http::any));
        }
    });
    local.spawn_local(async move {
        while let Ok((tcp, _)) = stats.accept().await {
            tokio::task::spawn_local(stats::serve(tcp, counts.clone()));
        }
    });
    local.await;
    Ok(())
}

async fn serve(tcp: TcpStream, counts: Rc<RefCell<Counts>>) {
    let _ = tcp.set_nodelay(true);
    let handshake = h2::server::Builder::new()
        .initial_window_size(8 << 20)
        .initial_connection_window_size(64 << 20)
        .max_concurrent_streams(1024)
        .max_frame_size(1 << 20)
        .handshake::<_, Bytes>(tcp);
    let Ok(mut connection) = handshake.await else { return };
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = match accepted {
            Ok(accepted) => accepted,
            Err(problem) => return eprintln!("rig: the collector's connection: {problem}"),
        };
        let (head, body) = request.into_parts();
        tokio::task::spawn_local(answer(head.uri.path().to_owned(), body, respond, counts.clone()));
    }
}

async fn answer(
    path: String,
    mut body: h2::RecvStream,
    mut respond: h2::server::SendResponse<Bytes>,
    counts: Rc<RefCell<Counts>>,
) {
    let mut message = BytesMut::new();
    while let Some(Ok(chunk)) = body.data().await {
        let _ = body.flow_control().release_capacity(chunk.len());
        message.extend_from_slice(&chunk);
    }
    // The collectors are configured to send uncompressed; what is not is counted as malformed and shows in the table.
    let payload = match message.first() {
        Some(0) => message.get(PREFIX..),
        _ => None,
    };
    counts.borrow_mut().add(payload.unwrap_or_default(), payload.and_then(|payload| items(&path, payload)));
    let head = Response::builder().header("content-type", "application/grpc").body(()).expect("the head is valid");
    let Ok(mut stream) = respond.send_response(head, false) else { return };
    let _ = stream.send_data(Bytes::from_static(&[0; PREFIX]), false);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let _ = stream.send_trailers(trailers);
}

fn items(path: &str, payload: &[u8]) -> Option<u64> {
    if path.contains("MetricsService") { walk::points(payload) } else { walk::records(payload) }
}
