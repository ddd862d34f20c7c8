//! The exporters of the collector's own telemetry: what the Collector's keys for them mean to the exporters of OTLP here.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host_component::{Authenticators, ComponentId, Exporter, Signal};
use host_config::delivery::Retry;
use host_config::telemetry::{OwnCompression, OwnOtlp, Processor, Protocol, Telemetry, milliseconds};
use host_config::{Check, Files, Secret, Wrong, without_userinfo};
use host_exporters::Deps;
use host_exporters::HttpCompression;
use host_exporters::otlp::{Compression, Config, HttpConfig};
use host_telemetry::Metrics;
use host_telemetry::own::{self, Own, StartError, Wanted};
use percent_encoding::percent_decode_str;

/// How long one attempt may take, unless something else was written: as in the SDKs.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one batch is tried, as in the SDKs.
const RETRIED: Duration = Duration::from_secs(60);

/// Starts to send what is to be sent. Paths start from `base`.
///
/// # Errors
/// When an exporter cannot be built.
pub(crate) fn start(telemetry: &Telemetry, base: &Path, metrics: &Metrics) -> Result<Own, StartError> {
    own::start(telemetry, metrics, &|wanted| build(wanted, base))
}

/// What is wrong with the exporters that `telemetry` names, with keys below `service.telemetry`.
pub(crate) fn wrongs(telemetry: &Telemetry, files: &Files<'_>) -> Vec<Wrong> {
    let processors =
        [(Signal::Logs, "logs", &telemetry.logs.processors), (Signal::Traces, "traces", &telemetry.traces.processors)];
    let mut wrongs = Vec::new();
    for (signal, section, processors) in processors {
        for (index, (below, otlp)) in
            processors.iter().map(Processor::otlp).enumerate().filter_map(|(i, o)| Some((i, o?)))
        {
            let at = format!("{section}.processors[{index}].{below}");
            let below = |wrong: Wrong| Wrong::new(format!("{at}.{}", key(&wrong.key)), wrong.message);
            wrongs.extend(wrongs_of(signal, otlp, files).into_iter().map(below));
        }
    }
    wrongs
}

fn wrongs_of(signal: Signal, otlp: &OwnOtlp, files: &Files<'_>) -> Vec<Wrong> {
    fn all(config: &impl Check, files: &Files<'_>) -> Vec<Wrong> {
        let wrongs = config.wrongs();
        if wrongs.is_empty() { config.wrongs_in(files) } else { wrongs }
    }
    match Way::of(signal, otlp) {
        Ok(Way::Grpc(config)) => all(&*config, files),
        Ok(Way::Http(config)) => all(&*config, files),
        Err(wrong) => vec![wrong],
    }
}

/// What is wrong with an exporter of OTLP, by the keys here.
fn below(wrong: &Wrong) -> Wrong {
    Wrong::new(key(&wrong.key), &*wrong.message)
}

/// What a key of an exporter of OTLP is called here.
fn key(of_exporter: &str) -> &str {
    match of_exporter {
        "logs_endpoint" | "traces_endpoint" => "endpoint",
        "tls.ca_file" => "certificate",
        "tls.cert_file" => "client_certificate",
        "tls.key_file" => "client_key",
        "tls" => "certificate",
        other => other,
    }
}

/// An exporter's configuration.
enum Way {
    Grpc(Box<Config>),
    Http(Box<HttpConfig>),
}

