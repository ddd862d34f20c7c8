//! The sink of Prometheus' remote write, version 1: it unpacks each request, counts the points in it, and takes it.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::stats::Counts;
use crate::walk;

/// Answers the requests of one connection.
pub async fn serve(tcp: TcpStream, counts: Rc<RefCell<Counts>>) {
    let _ = tcp.set_nodelay(true);
    let mut stream = BufReader::with_capacity(256 << 10, tcp);
    let (mut line, mut packed) = (String::new(), Vec::new());
    let mut unpack = snap::raw::Decoder::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            match stream.read_line(&mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        packed.resize(length, 0);
        if stream.read_exact(&mut packed).await.is_err() {
            return;
        }
        let payload = unpack.decompress_vec(&packed).unwrap_or_default();
        counts.borrow_mut().add(&payload, walk::written(&payload));
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}
