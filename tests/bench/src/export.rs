//! One OTLP/gRPC export call, written straight on HTTP/2.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{Method, Request};
use tokio::net::TcpStream;

use crate::walk;

/// A connection to the collector; clones share it.
#[derive(Clone)]
pub struct Client {
    h2: SendRequest<Bytes>,
    uri: String,
}

/// `body` as one uncompressed gRPC message.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(body.len() + PREFIX);
    framed.push(0);
    framed.extend_from_slice(&(body.len() as u32).to_be_bytes());
    framed.extend_from_slice(body);
    framed
}

/// Bytes that a gRPC message has before its body.
pub const PREFIX: usize = 5;

impl Client {
    pub async fn connect(endpoint: &str, path: &str) -> Result<Client, String> {
        let tcp = TcpStream::connect(endpoint).await.map_err(|e| format!("{endpoint}: {e}"))?;
        tcp.set_nodelay(true).map_err(|e| format!("{endpoint}: {e}"))?;
        let (h2, connection) = h2::client::Builder::new()
            .initial_window_size(1 << 20)
            .initial_connection_window_size(1 << 24)
            .handshake::<_, Bytes>(tcp)
            .await
            .map_err(|e| format!("{endpoint}: HTTP/2 handshake: {e}"))?;
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                eprintln!("rig: connection: {e}");
            }
        });
        Ok(Client { h2, uri: format!("http://{endpoint}{path}") })
    }

    /// Sends a framed message: how many items the server says it rejected, or why the call failed.
    pub async fn export(&self, message: Bytes) -> Result<u64, String> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(())
            .map_err(|e| e.to_string())?;
        let mut h2 = self.h2.clone().ready().await.map_err(|e| e.to_string())?;
        let (response, mut stream) = h2.send_request(request, false).map_err(|e| e.to_string())?;
        stream.send_data(message, true).map_err(|e| e.to_string())?;
        let (head, mut body) = response.await.map_err(|e| e.to_string())?.into_parts();
        let mut reply = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk.map_err(|e| e.to_string())?;
            let _ = body.flow_control().release_capacity(chunk.len());
            reply.extend_from_slice(&chunk);
        }
        let trailers = body.trailers().await.map_err(|e| e.to_string())?;
        let fields = trailers.as_ref().unwrap_or(&head.headers);
        let field = |name: &str| fields.get(name).and_then(|v| v.to_str().ok()).unwrap_or("none");
        match field("grpc-status") {
            "0" => Ok(reply.get(PREFIX..).map_or(0, walk::rejected)),
            code => Err(format!("http {} grpc {code} {}", head.status.as_u16(), field("grpc-message"))),
        }
    }
}
