//! Events by example, byte for byte.

mod logs;
mod metrics;
mod traces;

use host_otlp::Payload;

use super::{FieldNames, Names, Request, Shape, requests};
use crate::left_out::LeftOut;

/// What is sent where the configuration says nothing.
fn shape() -> Shape {
    let text = str::to_owned;
    Shape {
        source: text(""),
        sourcetype: text(""),
        index: text(""),
        names: Names {
            source: text("com.splunk.source"),
            sourcetype: text("com.splunk.sourcetype"),
            index: text("com.splunk.index"),
            host: text("host.name"),
        },
        fields: FieldNames {
            severity_text: text("otel.log.severity.text"),
            severity_number: text("otel.log.severity.number"),
            name: text("otel.log.name"),
        },
        is_raw: false,
        is_multi_metric: false,
        with_logs: true,
        with_profiling: true,
        max_bytes: [2 << 20; 3],
        max_event_bytes: 5 << 20,
    }
}

fn body(request: &Request) -> String {
    String::from_utf8(request.events.body().flatten().collect()).unwrap()
}

/// The bodies of all requests.
fn bodies(payload: &Payload, shape: &Shape) -> Vec<String> {
    let (requests, left_out) = requests(payload, shape);
    assert_eq!(left_out, LeftOut::default());
    assert_eq!(requests.iter().map(|request| request.events.items()).sum::<u64>(), payload.items());
    requests.iter().map(body).collect()
}
