//! One scrape: the question, and what the answer is read as.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use host_receivers::budget::Reservation;
use http::header::{ACCEPT, ACCEPT_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{Job, Protocol};
use crate::exposition::ParseError;
use crate::exposition::protobuf::Families;
use crate::exposition::text::{Format, Reader};
use crate::http::GetError;
use crate::job::Shared;
use crate::table::{Rejected, Table};
use crate::target::Target;

/// Why a scrape has failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("the job has more than {0} targets: raise `target_limit`, or leave some out in `relabel_configs`")]
    Targets(u64),
    #[error("it {0}")]
    Get(#[from] GetError),
    #[error("it has not answered within {0:?}")]
    Late(Duration),
    #[error("what it exposes is no UTF-8")]
    Text,
    #[error("what it exposes cannot be read: {0}")]
    Parse(#[from] ParseError),
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// What was answered.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text(Format),
    Protobuf,
}

/// What each request of a job says of the answers that can be read.
pub(crate) fn headers(job: &Job) -> HeaderMap {
    let mut accept = String::new();
    let mut weight = job.protocols.len() + 1;
    for protocol in &job.protocols {
        // Writing to text cannot fail.
        let _ = write!(accept, "{};q=0.{weight},", media_type(*protocol));
        weight -= 1;
    }
    let _ = write!(accept, "*/*;q=0.{weight}");
    let mut headers = HeaderMap::new();
    let coding = if job.compression { "gzip" } else { "identity" };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(coding));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(ACCEPT, accept);
    }
    headers
}

fn media_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::PrometheusProto => {
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
        }
        Protocol::OpenMetricsText001 => "application/openmetrics-text;version=0.0.1",
        Protocol::OpenMetricsText100 => "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8",
        Protocol::PrometheusText004 => "text/plain;version=0.0.4",
        Protocol::PrometheusText100 => "text/plain;version=1.0.0;escaping=allow-utf-8",
    }
}

/// Asks a target. `room` stands for the answer and, beyond that, for what is made of it.
pub(super) async fn get(shared: &Shared, target: &Target, room: &mut Reservation) -> Result<Body, Failed> {
    if shared.is_over.load(Ordering::Relaxed) {
        return Err(Failed::Targets(shared.job.limits.targets));
    }
    let mut headers = shared.headers.clone();
    if let Ok(seconds) = HeaderValue::from_str(&target.timeout.as_secs_f64().to_string()) {
        headers.insert(HeaderName::from_static("x-prometheus-scrape-timeout-seconds"), seconds);
    }
    let limit = shared.job.limits.body_size;
    let asking = shared.client.get(&target.key.uri, &headers, limit, room);
    let answer = tokio::time::timeout(target.timeout, asking).await.map_err(|_| Failed::Late(target.timeout))??;
    // As OTLP it takes about as much.
    if !room.grow(answer.body.len()) {
        return Err(GetError::NoRoom.into());
    }
    let form = form(answer.content_type.as_deref(), shared.job.fallback);
    Ok(Body { bytes: answer.body, form })
}

/// What an answer is to be read as. One that does not say what it is, or something that nobody exposes metrics as, is read as
/// the job says.
fn form(content_type: Option<&str>, fallback: Protocol) -> Form {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/openmetrics-text" => Form::Text(Format::OpenMetrics),
        "text/plain" => Form::Text(Format::Prometheus),
        "application/vnd.google.protobuf" => Form::Protobuf,
        _ => match fallback {
            Protocol::OpenMetricsText001 | Protocol::OpenMetricsText100 => Form::Text(Format::OpenMetrics),
            _ => Form::Text(Format::Prometheus),
        },
    }
}

impl Body {
    /// Puts all that was exposed into the table.
    pub(super) fn read_into(&self, table: &mut Table) -> Result<(), Failed> {
        match self.form {
            Form::Text(format) => {
                let text = std::str::from_utf8(&self.bytes).map_err(|_| Failed::Text)?;
                for event in Reader::new(text, format) {
                    table.take_event(event?)?;
                }
                Ok(())
            }
            Form::Protobuf => {
                for family in Families::new(&self.bytes) {
                    table.family(&family?)?;
                }
                Ok(())
            }
        }
    }
}
