//! A small DNS server over UDP that answers for IPv4 addresses, and a client that asks it.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use host_component::BoxFuture;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::resolve::Lookup;

/// What a message begins with: id, flags, and how many questions, answers and others there are.
const HEADER: usize = 12;
const LARGEST: usize = 1232;
/// An answer without an error to a question that wants recursion, and one that there is no such name.
const ANSWER: [u8; 2] = [0x81, 0x80];
const NO_SUCH_NAME: [u8; 2] = [0x81, 0x83];
/// The type of an IPv4 address, and the class of the internet.
const A_IN: [u8; 4] = [0, 1, 0, 1];

type Names = Arc<Mutex<BTreeMap<String, Vec<Ipv4Addr>>>>;

/// The server; it ends when it is dropped.
pub(crate) struct DnsServer {
    address: SocketAddr,
    names: Names,
    serving: JoinHandle<()>,
}

impl DnsServer {
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (address, names) = (socket.local_addr().unwrap(), Names::default());
        let serving = tokio::spawn(serve(socket, names.clone()));
        DnsServer { address, names, serving }
    }

    /// From now on the name stands for these.
    pub(crate) fn knows(&self, name: &str, addresses: &[IpAddr]) {
        let v4 = addresses.iter().filter_map(|address| match address {
            IpAddr::V4(v4) => Some(*v4),
            IpAddr::V6(_) => None,
        });
        self.names.lock().unwrap().insert(name.to_owned(), v4.collect());
    }

    /// From now on there is no such name.
    pub(crate) fn forgets(&self, name: &str) {
        self.names.lock().unwrap().remove(name);
    }

    /// Who asks it.
    pub(crate) fn lookup(&self) -> Asked {
        Asked(self.address)
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(socket: UdpSocket, names: Names) {
    let mut buffer = [0; LARGEST];
    while let Ok((length, asker)) = socket.recv_from(&mut buffer).await {
        let answer = answer(&buffer[..length], &names);
        let _ = socket.send_to(&answer, asker).await;
    }
}

fn answer(question: &[u8], names: &Names) -> Vec<u8> {
    let (name, end) = read_name(question, HEADER);
    let names = names.lock().unwrap();
    let known = names.get(&name);
    let found = known.map(Vec::as_slice).unwrap_or_default();
    let mut out = question[..2].to_vec();
    out.extend(if known.is_some() { ANSWER } else { NO_SUCH_NAME });
    out.extend([0, 1]);
    out.extend(u16::try_from(found.len()).unwrap().to_be_bytes());
    out.extend([0; 4]);
    out.extend(&question[HEADER..end + 4]);
    for address in found {
        // The name is that of the question, and holds for a second.
        out.extend([0xc0, HEADER as u8]);
        out.extend(A_IN);
        out.extend([0, 0, 0, 1, 0, 4]);
        out.extend(address.octets());
    }
    out
}

/// The name that starts there, and where it ends.
fn read_name(message: &[u8], mut at: usize) -> (String, usize) {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(message[at]);
        if length >= 0xc0 {
            return (labels.join("."), at + 2);
        }
        at += 1;
        if length == 0 {
            return (labels.join("."), at);
        }
        labels.push(String::from_utf8_lossy(&message[at..at + length]).to_lowercase());
        at += length;
    }
}

/// Asks the server at this address.
#[derive(Clone, Copy)]
pub(crate) struct Asked(SocketAddr);

impl Lookup for Asked {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let server = self.0;
        Box::pin(async move {
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            socket.connect(server).await?;
            let mut question = vec![0x47, 0x11, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
            for label in name.split('.') {
                question.push(label.len() as u8);
                question.extend(label.as_bytes());
            }
            question.push(0);
            question.extend(A_IN);
            socket.send(&question).await?;
            let mut buffer = [0; LARGEST];
            let length = socket.recv(&mut buffer).await?;
            read_answer(&buffer[..length])
        })
    }
}

fn read_answer(message: &[u8]) -> io::Result<Vec<IpAddr>> {
    if message[3] & 15 != 0 {
        return Err(io::Error::other("no such name"));
    }
    let count = u16::from_be_bytes([message[6], message[7]]);
    let mut at = read_name(message, HEADER).1 + 4;
    let mut found = Vec::new();
    for _ in 0..count {
        at = read_name(message, at).1 + 10;
        let octets: [u8; 4] = message[at..at + 4].try_into().unwrap();
        found.push(Ipv4Addr::from(octets).into());
        at += 4;
    }
    Ok(found)
}
