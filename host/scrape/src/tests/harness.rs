//! A target that answers as it is told to, and a pipeline that keeps what it takes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use host_component::{
    Authenticators, BoxFuture, Consumer, Consumers, Delivery, Failure, MetadataKeys, Outcome, Payload, Receiver as _,
    Signal, Trigger,
};
use host_receivers::{Budget, Deps};
use host_telemetry::Metrics;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Config;

/// No test waits longer.
pub(super) const CAP: Duration = Duration::from_secs(30);

/// What a target was asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

/// What it answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// It never answers.
    pub(super) is_silent: bool,
}

impl Reply {
    pub(super) fn text(body: &str) -> Reply {
        let headers = vec![("content-type", "text/plain; version=0.0.4".to_owned())];
        Reply { status: 200, headers, body: body.as_bytes().to_vec(), ..Reply::default() }
    }

    pub(super) fn status(status: u16) -> Reply {
        Reply { status, ..Reply::default() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }
}

type Judge = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

pub(super) struct Server {
    pub(super) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers as the judge says, who hears how many questions there were before.
    pub(super) async fn start(judge: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let connections = Arc::new(AtomicUsize::new(0));
        let judge: Arc<Judge> = Arc::new(judge);
        let (kept, count) = (Arc::clone(&asked), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let (judge, kept) = (Arc::clone(&judge), Arc::clone(&kept));
                let service = service_fn(move |request| serve(request, Arc::clone(&judge), Arc::clone(&kept)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Server { address, asked, connections }
    }

    pub(super) async fn exposing(text: &'static str) -> Server {
        Server::start(move |_, _| Reply::text(text)).await
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(
    request: Request<Incoming>,
    judge: Arc<Judge>,
    kept: Arc<Mutex<Vec<Asked>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = Asked { uri: request.uri().clone(), headers: request.headers().clone() };
    let reply = {
        let mut kept = kept.lock().unwrap();
        let reply = judge(&asked, kept.len());
        kept.push(asked);
        reply
    };
    if reply.is_silent {
        std::future::pending::<()>().await;
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(reply.body.into())).unwrap())
}

/// A pipeline that gives each outcome once, and takes everything then.
struct Sink {
    taken: mpsc::UnboundedSender<Payload>,
    outcomes: Mutex<VecDeque<Outcome>>,
    refused: mpsc::UnboundedSender<Payload>,
}

impl Consumer for Sink {
    fn consume(&self, delivery: Delivery) -> BoxFuture<'_, Outcome> {
        let outcome = self.outcomes.lock().unwrap().pop_front().unwrap_or(Ok(()));
        let to = if outcome.is_ok() { &self.taken } else { &self.refused };
        let _ = to.send(delivery.payload);
        Box::pin(async move { outcome })
    }
}

/// A receiver that runs.
pub(super) struct Running {
    pub(super) metrics: Metrics,
    taken: mpsc::UnboundedReceiver<Payload>,
    refused: mpsc::UnboundedReceiver<Payload>,
    trigger: Trigger,
    task: JoinHandle<()>,
}

impl Running {
    /// Runs the section, which is YAML.
    pub(super) fn start(section: &str) -> Running {
        Running::refusing(section, Vec::new())
    }

    pub(super) fn refusing(section: &str, outcomes: Vec<Outcome>) -> Running {
        Running::within(section, outcomes, Budget::DEFAULT_BYTES)
    }

    pub(super) fn within(section: &str, outcomes: Vec<Outcome>, budget: usize) -> Running {
        let config: Config = host_config::Value::parse("test", section).unwrap().decode().unwrap();
        let (taken, takes) = mpsc::unbounded_channel();
        let (refused, refuses) = mpsc::unbounded_channel();
        let mut consumers = Consumers::default();
        consumers.set(Signal::Metrics, Arc::new(Sink { taken, refused, outcomes: Mutex::new(outcomes.into()) }));
        let metrics = Metrics::new();
        let deps = Deps {
            budget: &Budget::new(budget),
            ack_timeout: Duration::from_secs(5),
            base: std::path::Path::new("/"),
            auth: &Authenticators::default(),
            metadata: &MetadataKeys::default(),
            metrics: &metrics,
        };
        let receiver = config.build("prometheus".parse().unwrap(), &consumers, &deps).unwrap();
        let (trigger, shutdown) = Trigger::new();
        let task = tokio::spawn(Box::new(receiver).run(shutdown));
        Running { metrics, taken: takes, refused: refuses, trigger, task }
    }

    /// The next scrape that the pipeline takes.
    pub(super) async fn next(&mut self) -> Payload {
        tokio::time::timeout(CAP, self.taken.recv()).await.expect("a scrape in time").unwrap()
    }

    /// The next scrape that it does not take.
    pub(super) async fn refused(&mut self) -> Payload {
        tokio::time::timeout(CAP, self.refused.recv()).await.expect("a refused scrape in time").unwrap()
    }

    /// Scrapes until one is as it should be.
    pub(super) async fn until(&mut self, is_it: impl Fn(&Payload) -> bool) -> Payload {
        loop {
            let payload = self.next().await;
            if is_it(&payload) {
                return payload;
            }
        }
    }

    /// Ends it. Gives what it has handed on that nobody has looked at.
    pub(super) async fn stop(mut self) -> Vec<Payload> {
        self.trigger.fire();
        tokio::time::timeout(CAP, self.task).await.expect("an end in time").unwrap();
        let mut rest = Vec::new();
        while let Ok(payload) = self.taken.try_recv() {
            rest.push(payload);
        }
        rest
    }
}

/// A section with one job, whose keys beside its name these are.
pub(super) fn job(keys: &str) -> String {
    format!(
        "{{initial_scrape_offset: 0s, config: {{scrape_configs: [{{job_name: web, scrape_interval: 100ms, {keys}}}]}}}}"
    )
}

/// A section with one job that scrapes one target, with more keys.
pub(super) fn scraping(server: &Server, keys: &str) -> String {
    job(&format!("static_configs: [{{targets: ['{}']}}], {keys}", server.address))
}

pub(super) fn refusal() -> Outcome {
    Err(Failure::retryable("not now"))
}

pub(super) fn gzip(text: &str) -> Vec<u8> {
    let mut packed = Vec::new();
    let pieces = std::iter::once(text.as_bytes());
    host_compression::pack(host_compression::Coding::Gzip, None, pieces, text.len(), &mut packed).unwrap();
    packed
}
