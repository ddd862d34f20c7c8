//! An API server as a follower meets it at its worst: it tells what it is made to, closes when it is made to, and refuses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use host_kubernetes::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// What a server does next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// Sends a line to all that watch pods.
    Tell(Value),
    /// Ends all watches.
    Close,
}

/// How it answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    pub(super) pods: Vec<Value>,
    /// The code that lists are refused with.
    pub(super) refuses: Option<u16>,
}

/// The server; it ends when it is dropped.
pub(super) struct Fake {
    address: SocketAddr,
    pub(super) answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<String>>>,
    next: broadcast::Sender<Next>,
    serving: JoinHandle<()>,
}

impl Fake {
    pub(super) async fn start(answers: Answers) -> Self {
        Fake::start_at("127.0.0.1:0".parse().unwrap(), answers).await
    }

    pub(super) async fn start_at(address: SocketAddr, answers: Answers) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, asked) = (Arc::new(Mutex::new(answers)), Arc::<Mutex<Vec<String>>>::default());
        let (next, _) = broadcast::channel(16);
        let (shared, questions, tells) = (Arc::clone(&answers), Arc::clone(&asked), next.clone());
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&shared), Arc::clone(&questions), tells.clone()));
            }
        });
        Fake { address, answers, asked, next, serving }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn server(&self) -> Server {
        Server::At(format!("http://{}", self.address).parse().unwrap())
    }

    /// The paths that were asked for, with their queries.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Does this to all that watch; waits until somebody does.
    pub(super) async fn then(&self, next: Next) {
        super::following::until(|| self.next.send(next.clone()).is_ok()).await;
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    stream: TcpStream,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<Mutex<Vec<String>>>,
    next: broadcast::Sender<Next>,
) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    loop {
        let Ok(Some(first)) = lines.next_line().await else { return };
        while let Ok(Some(header)) = lines.next_line().await {
            if header.is_empty() {
                break;
            }
        }
        let path = first.split(' ').nth(1).unwrap().to_owned();
        asked.lock().unwrap().push(path.clone());
        if path.contains("watch=true") {
            if watch(&mut writing, next.subscribe()).await.is_err() {
                return;
            }
            continue;
        }
        let Answers { pods, refuses } = answers.lock().unwrap().clone();
        let (status, body) = match refuses {
            Some(code) => {
                let message = "pods is forbidden: User \"agent\" cannot list resource \"pods\"";
                (
                    code,
                    json!({ "kind": "Status", "status": "Failure", "code": code, "reason": "Forbidden", "message": message }),
                )
            }
            None => (200, json!({ "kind": "PodList", "metadata": { "resourceVersion": "9" }, "items": pods })),
        };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if writing.write_all(format!("{head}{body}").as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn watch(
    writing: &mut tokio::net::tcp::OwnedWriteHalf,
    mut next: broadcast::Receiver<Next>,
) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    writing.write_all(head.as_bytes()).await?;
    while let Ok(Next::Tell(line)) = next.recv().await {
        let line = format!("{line}\n");
        writing.write_all(format!("{:x}\r\n{line}\r\n", line.len()).as_bytes()).await?;
    }
    writing.write_all(b"0\r\n\r\n").await
}
