//! What the sink has counted, and a small HTTP server that tells it.

use std::cell::RefCell;
use std::rc::Rc;

use memchr::memmem::Finder;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

#[derive(Default)]
struct Count {
    requests: u64,
    items: u64,
    bytes: u64,
    largest: usize,
    malformed: u64,
}

pub struct Counts {
    count: Count,
    needles: Vec<(String, Finder<'static>, u64)>,
    /// Looking for needles takes time of the rig's core, so it is done in runs of its own.
    searching: bool,
}

impl Counts {
    pub fn new(needles: &[String]) -> Counts {
        let needles = needles.iter().map(|n| (n.clone(), Finder::new(n.as_bytes()).into_owned(), 0)).collect();
        Counts { count: Count::default(), needles, searching: false }
    }

    /// Counts one request; `items` is `None` where it is malformed.
    pub fn add(&mut self, payload: &[u8], items: Option<u64>) {
        self.count.requests += 1;
        self.count.items += items.unwrap_or(0);
        self.count.malformed += u64::from(items.is_none());
        self.count.bytes += payload.len() as u64;
        self.count.largest = self.count.largest.max(payload.len());
        if self.searching {
            for (_, finder, hits) in &mut self.needles {
                *hits += finder.find_iter(payload).count() as u64;
            }
        }
    }

    fn reset(&mut self, searching: bool) {
        self.count = Count::default();
        self.needles.iter_mut().for_each(|(_, _, hits)| *hits = 0);
        self.searching = searching;
    }

    fn json(&self) -> Value {
        let needles: Map<_, _> = self.needles.iter().map(|(text, _, hits)| (text.clone(), json!(hits))).collect();
        json!({
            "requests": self.count.requests,
            "items": self.count.items,
            "bytes": self.count.bytes,
            "largest": self.count.largest,
            "malformed": self.count.malformed,
            "needles": needles,
        })
    }
}

/// Answers one request and closes the connection.
pub async fn serve(mut tcp: TcpStream, counts: Rc<RefCell<Counts>>) {
    let mut lines = BufReader::new(&mut tcp).lines();
    let Ok(Some(first)) = lines.next_line().await else { return };
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
    }
    let body = {
        let mut counts = counts.borrow_mut();
        if first.starts_with("POST /reset ") {
            counts.reset(false);
        } else if first.starts_with("POST /search ") {
            counts.reset(true);
        }
        counts.json().to_string()
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let _ = tcp.write_all(answer.as_bytes()).await;
}
