//! A gRPC server that remembers what it got and answers by a script.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use h2::server::SendResponse;
use host_compression::Coding;
use host_otlp::wire::{WireType, put_len, put_tag, put_varint};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpListener;

/// What every wait in a test is capped by.
pub(crate) const CAP: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Ok,
    Partial {
        rejected: u64,
        message: &'static str,
    },
    Status {
        code: u32,
        after: Option<Duration>,
    },
    /// HTTP without gRPC.
    Http(u16),
    /// A page for people, as proxies have it.
    Html(u16),
    /// A success that breaks off before its status.
    NoStatus,
    /// A status before the message was read, which then nobody reads.
    Early {
        code: u32,
    },
    /// Resource exhausted, for messages larger than this.
    Limit(usize),
    /// Resource exhausted, with this to say about it.
    TooLarge(&'static str),
    /// Nothing at all from now on, on the whole connection.
    Freeze,
    /// None at all.
    Silence,
    /// The connection is closed instead.
    Hangup,
    /// The answer, and then no more on this connection.
    GoAway,
}

/// What arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) was_compressed: bool,
    pub(crate) message: Bytes,
}

pub(crate) struct NextHop {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    requests: Mutex<Vec<Received>>,
    script: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Answer>,
    connections: AtomicUsize,
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(CAP, wait).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

impl NextHop {
    pub(crate) async fn start() -> NextHop {
        Self::start_at(([127, 0, 0, 1], 0).into()).await
    }

    /// So many on one port of several addresses, as the pods of a headless service are; and the port.
    pub(crate) async fn pods(count: u8) -> (Vec<NextHop>, u16) {
        let first = NextHop::start_at(([127, 0, 0, 1], 0).into()).await;
        let port = first.address().parse::<SocketAddr>().unwrap().port();
        let mut pods = vec![first];
        for last in 2..=count {
            pods.push(NextHop::start_at(([127, 0, 0, last], port).into()).await);
        }
        (pods, port)
    }

    pub(crate) async fn start_at(address: SocketAddr) -> NextHop {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            requests: Mutex::default(),
            script: Mutex::default(),
            otherwise: Mutex::new(Answer::Ok),
            connections: AtomicUsize::new(0),
        });
        let serving = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        NextHop { address, state }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn answers_next(&self, answer: Answer) {
        self.state.script.lock().unwrap().push_back(answer);
    }

    pub(crate) fn always_answers(&self, answer: Answer) {
        *self.state.otherwise.lock().unwrap() = answer;
    }
}

async fn serve(stream: tokio::net::TcpStream, state: Arc<State>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    // Kept, since letting go of one resets its stream.
    let mut silenced = Vec::new();
    let (calls, mut received) = tokio::sync::mpsc::unbounded_channel();
    loop {
        tokio::select! {
            call = connection.accept() => {
                let Some(Ok((request, respond))) = call else { return };
                let (state, calls) = (state.clone(), calls.clone());
                tokio::spawn(async move {
                    let early = matches!(state.script.lock().unwrap().front(), Some(Answer::Early { .. }));
                    let size = if early { 0 } else { read(request, &state).await };
                    let scripted = state.script.lock().unwrap().pop_front();
                    let answer = match scripted.unwrap_or(*state.otherwise.lock().unwrap()) {
                        Answer::Limit(limit) if size > limit => Answer::Status { code: 8, after: None },
                        other => other,
                    };
                    let _ = calls.send((answer, respond));
                });
            }
            Some((answer, mut respond)) = received.recv() => match answer {
                Answer::Silence => silenced.push(respond),
                Answer::Hangup => return,
                Answer::Freeze => std::future::pending().await,
                Answer::GoAway => {
                    reply(&mut respond, Answer::Ok);
                    connection.graceful_shutdown();
                }
                other => reply(&mut respond, other),
            },
        }
    }
}