impl Way {
    fn of(signal: Signal, otlp: &OwnOtlp) -> Result<Self, Wrong> {
        if without_userinfo("endpoint", &otlp.endpoint).is_err() {
            let message = "there is an `@` in it, and a name or a password before that would stand in the log: take it out, and \
                           write what shows who sends into `headers`";
            return Err(Wrong::new("endpoint", message));
        }
        let headers = headers(otlp)?;
        let timeout = otlp.timeout.filter(|millis| *millis > 0).map_or(TIMEOUT, milliseconds);
        let retry = Retry { max_elapsed_time: Some(RETRIED), ..Retry::default() };
        let has_scheme = otlp.endpoint.starts_with("http://") || otlp.endpoint.starts_with("https://");
        let scheme = if otlp.insecure { "http://" } else { "https://" };
        let endpoint = if has_scheme { otlp.endpoint.clone() } else { format!("{scheme}{}", otlp.endpoint) };
        let certificates = [&otlp.certificate, &otlp.client_certificate, &otlp.client_key].map(PathBuf::clone);
        match otlp.protocol {
            Some(Protocol::Grpc) => {
                let mut config = Config { endpoint, headers, timeout, retry_on_failure: retry, ..Config::default() };
                config.tls.insecure = config.endpoint.starts_with("http://");
                [config.tls.ca_file, config.tls.cert_file, config.tls.key_file] = certificates;
                config.compression = match otlp.compression {
                    OwnCompression::None => Compression::None,
                    OwnCompression::Gzip => Compression::Gzip,
                };
                Ok(Way::Grpc(Box::new(config)))
            }
            Some(Protocol::Http) | None => {
                let mut config = HttpConfig::default();
                let (_, address) = endpoint.split_once("://").unwrap_or_default();
                // A path stands for the whole of it, as in the Collector.
                let has_path = address.trim_end_matches('/').contains('/');
                match signal {
                    Signal::Logs if has_path => config.logs_endpoint = endpoint,
                    Signal::Traces if has_path => config.traces_endpoint = endpoint,
                    _ => config.endpoint = endpoint,
                }
                config.headers = headers;
                config.timeout = timeout;
                config.retry_on_failure = retry;
                [config.tls.ca_file, config.tls.cert_file, config.tls.key_file] = certificates;
                config.compression = match otlp.compression {
                    OwnCompression::None => HttpCompression::None,
                    OwnCompression::Gzip => HttpCompression::Gzip,
                };
                Ok(Way::Http(Box::new(config)))
            }
        }
    }
}

/// The headers of each request: those of the list, and over them those that stand by themselves. With them goes that
/// nothing need be traced of it, so that a collector that sends to itself does not trace the sending of traces for ever.
fn headers(otlp: &OwnOtlp) -> Result<BTreeMap<String, Secret>, Wrong> {
    let mut headers = BTreeMap::from([("traceparent".to_owned(), Secret::new(UNTRACED))]);
    for pair in otlp.headers_list.as_str().split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        // What stands behind a semicolon are properties, which no header has.
        let pair = pair.split(';').next().unwrap_or_default();
        let bad = || Wrong::new("headers_list", "write it as `name=value,name=value`");
        let (name, value) = pair.split_once('=').ok_or_else(bad)?;
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| bad())?;
        headers.insert(name.trim().to_ascii_lowercase(), Secret::new(value));
    }
    for (name, value) in &otlp.headers.0 {
        headers.insert(name.to_ascii_lowercase(), value.clone());
    }
    Ok(headers)
}

/// A trace that was not sampled.
const UNTRACED: &str = "00-74696465676174652d2d6f776e2d2d2d-6e6f747261636564-00";

fn build(wanted: &Wanted<'_>, base: &Path) -> Result<Arc<dyn Exporter>, Box<dyn Error + Send + Sync>> {
    let id: ComponentId = format!("otlp/own_{}", wanted.signal).parse()?;
    // What it counts is not the collector's business: `own` counts for itself.
    let (auth, metrics) = (Authenticators::default(), Metrics::new());
    let deps = Deps { base, auth: &auth, metrics: &metrics };
    Ok(match Way::of(wanted.signal, wanted.otlp)? {
        Way::Grpc(config) => config.build(&id, &deps).map_err(|error| below(&error.wrong))?,
        Way::Http(config) => config.build(&id, &deps).map_err(|error| below(&error.wrong))?,
    })
}

#[cfg(test)]
mod tests;
