//! What prost wrote is what is read, and nothing else makes it panic.

use std::sync::Arc;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::config::Limits;
use crate::table::{Reading, Report, Subject, Table};
use crate::testing::own;

#[derive(Clone, PartialEq, Message)]
struct PbFamily {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    #[prost(int32, tag = "3")]
    kind: i32,
    #[prost(message, repeated, tag = "4")]
    metric: Vec<PbMetric>,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct PbMetric {
    #[prost(message, repeated, tag = "1")]
    label: Vec<PbPair>,
    #[prost(message, optional, tag = "3")]
    counter: Option<PbCounter>,
    #[prost(message, optional, tag = "4")]
    summary: Option<PbSummary>,
    #[prost(int64, tag = "6")]
    timestamp_ms: i64,
    #[prost(message, optional, tag = "7")]
    histogram: Option<PbHistogram>,
}

#[derive(Clone, PartialEq, Message)]
struct PbPair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct PbCounter {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(message, optional, tag = "2")]
    exemplar: Option<PbExemplar>,
    #[prost(message, optional, tag = "3")]
    created: Option<PbTime>,
}

#[derive(Clone, PartialEq, Message)]
struct PbExemplar {
    #[prost(message, repeated, tag = "1")]
    label: Vec<PbPair>,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct PbTime {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

#[derive(Clone, PartialEq, Message)]
struct PbSummary {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    quantile: Vec<PbQuantile>,
}

#[derive(Clone, PartialEq, Message)]
struct PbQuantile {
    #[prost(double, tag = "1")]
    quantile: f64,
    #[prost(double, tag = "2")]
    value: f64,
}

#[derive(Clone, PartialEq, Message)]
struct PbHistogram {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    sum: f64,
    #[prost(message, repeated, tag = "3")]
    bucket: Vec<PbBucket>,
    #[prost(sint32, tag = "5")]
    schema: i32,
    #[prost(double, tag = "6")]
    zero_threshold: f64,
    #[prost(uint64, tag = "7")]
    zero_count: u64,
    #[prost(message, repeated, tag = "12")]
    positive_span: Vec<PbSpan>,
    #[prost(sint64, repeated, tag = "13")]
    positive_delta: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct PbBucket {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "2")]
    bound: f64,
}

#[derive(Clone, PartialEq, Message)]
struct PbSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

fn pair(name: &str, value: &str) -> PbPair {
    PbPair { name: name.to_owned(), value: value.to_owned() }
}

fn family(name: &str, kind: i32, metric: PbMetric) -> Vec<u8> {
    let family = PbFamily { name: name.to_owned(), kind, metric: vec![metric], ..PbFamily::default() };
    family.encode_length_delimited_to_vec()
}

/// What one scrape of these bytes makes.
fn scraped(reading: Reading, bytes: &[u8]) -> Vec<String> {
    let labels = [("instance", "a:1"), ("job", "j")].into_iter().collect();
    let mut table = Table::new(Arc::new(reading), Subject { labels, ..Subject::default() });
    table.begin();
    for family in Families::new(bytes) {
        table.family(&family.unwrap()).unwrap();
    }
    table.finish(&Report::default()).payloads.iter().flat_map(own).collect()
}

fn native() -> PbHistogram {
    PbHistogram {
        count: 12,
        sum: 18.4,
        schema: 1,
        zero_threshold: 0.001,
        zero_count: 2,
        positive_span: vec![PbSpan { offset: 0, length: 2 }, PbSpan { offset: 1, length: 2 }],
        positive_delta: vec![1, 1, -1, 0],
        bucket: vec![PbBucket { count: 4, bound: 1.0 }],
    }
}

#[test]
fn counters_and_summaries_are_read() {
    let exemplar = PbExemplar { label: vec![pair("k", "v")], value: 0.5 };
    let created = PbTime { seconds: 2, nanos: 500_000_000 };
    let counter = PbCounter { value: 3.0, exemplar: Some(exemplar), created: Some(created) };
    let mut bytes =
        family("c_total", 0, PbMetric { label: vec![pair("x", "1")], counter: Some(counter), ..PbMetric::default() });
    let quantile = vec![PbQuantile { quantile: 0.5, value: 7.0 }];
    let summary = PbSummary { count: 4, sum: 20.0, quantile };
    bytes.extend(family("s", 2, PbMetric { summary: Some(summary), ..PbMetric::default() }));
    assert_eq!(
        scraped(Reading::default(), &bytes),
        ["c_total counter {x=1} 3 since 2500 [0.5   k=v]", "s summary {} 4 20 [(0.5, 7.0)]",]
    );
}

#[test]
fn a_native_histogram_is_an_exponential_one() {
    let bytes = family("h", 4, PbMetric { histogram: Some(native()), ..PbMetric::default() });
    let wants = Reading { native_histograms: true, ..Reading::default() };
    assert_eq!(
        scraped(wants.clone(), &bytes),
        ["h native {} 12 Some(18.4) scale 1 zero 2<0.001 -1:[1, 2, 0, 1, 1] 0:[]"]
    );
    let both = Reading { classic_histograms: true, ..wants.clone() };
    assert_eq!(scraped(both, &bytes)[1], "h histogram {} 12 18.4 [1.0] [4, 8]");
    assert_eq!(scraped(Reading::default(), &bytes), ["h histogram {} 12 18.4 [1.0] [4, 8]"]);
    for (buckets, told) in [(3, "scale 0 zero 2<0.001 -1:[1, 2, 2]"), (2, "scale -1 zero 2<0.001 -1:[1, 4]")] {
        let coarse = Reading { limits: Limits { buckets, ..Limits::default() }, ..wants.clone() };
        assert_eq!(scraped(coarse, &bytes), [format!("h native {{}} 12 Some(18.4) {told} 0:[]")]);
    }
}

#[test]
fn what_is_no_message_is_told() {
    let told = |bytes: &[u8]| Families::new(bytes).find_map(Result::err).map(|error| error.to_string());
    assert_eq!(told(&[5, 1]), Some("family 1: a family is cut off".to_owned()));
    assert_eq!(told(&[2, 0x0a, 9]), Some("family 1: what stands there is no message".to_owned()));
    assert_eq!(told(&[2, 0x18, 1]), Some("family 1: a family has no name".to_owned()));
    assert_eq!(told(&family("a", 9, PbMetric::default())), Some("family 1: 9 is no type of a metric".to_owned()));
}

#[test]
fn buckets_that_nobody_needs_are_left_out() {
    let spans = |spans: &[(i32, u32)], deltas: &[i64]| {
        Spans { spans: spans.to_vec(), deltas: deltas.to_vec(), counts: Vec::new() }.counts()
    };
    assert_eq!(spans(&[(3, 1), (2, 1)], &[5, -1]), Some((2, vec![5, 0, 0, 4])));
    assert_eq!(spans(&[(3, 1), (i32::MAX, 1)], &[5, -1]), None);
    assert_eq!(spans(&[(3, 1), (-1, 1)], &[5, -1]), None);
    assert_eq!(spans(&[(3, u32::MAX)], &[5]), None);
    assert_eq!(spans(&[(3, 2)], &[5, -6]), None);
    assert_eq!(spans(&[(i32::MIN, 1)], &[5]), None);
}

proptest! {
    #[test]
    fn anything_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..100usize, byte in any::<u8>()) {
        let mut known = family("h", 4, PbMetric { histogram: Some(native()), ..PbMetric::default() });
        let place = at % known.len();
        known[place] = byte;
        for bytes in [bytes, known] {
            for family in Families::new(&bytes).flatten() {
                for metric in family.metrics().flatten() {
                    if let Value::Histogram(histogram) = metric.value {
                        let _ = histogram.positive.counts();
                    }
                }
            }
        }
    }
}
