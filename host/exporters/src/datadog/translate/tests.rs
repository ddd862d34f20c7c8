//! Requests by example, byte for byte.

mod logs;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use host_otlp::build::{SpanKind, Traces};
use host_telemetry::Metrics;

use super::{HistogramMode, Request, Shape, requests};
use crate::datadog::state::{First, State};

/// What is sent where the configuration says nothing.
fn shape() -> Shape {
    Shape {
        hostname: "here".to_owned(),
        resource_attributes_as_tags: false,
        scope_as_tags: false,
        histograms: HistogramMode::Distributions,
        with_aggregations: false,
        to_delta: true,
        with_quantiles: true,
    }
}

/// A state that says what came from the second point of a series on.
fn state() -> Arc<State> {
    Arc::new(State::new(Duration::from_secs(3600), 1000, First::Drop, 0, "datadog", &Metrics::new()))
}

fn body(request: &Request) -> String {
    String::from_utf8(request.body().concat()).unwrap()
}

fn len(request: &Request) -> usize {
    request.body().concat().len()
}

#[test]
fn spans_stay_what_they_are_in_requests_of_the_size_that_is_taken() {
    let mut request = Traces::new();
    let name = "n".repeat(100_000);
    request.resource_spans(|resource_spans| {
        resource_spans.scope_spans(|scope_spans| {
            for _ in 0..50 {
                scope_spans.span(|span| {
                    span.name(&name);
                    span.kind(SpanKind::Server);
                });
            }
        });
    });
    let payload = request.finish();
    let (all, left_out) = requests(&payload, &shape(), &state(), 0);
    assert_eq!(left_out, crate::left_out::LeftOut::default());
    assert!(all.len() > 1 && all.iter().all(|request| len(request) <= 3_200_000));
    assert_eq!(all.iter().map(Request::items).sum::<u64>(), 50);
    let halves = all[0].halves().unwrap();
    assert!(halves.len() == 2 && halves.iter().all(|half| len(half) < 2_000_000));
}
