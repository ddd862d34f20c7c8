//! An HTTP server that remembers what it got and answers by a script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host_compression::Coding;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::next_hop::unpacked;

#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// A status, headers and a body.
    Reply(u16, &'static [(&'static str, &'static str)], Bytes),
    /// 413, for bodies larger than this when they are unpacked, and 200 for others.
    Limit(usize),
    /// None at all.
    Silence,
}

impl Answer {
    pub(super) fn status(status: u16) -> Answer {
        Answer::Reply(status, &[], Bytes::new())
    }
}

/// What arrived.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) struct HttpHop {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    requests: Mutex<Vec<Received>>,
    script: Mutex<VecDeque<Answer>>,
    otherwise: Mutex<Answer>,
    connections: AtomicUsize,
}

impl HttpHop {
    pub(super) async fn start() -> HttpHop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            requests: Mutex::default(),
            script: Mutex::default(),
            otherwise: Mutex::new(Answer::status(200)),
            connections: AtomicUsize::new(0),
        });
        let serving = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                let state = serving.clone();
                let service = service_fn(move |request| serve(request, state.clone()));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        HttpHop { address, state }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub(super) fn answers_next(&self, answer: Answer) {
        self.state.script.lock().unwrap().push_back(answer);
    }

    pub(super) fn always_answers(&self, answer: Answer) {
        *self.state.otherwise.lock().unwrap() = answer;
    }
}

async fn serve(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let mut body = body.collect().await.unwrap().to_bytes();
    if let Some(name) = head.headers.get("content-encoding") {
        body = unpacked(Coding::of_http(name.as_bytes()).unwrap(), &body).await;
    }
    let size = body.len();
    let received = Received { path: head.uri.path().to_owned(), headers: head.headers, body };
    state.requests.lock().unwrap().push(received);
    let scripted = state.script.lock().unwrap().pop_front();
    let answer = scripted.unwrap_or_else(|| state.otherwise.lock().unwrap().clone());
    let (status, headers, body) = match answer {
        Answer::Reply(status, headers, body) => (status, headers, body),
        Answer::Limit(limit) => (if size > limit { 413 } else { 200 }, &[][..], Bytes::new()),
        Answer::Silence => std::future::pending().await,
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Ok(response.body(Full::new(body)).unwrap())
}
