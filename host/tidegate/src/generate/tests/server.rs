//! A server that answers as a test wants it, and remembers what it took.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use host_otlp::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use tokio::task::JoinHandle;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

type Answer = dyn Fn(u64) -> Result<i64, Status> + Send + Sync;

/// Takes or refuses requests by the number of the attempt.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    shared: Shared,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

#[derive(Clone)]
struct Shared {
    answer: Arc<Answer>,
    attempts: Arc<AtomicU64>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` says how many items of an attempt are rejected, or why all are.
    pub(super) async fn start(answer: impl Fn(u64) -> Result<i64, Status> + Send + Sync + 'static) -> Self {
        let shared = Shared { answer: Arc::new(answer), attempts: Arc::default(), taken: Arc::default() };
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = incoming.local_addr().unwrap();
        let router = tonic::transport::Server::builder()
            .add_service(LogsServiceServer::new(shared.clone()))
            .add_service(TraceServiceServer::new(shared.clone()))
            .add_service(MetricsServiceServer::new(shared.clone()));
        let task = tokio::spawn(router.serve_with_incoming(incoming));
        Server { address, shared, task }
    }

    /// The ids of what was taken.
    pub(super) fn taken(&self) -> Vec<String> {
        self.shared.taken.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn take(&self, signal: Signal, request: &impl prost::Message) -> Result<i64, Status> {
        let rejected = (self.answer)(self.attempts.fetch_add(1, Ordering::SeqCst))?;
        self.taken.lock().unwrap().extend(ids(signal, &request.encode_to_vec(), "generate.id"));
        Ok(rejected)
    }
}

#[tonic::async_trait]
impl LogsService for Shared {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let rejected_log_records = self.take(Signal::Logs, request.get_ref())?;
        let partial_success = Some(ExportLogsPartialSuccess { rejected_log_records, error_message: "no".to_owned() });
        let partial_success = partial_success.filter(|_| rejected_log_records > 0);
        Ok(Response::new(ExportLogsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl TraceService for Shared {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(Signal::Traces, request.get_ref())?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Shared {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(Signal::Metrics, request.get_ref())?;
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

pub(super) fn traces(bytes: &[u8]) -> ExportTraceServiceRequest {
    prost::Message::decode(bytes).unwrap()
}

pub(super) fn metrics(bytes: &[u8]) -> ExportMetricsServiceRequest {
    prost::Message::decode(bytes).unwrap()
}

/// The attribute `key` of each item, in order.
pub(super) fn ids(signal: Signal, bytes: &[u8], key: &str) -> Vec<String> {
    let all: Vec<Vec<KeyValue>> = match signal {
        Signal::Logs => {
            let request: ExportLogsServiceRequest = prost::Message::decode(bytes).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
            scopes.flat_map(|scope| scope.log_records).map(|record| record.attributes).collect()
        }
        Signal::Traces => {
            let scopes = traces(bytes).resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            scopes.flat_map(|scope| scope.spans).map(|span| span.attributes).collect()
        }
        Signal::Metrics => {
            let scopes = metrics(bytes).resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
            scopes.flat_map(|scope| scope.metrics).filter_map(|metric| metric.data).flat_map(points).collect()
        }
    };
    all.iter().flatten().filter(|pair| pair.key == key).map(text).collect()
}

fn text(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        other => panic!("an id is text: {other:?}"),
    }
}

fn points(data: Data) -> Vec<Vec<KeyValue>> {
    match data {
        Data::Gauge(gauge) => gauge.data_points.into_iter().map(|point| point.attributes).collect(),
        Data::Sum(sum) => sum.data_points.into_iter().map(|point| point.attributes).collect(),
        Data::Histogram(histogram) => histogram.data_points.into_iter().map(|point| point.attributes).collect(),
        Data::ExponentialHistogram(histogram) => {
            histogram.data_points.into_iter().map(|point| point.attributes).collect()
        }
        Data::Summary(summary) => summary.data_points.into_iter().map(|point| point.attributes).collect(),
    }
}
