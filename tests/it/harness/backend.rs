//! A backend that takes OTLP over gRPC, keeps what it took, and refuses when it is told to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Everything that it took so far.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) logs: Vec<ExportLogsServiceRequest>,
    /// The headers of each request with logs.
    pub(crate) metadata: Vec<HeaderMap>,
    pub(crate) traces: Vec<ExportTraceServiceRequest>,
    pub(crate) metrics: Vec<ExportMetricsServiceRequest>,
    refusal: Option<Status>,
}

/// The backend; it ends when it is dropped.
pub(crate) struct Backend {
    address: SocketAddr,
    taken: Shared,
    server: JoinHandle<()>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Taken>>);

impl Shared {
    fn take<T>(&self, keep: impl FnOnce(&mut Taken) -> T) -> Result<T, Status> {
        let mut taken = self.0.lock().unwrap();
        match &taken.refusal {
            Some(status) => Err(status.clone()),
            None => Ok(keep(&mut taken)),
        }
    }
}

impl Backend {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Shared::default();
        let server = Server::builder()
            .add_service(LogsServiceServer::new(taken.clone()).max_decoding_message_size(64 << 20))
            .add_service(TraceServiceServer::new(taken.clone()).max_decoding_message_size(64 << 20))
            .add_service(MetricsServiceServer::new(taken.clone()).max_decoding_message_size(64 << 20))
            .serve_with_incoming(TcpIncoming::from(listener));
        let server = tokio::spawn(async move { server.await.expect("the backend serves") });
        Backend { address, taken, server }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers everything so from here on.
    pub(crate) fn refuse(&self, status: Status) {
        self.taken.0.lock().unwrap().refusal = Some(status);
    }

    /// Takes everything again.
    pub(crate) fn accept(&self) {
        self.taken.0.lock().unwrap().refusal = None;
    }

    /// Looks at what was taken.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Taken) -> T) -> T {
        look(&self.taken.0.lock().unwrap())
    }

    /// Every log record that was taken.
    pub(crate) fn log_records(&self) -> Vec<LogRecord> {
        self.with(|taken| {
            let scopes = taken.logs.iter().flat_map(|r| &r.resource_logs).flat_map(|r| &r.scope_logs);
            scopes.flat_map(|scope| &scope.log_records).cloned().collect()
        })
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tonic::async_trait]
impl LogsService for Shared {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.take(|taken| {
            taken.metadata.push(metadata.into_headers());
            taken.logs.push(request);
        })?;
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Shared {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(|taken| taken.traces.push(request.into_inner()))?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Shared {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(|taken| taken.metrics.push(request.into_inner()))?;
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
