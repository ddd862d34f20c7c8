//! A client that sends OTLP over gRPC, as an SDK's exporter does.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::Status;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Error, Identity};

use super::PATIENCE;
use super::certificates::{self, HUB};

/// Within which each request is answered: a test that waits for an answer that never comes fails.
const ANSWER: Duration = PATIENCE.saturating_mul(2);

/// One connection. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Client(Channel);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().timeout(ANSWER);
        Client(endpoint.connect().await.expect("a collector that is ready takes connections"))
    }

    /// A connection to whoever `authority` says is the hub, with a certificate to show where the hub wants one.
    pub(crate) async fn over_tls(
        address: SocketAddr,
        authority: &str,
        identity: Option<&certificates::Identity>,
    ) -> Result<Self, Error> {
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)).domain_name(HUB);
        if let Some(identity) = identity {
            tls = tls.identity(Identity::from_pem(&identity.certificate, &identity.key));
        }
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap().timeout(ANSWER).tls_config(tls)?;
        endpoint.connect().await.map(Client)
    }

    pub(crate) async fn logs(&self, request: ExportLogsServiceRequest) -> Result<(), Status> {
        LogsServiceClient::new(self.0.clone()).export(request).await.map(|_| ())
    }

    /// The same, with the answer.
    pub(crate) async fn logs_answered(
        &self,
        request: ExportLogsServiceRequest,
    ) -> Result<ExportLogsServiceResponse, Status> {
        LogsServiceClient::new(self.0.clone()).export(request).await.map(tonic::Response::into_inner)
    }

    pub(crate) async fn traces(&self, request: ExportTraceServiceRequest) -> Result<(), Status> {
        TraceServiceClient::new(self.0.clone()).export(request).await.map(|_| ())
    }

    pub(crate) async fn metrics(&self, request: ExportMetricsServiceRequest) -> Result<(), Status> {
        MetricsServiceClient::new(self.0.clone()).export(request).await.map(|_| ())
    }
}
