//! An API server that has one Lease, and can be made to hang or to refuse.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::watch::Server;

#[derive(Default)]
pub(super) struct State {
    pub(super) lease: Option<Value>,
    version: u64,
    /// Questions so far.
    pub(super) asked: usize,
    pub(super) written: Option<Instant>,
    /// Whether nothing is answered.
    pub(super) hangs: bool,
    /// The code that everything is refused with.
    pub(super) refuses: Option<u16>,
}

/// The server; it ends when it is dropped.
pub(super) struct Fake {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Fake { address, state, serving }
    }

    pub(super) fn server(&self) -> Server {
        Server::At(format!("http://{}", self.address).parse().unwrap())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn spec(&self) -> Value {
        self.state().lease.as_ref().map(|lease| lease["spec"].clone()).unwrap_or_default()
    }

    /// Another, who is not in this process, has the Lease from now on, or renews it.
    pub(super) fn renew_as(&self, holder: &str, seconds: u32) {
        let mut state = self.state();
        let number = state.version;
        let spec = json!({
            "holderIdentity": holder, "leaseDurationSeconds": seconds, "leaseTransitions": 3,
            "renewTime": format!("2026-03-01T10:00:00.{number:06}Z"),
        });
        state.write(json!({ "metadata": { "name": "tidegate", "namespace": "observability" }, "spec": spec }));
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn write(&mut self, mut lease: Value) -> Value {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease.clone());
        self.written = Some(Instant::now());
        lease
    }

    fn answer(&mut self, method: &str, body: Value) -> (u16, Value) {
        let failed = |code: u16| {
            (
                code,
                json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "no", "reason": "no", "code": code }),
            )
        };
        if let Some(code) = self.refuses {
            return failed(code);
        }
        match (method, &self.lease) {
            ("GET", Some(lease)) => (200, lease.clone()),
            ("GET", None) => failed(404),
            ("POST", Some(_)) => failed(409),
            ("POST", None) => (201, self.write(body)),
            ("PUT", Some(lease)) if lease["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"] => {
                (200, self.write(body))
            }
            ("PUT", _) => failed(409),
            _ => failed(405),
        }
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut head, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|bytes| bytes > 2) {
            head.push(std::mem::take(&mut line).to_ascii_lowercase());
        }
        let Some(first) = head.first() else { return };
        let method = first.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let length = head.iter().find_map(|line| line.strip_prefix("content-length:"));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let answer = {
            let mut state = state.lock().unwrap();
            state.asked += 1;
            if state.hangs { None } else { Some(state.answer(&method, body)) }
        };
        let Some((code, answer)) = answer else { return std::future::pending().await };
        let answer = answer.to_string();
        let head =
            format!("HTTP/1.1 {code} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", answer.len());
        if stream.write_all(format!("{head}{answer}").as_bytes()).await.is_err() {
            return;
        }
    }
}
