//! Tests of what stands in `traces`: its promises, one sentence each.

use host_component::{Failure, Signal};
use host_config::telemetry::{Nothing, ParentBased, Propagator, Ratio, Sampler, Traces};
use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};

use super::sampler::Chosen;
use super::{Place, Remote, Tracer, b3, step};
use crate::Metrics;
use crate::own::{Counts, queue};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
}

#[test]
fn b3_is_read_in_both_of_its_forms_and_sent_in_the_longer_one() {
    let one = b3::extract(&headers(&[("b3", &format!("{TRACE}-{SPAN}-1"))])).unwrap();
    let ids = [("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN)];
    let several = b3::extract(&headers(&[&ids[..], &[("x-b3-sampled", "1")]].concat())).unwrap();
    assert_eq!(one, several);
    assert!(one.is_sampled() && one.is_remote());
    assert_eq!((one.trace_id().to_string(), one.span_id().to_string()), (TRACE.to_owned(), SPAN.to_owned()));
    assert!(b3::extract(&headers(&[&ids[..], &[("x-b3-flags", "1")]].concat())).unwrap().is_sampled());
    assert!(!b3::extract(&headers(&ids)).unwrap().is_sampled(), "nothing was decided");
    let mut sent = HeaderMap::new();
    b3::inject(&one, &mut sent);
    assert_eq!(b3::extract(&sent), Some(one));
}

#[test]
fn what_is_no_b3_is_no_parent() {
    let traces = ["", "0", "xyz", &"0".repeat(32), &TRACE[1..], &"é".repeat(8)];
    for trace in traces {
        let mut map = headers(&[("x-b3-spanid", SPAN)]);
        map.insert("x-b3-traceid", http::HeaderValue::from_bytes(trace.as_bytes()).unwrap());
        assert_eq!(b3::extract(&map), None, "{trace:?}");
    }
    for value in ["0", "", "-", &format!("{TRACE}-"), &format!("{TRACE}-{SPAN}0-1")] {
        assert_eq!(b3::extract(&headers(&[("b3", value)])), None, "{value:?}");
    }
}

/// Whether a request with such a parent has a span.
fn is_sampled(sampler: Option<&Sampler>, parent: Option<(bool, bool)>, trace: u128) -> bool {
    let context = parent.map_or_else(Context::new, |(is_sampled, is_remote)| {
        let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let ids = (TraceId::from(trace), SpanId::from(7));
        Context::new().with_remote_span_context(SpanContext::new(ids.0, ids.1, flags, is_remote, TraceState::default()))
    });
    let chosen = Chosen::of(sampler);
    let result = chosen.should_sample(Some(&context), TraceId::from(trace), "x", &SpanKind::Internal, &[], &[]);
    result.decision == SamplingDecision::RecordAndSample
}

#[test]
fn without_a_sampler_a_request_does_as_its_sender_and_has_a_span_where_that_has_none() {
    assert!(is_sampled(None, None, 1));
    assert!(is_sampled(None, Some((true, true)), 1) && !is_sampled(None, Some((false, true)), 1));
    assert!(is_sampled(None, Some((true, false)), 1) && !is_sampled(None, Some((false, false)), 1));
}

#[test]
fn each_kind_of_parent_has_the_sampler_that_was_written_for_it() {
    let on = || Some(Sampler { always_on: Some(Nothing {}), ..Sampler::default() });
    let off = || Some(Sampler { always_off: Some(Nothing {}), ..Sampler::default() });
    let parent = ParentBased {
        root: off(),
        remote_parent_sampled: off(),
        remote_parent_not_sampled: on(),
        local_parent_sampled: off(),
        local_parent_not_sampled: on(),
    };
    let sampler = Sampler { parent_based: Some(Box::new(parent)), ..Sampler::default() };
    let is = |parent| is_sampled(Some(&sampler), parent, 1);
    assert!(!is(None) && !is(Some((true, true))) && !is(Some((true, false))));
    assert!(is(Some((false, true))) && is(Some((false, false))));
}

#[test]
fn a_ratio_is_that_of_the_traces() {
    let sampler = Sampler { trace_id_ratio_based: Some(Ratio { ratio: 0.25 }), ..Sampler::default() };
    let spread = |number: u128| (number << 64 | number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let sampled = (1..4000).filter(|number| is_sampled(Some(&sampler), None, spread(*number))).count();
    assert!((800..1200).contains(&sampled), "{sampled}");
}

#[test]
fn what_was_joined_is_in_the_trace_of_the_first_that_is_sampled_and_links_to_the_others() {
    let (spans, mut ended) = queue(8, Counts::new(Signal::Traces, &Metrics::new()));
    let traces = Traces { propagators: vec![Propagator::TraceContext], ..Traces::default() };
    let tracer = Tracer::new(&traces, vec![spans]);
    let place = |trace: &str, flags: &str| {
        let parent = tracer.parent(&headers(&[("traceparent", &format!("00-{trace}-{SPAN}-{flags}"))]));
        let span = parent.span().span_context().clone();
        Place(Some(Box::new(span)))
    };
    let (other, third) = (TRACE.replace('0', "1"), TRACE.replace('0', "2"));
    let places = [place(&other, "00"), place(TRACE, "01"), place(&third, "01")];
    let step = tracer.joined("batch/x", &[("processor", "x")], places.iter()).unwrap();
    step.came_to(&Err(Failure::permanent("no")));
    assert!(ended.try_recv().is_err(), "it goes on");
    drop(step);
    let span = ended.try_recv().unwrap();
    assert_eq!(
        (span.span_context.trace_id().to_string(), span.parent_span_id.to_string()),
        (TRACE.into(), SPAN.into())
    );
    let links: Vec<String> = span.links.iter().map(|link| link.span_context.trace_id().to_string()).collect();
    assert_eq!(links, [third]);
    assert!(matches!(span.status, opentelemetry::trace::Status::Error { .. }));
    let unsampled = tracer.joined("batch/x", &[], places[..1].iter()).unwrap();
    let below = tracer.begin("exporter/x", opentelemetry::trace::SpanKind::Internal, &[], &unsampled.0, Vec::new());
    assert!(!below.0.span().span_context().is_sampled(), "what comes after begins no trace of its own");
    drop((unsampled, below));
    assert!(ended.try_recv().is_err(), "nobody asked for it");
    assert!(tracer.joined("batch/x", &[], [Place::default()].iter()).is_none());
}

#[test]
fn without_traces_nothing_begins() {
    assert!(step("x", &[]).is_none());
    let remote = Remote::of(&headers(&[("traceparent", &format!("00-{TRACE}-{SPAN}-01"))]));
    assert!(remote.step("x", &[]).is_none());
    assert!(format!("{:?}", Place::here()).contains("None"));
}
