//! A receiver of remote write that remembers what it got and answers as it was told to. It reads with a decoder of
//! protobuf, and not with what the exporter writes by.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use host_compression::{Coding, Room, unpack};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::net::TcpListener;

#[derive(Clone, PartialEq, prost::Message)]
struct RequestV1 {
    #[prost(message, repeated, tag = "1")]
    series: Vec<SeriesV1>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<FamilyV1>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FamilyV1 {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "4")]
    pub(super) help: String,
    #[prost(string, tag = "5")]
    pub(super) unit: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SeriesV1 {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelV1>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<Histogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct LabelV1 {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) time: i64,
    #[prost(int64, tag = "3")]
    pub(super) start: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Histogram {
    #[prost(uint64, tag = "1")]
    pub(super) count: u64,
    #[prost(double, tag = "3")]
    pub(super) sum: f64,
    #[prost(sint32, tag = "4")]
    pub(super) schema: i32,
    #[prost(message, repeated, tag = "11")]
    pub(super) spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    pub(super) deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    pub(super) time: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Span {
    #[prost(sint32, tag = "1")]
    pub(super) offset: i32,
    #[prost(uint32, tag = "2")]
    pub(super) length: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RequestV2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    series: Vec<SeriesV2>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct SeriesV2 {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "3")]
    histograms: Vec<Histogram>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<FamilyV2>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct FamilyV2 {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help: u32,
    #[prost(uint32, tag = "4")]
    unit: u32,
}

/// A series that arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Series {
    /// As `name=value`, in their order.
    pub(super) labels: Vec<String>,
    pub(super) samples: Vec<Sample>,
    pub(super) histograms: Vec<Histogram>,
    /// Under version 2: the type, the help and the unit.
    pub(super) family: Option<(i32, String, String)>,
}

impl Series {
    pub(super) fn has(&self, label: &str) -> bool {
        self.labels.iter().any(|known| known == label)
    }
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) headers: HeaderMap,
    pub(super) series: Vec<Series>,
    pub(super) metadata: Vec<FamilyV1>,
    /// Unpacked.
    pub(super) bytes: usize,
}

/// A status, headers and a text.
pub(super) type Reply = (u16, Vec<(&'static str, String)>, &'static str);

/// Says what to answer to a request, of which there were so many before.
type Judge = dyn Fn(&Got, usize) -> Reply + Send + Sync;

pub(super) struct Receiver {
    pub(super) endpoint: String,
    got: Arc<Mutex<Vec<(Got, u16)>>>,
}

pub(super) fn fine() -> Reply {
    (204, Vec::new(), "")
}

pub(super) fn refusal(status: u16, text: &'static str) -> Reply {
    (status, vec![("content-type", "text/plain; charset=utf-8".to_owned())], text)
}

/// What a receiver of version 2 says.
pub(super) fn written(status: u16, samples: usize, text: &'static str) -> Reply {
    let headers = vec![
        ("x-prometheus-remote-write-samples-written", samples.to_string()),
        ("x-prometheus-remote-write-histograms-written", "0".to_owned()),
        ("x-prometheus-remote-write-exemplars-written", "0".to_owned()),
        ("content-type", "text/plain".to_owned()),
    ];
    (status, headers, text)
}

impl Receiver {
    pub(super) async fn start(judge: impl Fn(&Got, usize) -> Reply + Send + Sync + 'static) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/api/v1/write", listener.local_addr().unwrap());
        let got = Arc::<Mutex<Vec<(Got, u16)>>>::default();
        let (judge, kept): (Arc<Judge>, _) = (Arc::new(judge), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (judge, kept) = (Arc::clone(&judge), Arc::clone(&kept));
                let service = service_fn(move |request| serve(request, Arc::clone(&judge), Arc::clone(&kept)));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Receiver { endpoint, got }
    }

    /// All requests, with the status that each was answered with.
    pub(super) fn requests(&self) -> Vec<(Got, u16)> {
        self.got.lock().unwrap().clone()
    }

    /// The series of the requests that were taken.
    pub(super) fn series(&self) -> Vec<Series> {
        self.requests().into_iter().filter(|(_, status)| *status < 300).flat_map(|(got, _)| got.series).collect()
    }
}

async fn serve(
    request: Request<Incoming>,
    judge: Arc<Judge>,
    kept: Arc<Mutex<Vec<(Got, u16)>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let packed = body.collect().await.unwrap().to_bytes();
    let body = unpack(Coding::Snappy, &packed, 64 << 20, &mut Unbounded).await.unwrap();
    let is_v2 = head.headers["content-type"].to_str().unwrap().contains("v2");
    let (series, metadata) = if is_v2 { (v2(&body), Vec::new()) } else { v1(&body) };
    let got = Got { headers: head.headers, series, metadata, bytes: body.len() };
    let (status, headers, text) = {
        let mut kept = kept.lock().unwrap();
        let reply = judge(&got, kept.len());
        kept.push((got, reply.0));
        reply
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(text.into())).unwrap())
}

/// As much memory as is asked for.
struct Unbounded;

impl Room for Unbounded {
    fn grow(&mut self, _: usize) -> bool {
        true
    }

    fn shrink_to(&mut self, _: usize) {}
}

fn v1(body: &[u8]) -> (Vec<Series>, Vec<FamilyV1>) {
    let request = RequestV1::decode(body).unwrap();
    let series = request.series.into_iter().map(|series| Series {
        labels: series.labels.iter().map(|label| format!("{}={}", label.name, label.value)).collect(),
        samples: series.samples,
        histograms: series.histograms,
        family: None,
    });
    (series.collect(), request.metadata)
}

fn v2(body: &[u8]) -> Vec<Series> {
    let RequestV2 { symbols, series } = RequestV2::decode(body).unwrap();
    assert_eq!(symbols[0], "", "the first symbol is empty");
    let text = |at: u32| symbols[at as usize].clone();
    let read = |series: SeriesV2| {
        let family = series.metadata.unwrap();
        Series {
            labels: series.labels.chunks(2).map(|pair| format!("{}={}", text(pair[0]), text(pair[1]))).collect(),
            samples: series.samples,
            histograms: series.histograms,
            family: Some((family.kind, text(family.help), text(family.unit))),
        }
    };
    series.into_iter().map(read).collect()
}
