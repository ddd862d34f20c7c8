//! Spans: a server's work and the calls that it makes, with events and links.

use host_otlp::Payload;
use host_otlp::build::{Span, SpanKind, StatusCode, Traces};

use super::{Items, METHODS, ROUTES};
use crate::generate::personal::Personal;

/// Spans of one trace that follow one another.
const TRACE: u32 = 5;

pub(in crate::generate) fn traces(items: &mut Items<'_>) -> Payload {
    let mut traces = Traces::with_capacity(500 * items.total as usize);
    while let Some(share) = items.share() {
        traces.resource_spans(|resource_spans| {
            resource_spans.resource(|resource| items.resource(resource));
            resource_spans.scope_spans(|scope_spans| {
                scope_spans.scope(|scope| items.scope(scope));
                let (mut trace, mut parent) = (items.bytes::<16>(), None);
                for number in 0..share {
                    if number % TRACE == 0 {
                        (trace, parent) = (items.bytes(), None);
                    }
                    let id = items.bytes();
                    scope_spans.span(|span| one(items, span, trace, id, parent));
                    parent = Some(id);
                }
            });
        });
    }
    traces.finish()
}

fn one(items: &mut Items<'_>, span: &mut Span<'_>, trace: [u8; 16], id: [u8; 8], parent: Option<[u8; 8]>) {
    let start = items.time();
    let end = start + items.rng.u64(100_000..900_000_000);
    let failed = items.rng.u8(0..20) == 0;
    let personal = items.personal();
    span.trace_id(&trace);
    span.span_id(&id);
    if let Some(parent) = parent {
        span.parent_span_id(&parent);
    }
    let (method, route) = (items.pick(METHODS), items.pick(ROUTES));
    // Some clients put what identifies a user into the name of the span.
    match &personal {
        Some(Personal { value, .. }) if items.rng.u8(0..4) == 0 => span.name(&format!("lookup {value}")),
        _ => span.name(&format!("{method} {route}")),
    }
    span.kind(if parent.is_some() { SpanKind::Client } else { SpanKind::Server });
    span.start_time_unix_nano(start);
    span.end_time_unix_nano(end);
    span.attribute(items.id_attribute(), &items.next_id());
    span.attribute("http.request.method", method);
    span.attribute("http.route", route);
    span.attribute("http.response.status_code", if failed { 503 } else { 200 });
    span.attribute("server.address", "ledger.bank.svc");
    span.attribute("network.peer.port", 8443);
    if let Some(Personal { key, value }) = &personal {
        span.attribute(key, value);
    }
    if failed || items.rng.u8(0..5) == 0 {
        span.event(|event| {
            event.time_unix_nano(end);
            event.name(if failed { "exception" } else { "retry" });
            event.attribute("attempt", 2);
            if let Some(Personal { value, .. }) = &personal {
                event.attribute("exception.message", &format!("no account for {value}"));
            }
        });
    }
    if items.rng.u8(0..10) == 0 {
        let (trace, id) = (items.bytes::<16>(), items.bytes::<8>());
        span.link(|link| {
            link.trace_id(&trace);
            link.span_id(&id);
            link.attribute("messaging.operation.name", "process");
        });
    }
    span.status(|status| {
        if failed {
            status.message("upstream timed out");
            status.code(StatusCode::Error);
        } else {
            status.code(StatusCode::Ok);
        }
    });
    span.flags(0x101);
}
