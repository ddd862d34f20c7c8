//! HTTP/1.1 by hand: requests as they came, and answers, the way servers of such backends speak it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use host_compression::{Coding, Room, unpack};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    /// The parameters, as they are written.
    pub(super) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(super) headers: BTreeMap<String, String>,
    /// As it was sent, compressed or not.
    pub(super) body: Vec<u8>,
    /// Before it was compressed; none where it cannot be unpacked.
    unpacked: Option<Vec<u8>>,
}

/// More than any of these backends takes.
const MOST: usize = 64 << 20;

/// As much memory as is wanted.
struct Plenty;

impl Room for Plenty {
    fn grow(&mut self, _bytes: usize) -> bool {
        true
    }

    fn shrink_to(&mut self, _bytes: usize) {}
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Reply { status, headers, body: body.to_string().into_bytes() }
    }
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The body before it was compressed; why not, where it is in none of these codings.
    pub(super) fn plain(&self, codings: &[&str]) -> Result<&[u8], String> {
        let coding = self.header("content-encoding");
        if !coding.is_empty() && !codings.contains(&coding) {
            return Err(format!("the coding {coding} is not taken"));
        }
        self.unpacked.as_deref().ok_or_else(|| format!("it is no {coding}"))
    }
}

async fn unpacked(coding: &str, body: &[u8]) -> Option<Vec<u8>> {
    if coding.is_empty() {
        return Some(body.to_vec());
    }
    unpack(Coding::of_http(coding.as_bytes())?, body, MOST, &mut Plenty).await.ok()
}

/// A server; it ends when it is dropped.
pub(super) struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer: Arc<dyn Fn(Asked) -> Reply + Send + Sync> = Arc::new(answer);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = Arc::clone(&answer);
                // Whoever goes away in between wants no answer.
                tokio::spawn(async move { serve(stream, answer.as_ref()).await.ok() });
            }
        });
        Server { address, task }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, answer: &(dyn Fn(Asked) -> Reply + Send + Sync)) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream).await? {
        let Reply { status, headers, body } = answer(asked);
        let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
    }
    Ok(())
}

/// The next request; none where there is no other.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let coding = headers.get("content-encoding").map(String::as_str).unwrap_or_default();
    let unpacked = unpacked(coding, &body).await;
    Ok(Some(Asked { method, path: path.to_owned(), query, headers, body, unpacked }))
}

/// Asks once, for tests of the checkers themselves: the status, and the body of the answer.
pub(super) async fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String) {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    let status = line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}
