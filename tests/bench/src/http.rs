//! The sink of exporters that speak HTTP/1.1: it reads each request to its end, counts what is in it, and answers that there
//! is nothing to say.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::stats::Counts;
use crate::walk;

/// Counts a body that nothing is known of: how many items there are in it is the exporter's secret.
pub fn any(body: &[u8], counts: &RefCell<Counts>) {
    counts.borrow_mut().add(body, Some(0));
}

/// Counts the points in a body of Prometheus' remote write, version 1.
pub fn remote_write(body: &[u8], counts: &RefCell<Counts>) {
    let payload = snap::raw::Decoder::new().decompress_vec(body).unwrap_or_default();
    counts.borrow_mut().add(&payload, walk::written(&payload));
}

/// Answers the requests of one connection.
pub async fn serve(tcp: TcpStream, counts: Rc<RefCell<Counts>>, count: fn(&[u8], &RefCell<Counts>)) {
    let _ = tcp.set_nodelay(true);
    let mut stream = BufReader::with_capacity(256 << 10, tcp);
    let (mut line, mut body) = (String::new(), Vec::new());
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
        body.resize(length, 0);
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        count(&body, &counts);
        if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}
