//! What a resource and a series are known by: the Collector's hashes of all that makes them up.
//!
//! Attributes are hashed by XXH64, whatever their order; the whole by FNV-1a, from the resource to the point.

use host_otlp::view::{AnyValue, Data, KeyValue, Metric, Repeated, Scope};
use twox_hash::XxHash64;

/// What stands before each part of attributes that are hashed.
const MORE: u8 = 0xf3;
const KEY: u8 = 0xf4;
const EMPTY: u8 = 0xf5;
const BYTES: u8 = 0xf6;
const TEXT: u8 = 0xf7;
const TRUE: u8 = 0xf8;
const FALSE: u8 = 0xf9;
const INT: u8 = 0xfa;
const DOUBLE: u8 = 0xfb;
const MAP: u8 = 0xfc;
const MAP_END: u8 = 0xfd;
const LIST: u8 = 0xfe;
const LIST_END: u8 = 0xff;

/// FNV-1a of 64 bits.
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

type Attributes<'a> = Repeated<'a, KeyValue<'a>>;

/// What is known of something so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity(u64);

impl Identity {
    pub(super) fn of_resource(attributes: Option<Attributes<'_>>) -> Self {
        Identity(FNV_START).with(&hash(attributes))
    }

    pub(super) fn with_scope(self, scope: Option<&Scope<'_>>) -> Self {
        let (name, version) = scope.map_or(("", ""), |scope| (scope.name, scope.version));
        let attributes = scope.map(|scope| scope.attributes.clone());
        self.with(name.as_bytes()).with(version.as_bytes()).with(&hash(attributes))
    }

    pub(super) fn with_metric(self, metric: &Metric<'_>) -> Self {
        let (kind, is_monotonic, temporality) = match metric.data() {
            None => (0, false, 0),
            Some(Data::Gauge(_)) => (1, false, 0),
            Some(Data::Sum(sum)) => (2, sum.is_monotonic, sum.aggregation_temporality),
            Some(Data::Histogram(histogram)) => (3, true, histogram.aggregation_temporality),
            Some(Data::ExponentialHistogram(histogram)) => (4, true, histogram.aggregation_temporality),
            Some(Data::Summary(_)) => (5, false, 0),
        };
        let kind = [kind, u8::from(is_monotonic), temporality as u8];
        self.with(metric.name.as_bytes()).with(metric.unit.as_bytes()).with(&kind)
    }

    pub(super) fn with_point(self, attributes: Attributes<'_>) -> Self {
        self.with(&hash(Some(attributes)))
    }

    /// The key of a resource.
    pub(super) fn resource(&self) -> String {
        format!("resource/{:x}", self.0)
    }

    /// The key of a series.
    pub(super) fn stream(&self) -> String {
        format!("stream/{:x}", self.0)
    }

    fn with(self, bytes: &[u8]) -> Self {
        Identity(bytes.iter().fold(self.0, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)))
    }
}

/// The hash of attributes; that of none is zero.
fn hash(attributes: Option<Attributes<'_>>) -> [u8; 16] {
    let mut whole = [0; 16];
    let Some(attributes) = attributes.filter(|attributes| attributes.clone().next().is_some()) else { return whole };
    let mut bytes = Vec::with_capacity(512);
    put_map(attributes, &mut bytes);
    whole[..8].copy_from_slice(&XxHash64::oneshot(0, &bytes).to_le_bytes());
    bytes.push(MORE);
    whole[8..].copy_from_slice(&XxHash64::oneshot(0, &bytes).to_le_bytes());
    whole
}

fn put_map(pairs: Attributes<'_>, out: &mut Vec<u8>) {
    let mut pairs: Vec<KeyValue<'_>> = pairs.collect();
    // The sort is stable: of a key that stands twice, the first value counts both times.
    pairs.sort_by_key(|pair| pair.key);
    let mut first = 0;
    for at in 0..pairs.len() {
        if pairs[at].key != pairs[first].key {
            first = at;
        }
        out.push(KEY);
        out.extend_from_slice(pairs[at].key.as_bytes());
        put(pairs[first].value.as_ref().unwrap_or(&AnyValue::Empty), out);
    }
}

fn put(value: &AnyValue<'_>, out: &mut Vec<u8>) {
    match value {
        AnyValue::Empty | AnyValue::TextIndex(_) => out.push(EMPTY),
        AnyValue::Text(text) => {
            out.push(TEXT);
            out.extend_from_slice(text.as_bytes());
        }
        AnyValue::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        AnyValue::Int(number) => {
            out.push(INT);
            out.extend_from_slice(&number.to_le_bytes());
        }
        AnyValue::Double(number) => {
            out.push(DOUBLE);
            out.extend_from_slice(&number.to_bits().to_le_bytes());
        }
        AnyValue::Map(pairs) => {
            out.push(MAP);
            put_map(pairs.clone(), out);
            out.push(MAP_END);
        }
        AnyValue::Array(values) => {
            out.push(LIST);
            values.clone().for_each(|value| put(&value, out));
            out.push(LIST_END);
        }
        AnyValue::Bytes(bytes) => {
            out.push(BYTES);
            out.extend_from_slice(bytes);
        }
    }
}