/// Takes a request down; the size of its message.
async fn read(request: Request<h2::RecvStream>, state: &State) -> usize {
    let (head, mut body) = request.into_parts();
    let mut framed = BytesMut::new();
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        framed.extend_from_slice(&data);
    }
    let was_compressed = framed[0] == 1;
    let announced = u32::from_be_bytes(framed[1..5].try_into().unwrap()) as usize;
    let mut message = framed.freeze().slice(5..);
    assert_eq!(announced, message.len());
    if was_compressed {
        let coding = Coding::of_grpc(head.headers["grpc-encoding"].as_bytes()).unwrap();
        message = unpacked(coding, &message).await;
    }
    let (path, size) = (head.uri.path().to_owned(), message.len());
    state.requests.lock().unwrap().push(Received { path, headers: head.headers, was_compressed, message });
    size
}

/// As much room as anybody wants.
struct Unbounded;

impl host_compression::Room for Unbounded {
    fn grow(&mut self, _: usize) -> bool {
        true
    }

    fn shrink_to(&mut self, _: usize) {}
}

pub(crate) async fn unpacked(coding: Coding, packed: &[u8]) -> Bytes {
    host_compression::unpack(coding, packed, 64 << 20, &mut Unbounded).await.unwrap().into()
}

fn reply(respond: &mut SendResponse<Bytes>, answer: Answer) {
    let head = |status: u16| Response::builder().status(status).header("content-type", "application/grpc");
    // A caller that has left wants no answer.
    let _ = match answer {
        Answer::Http(status) => respond.send_response(head(status).body(()).unwrap(), true).map(|_| ()),
        Answer::Html(status) => {
            let head = Response::builder().status(status).header("content-type", "text/html");
            let page = Bytes::from_static(b"<html><h1>Bad Gateway</h1></html>");
            respond.send_response(head.body(()).unwrap(), false).and_then(|mut body| body.send_data(page, true))
        }
        Answer::NoStatus => {
            let sent = respond.send_response(head(200).body(()).unwrap(), false);
            sent.and_then(|mut body| body.send_data(Bytes::from_static(&[0; 5]), true))
        }
        Answer::Early { code } => reply_status(respond, code, "as%20told", None),
        Answer::Status { code, after } => reply_status(respond, code, "as%20told", after),
        Answer::TooLarge(message) => reply_status(respond, 8, message, None),
        Answer::Partial { rejected, message } => success(respond, head(200), &partial(rejected, message)),
        _ => success(respond, head(200), &[]),
    };
}

fn reply_status(
    respond: &mut SendResponse<Bytes>,
    code: u32,
    message: &str,
    after: Option<Duration>,
) -> Result<(), h2::Error> {
    let mut head = Response::builder().header("content-type", "application/grpc");
    head = head.header("grpc-status", code.to_string()).header("grpc-message", message);
    if let Some(after) = after {
        head = head.header("grpc-status-details-bin", retry_info(code, after));
    }
    respond.send_response(head.body(()).unwrap(), true).map(|_| ())
}

fn success(respond: &mut SendResponse<Bytes>, head: http::response::Builder, message: &[u8]) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(head.body(()).unwrap(), false)?;
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(message);
    stream.send_data(framed.into(), false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers)
}

fn partial(rejected: u64, message: &str) -> Vec<u8> {
    let mut inner = Vec::new();
    put_tag(&mut inner, 1, WireType::Varint);
    put_varint(&mut inner, rejected);
    put_len(&mut inner, 2, message.as_bytes());
    let mut out = Vec::new();
    put_len(&mut out, 1, &inner);
    out
}

/// A `google.rpc.Status` with a `RetryInfo`, as the header spells it.
fn retry_info(code: u32, after: Duration) -> String {
    let nest = |fields: &[(u32, &[u8])]| {
        let mut out = Vec::new();
        fields.iter().for_each(|(number, inner)| put_len(&mut out, *number, inner));
        out
    };
    let mut duration = Vec::new();
    put_tag(&mut duration, 1, WireType::Varint);
    put_varint(&mut duration, after.as_secs());
    let any = nest(&[(1, b"type.googleapis.com/google.rpc.RetryInfo"), (2, &nest(&[(1, &duration)]))]);
    let mut status = Vec::new();
    put_tag(&mut status, 1, WireType::Varint);
    put_varint(&mut status, u64::from(code));
    status.extend(nest(&[(2, b"as told"), (3, &any)]));
    base64::engine::general_purpose::STANDARD.encode(status)
}
