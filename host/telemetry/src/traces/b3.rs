//! The headers of B3, in both of their forms, as the Collector reads them: one header, or several. Several are sent.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const ONE: &str = "b3";
const TRACE_ID: &str = "x-b3-traceid";
const SPAN_ID: &str = "x-b3-spanid";
const SAMPLED: &str = "x-b3-sampled";
const FLAGS: &str = "x-b3-flags";

/// The sender's span, where the headers name one.
pub(super) fn extract(headers: &HeaderMap) -> Option<SpanContext> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(one) = header(ONE) {
        let mut parts = one.trim().split('-');
        return context(parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    }
    let decision = if header(FLAGS) == Some("1") { "d" } else { header(SAMPLED).unwrap_or_default() };
    context(header(TRACE_ID)?, header(SPAN_ID)?, decision)
}

/// Says which span a request is sent in.
pub(super) fn inject(span: &SpanContext, headers: &mut HeaderMap) {
    if !span.is_valid() {
        return;
    }
    let sampled = if span.is_sampled() { "1" } else { "0" };
    let values =
        [(TRACE_ID, span.trace_id().to_string()), (SPAN_ID, span.span_id().to_string()), (SAMPLED, sampled.to_owned())];
    for (name, value) in values {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Ids are hexadecimal digits, of which a trace's may have half as many as elsewhere.
fn context(trace_id: &str, span_id: &str, decision: &str) -> Option<SpanContext> {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !matches!(trace_id.len(), 16 | 32) || span_id.len() != 16 || !is_hex(trace_id) || !is_hex(span_id) {
        return None;
    }
    let (trace_id, span_id) = (TraceId::from_hex(trace_id).ok()?, SpanId::from_hex(span_id).ok()?);
    let flags = if matches!(decision, "1" | "d" | "true") { TraceFlags::SAMPLED } else { TraceFlags::default() };
    Some(SpanContext::new(trace_id, span_id, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}
