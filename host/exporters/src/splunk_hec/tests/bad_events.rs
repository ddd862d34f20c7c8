//! What becomes of the events beside one that Splunk refuses.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host_component::{Authenticators, Delivery, Exporter, Outcome};
use host_otlp::build::Logs;
use host_telemetry::Metrics;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::config;
use crate::Deps;

/// A Splunk that takes no request with an event that says `bad`, and what came: the request, and whether it was taken.
struct Splunk {
    exporter: Arc<dyn Exporter>,
    metrics: Metrics,
    got: Arc<Mutex<Vec<(String, bool)>>>,
}

impl Splunk {
    async fn start() -> Splunk {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<(String, bool)>>>::default();
        let kept = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                let service = service_fn(move |request| serve(request, Arc::clone(&kept)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        let metrics = Metrics::new();
        let deps = Deps { base: Path::new("."), auth: &Authenticators::default(), metrics: &metrics };
        let config = config(&format!(r#"{{"endpoint":"{endpoint}","token":"t","disable_compression":true}}"#));
        let exporter = config.build(&"splunk_hec".parse().unwrap(), &deps).await.unwrap();
        Splunk { exporter, metrics, got }
    }

    /// Sends so many events, some of which are bad.
    async fn send(&self, events: u32, is_bad: impl Fn(u32) -> bool) -> Outcome {
        let mut request = Logs::new();
        request.resource_logs(|resource| {
            resource.scope_logs(|scope| {
                for n in 0..events {
                    let text = format!("{} {n};", if is_bad(n) { "bad" } else { "good" });
                    scope.log_record(|record| record.body(text.as_str()));
                }
            });
        });
        self.exporter.consume(Delivery::new(request.finish())).await
    }

    fn requests(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

async fn serve(
    request: Request<Incoming>,
    got: Arc<Mutex<Vec<(String, bool)>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let is_taken = !text.contains("bad");
    got.lock().unwrap().push((text, is_taken));
    let (status, said) = match is_taken {
        true => (200, r#"{"text":"Success","code":0}"#),
        false => (400, r#"{"text":"Incorrect index","code":7,"invalid-event-number":1}"#),
    };
    Ok(Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(said.into()))
        .unwrap())
}

#[tokio::test]
async fn one_bad_event_keeps_no_other_from_being_taken() {
    let splunk = Splunk::start().await;
    assert_eq!(splunk.send(100, |n| n == 3 || n == 70).await, Ok(()));
    let got = splunk.got.lock().unwrap().clone();
    let taken: String = got.iter().filter(|(_, is_taken)| *is_taken).map(|(text, _)| text.as_str()).collect();
    for n in (0..100).filter(|n| *n != 3 && *n != 70) {
        assert_eq!(taken.matches(&format!("good {n};")).count(), 1, "{n}");
    }
    assert!(splunk.requests() < 40, "{}", splunk.requests());
    assert_eq!(splunk.metrics.total("otelcol_exporter_sent_log_records"), 98);
    assert_eq!(splunk.metrics.total("otelcol_exporter_send_failed_log_records"), 2);
}

#[tokio::test]
async fn where_every_event_is_bad_not_each_is_asked_for() {
    let splunk = Splunk::start().await;
    assert!(splunk.send(2000, |_| true).await.unwrap_err().is_permanent());
    assert!(splunk.requests() <= 1 + 2 * 256, "{}", splunk.requests());
    assert_eq!(splunk.metrics.total("otelcol_exporter_send_failed_log_records"), 2000);
}
